#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sdk/delivery/event_buffer.h"
#include "sdk/recorder/fields.h"

namespace trapline::sdk {

/// The envelope in an item's record, as Client::send_envelope() wrote it; nothing when it is damaged.
inline std::optional<NewItem> read_item(std::string_view payload) {
  FieldReader reader(payload);
  const auto field = reader.next();
  if (!field || field->kind != FieldKind::kPayload) return std::nullopt;
  return NewItem{ItemKind::kEnvelope, "", false, std::string(field->value), 0};
}

}  // namespace trapline::sdk
