#pragma once

#include <cstdint>
#include <string_view>

#include "sdk/core/clock.h"
#include "sdk/recorder/fields.h"

namespace trapline::sdk {

/// A breadcrumb as it is recorded: a field of kind kBreadcrumb whose value is the time, four lengths and four texts.
struct BreadcrumbView {
  core::UnixMillis timestamp = 0;
  std::uint8_t level = 1;
  std::string_view type;
  std::string_view category;
  std::string_view message;
  std::string_view data;  ///< a JSON object, or empty
};

constexpr std::size_t kBreadcrumbHeaderBytes = 24;

/// Bytes the field takes.
inline std::size_t breadcrumb_field_bytes(const BreadcrumbView& breadcrumb) {
  return field_bytes(0, kBreadcrumbHeaderBytes + breadcrumb.type.size() + breadcrumb.category.size() +
                            breadcrumb.message.size() + breadcrumb.data.size());
}

/// Writes it where breadcrumb_field_bytes() bytes are free.
void write_breadcrumb(char* to, const BreadcrumbView& breadcrumb);

/// Reads the value of such a field; an empty breadcrumb when it is damaged.
BreadcrumbView read_breadcrumb(const Field& field);

}  // namespace trapline::sdk
