/// Whatever is split and checked: an event that is taken is a JSON object that parses, also after its repair.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "collector/ingest/batch_header.h"
#include "collector/ingest/event_check.h"
#include "collector/ingest/events_body.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trapline::collector;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const EventsFormat format : {EventsFormat::kJson, EventsFormat::kNdjson}) {
    const auto split = split_events(format, body, 100);
    if (!split) continue;
    auto header = BatchHeader::read(split->batch_header);
    for (const std::string_view event : split->events) {
      const auto checked = check_event(event, 1 << 20);
      if (checked && !check_event(checked->json, 1 << 22)) std::abort();
      if (checked && header && !check_event(header->complete(checked->json), 1 << 24)) std::abort();
    }
  }
  return 0;
}
