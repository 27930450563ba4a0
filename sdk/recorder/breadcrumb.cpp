#include "sdk/recorder/breadcrumb.h"

#include <array>
#include <cstring>

namespace trapline::sdk {

void write_breadcrumb(char* to, const BreadcrumbView& breadcrumb) {
  const std::array<std::string_view, 4> texts = {breadcrumb.type, breadcrumb.category, breadcrumb.message,
                                                 breadcrumb.data};
  const std::size_t bytes = breadcrumb_field_bytes(breadcrumb);
  std::memset(to + bytes - 8, 0, 8);
  std::uint32_t value_length = kBreadcrumbHeaderBytes;
  for (const std::string_view text : texts) value_length += static_cast<std::uint32_t>(text.size());
  const std::uint16_t key_length = 0;
  to[0] = static_cast<char>(FieldKind::kBreadcrumb);
  to[1] = static_cast<char>(breadcrumb.level);
  std::memcpy(to + 2, &key_length, sizeof key_length);
  std::memcpy(to + 4, &value_length, sizeof value_length);
  to += kFieldHeaderBytes;
  std::memcpy(to, &breadcrumb.timestamp, sizeof breadcrumb.timestamp);
  to += sizeof breadcrumb.timestamp;
  for (const std::string_view text : texts) {
    const auto length = static_cast<std::uint32_t>(text.size());
    std::memcpy(to, &length, sizeof length);
    to += sizeof length;
  }
  for (const std::string_view text : texts) {
    if (text.empty()) continue;
    std::memcpy(to, text.data(), text.size());
    to += text.size();
  }
}

BreadcrumbView read_breadcrumb(const Field& field) {
  BreadcrumbView breadcrumb;
  if (field.value.size() < kBreadcrumbHeaderBytes) return breadcrumb;
  breadcrumb.level = field.detail;
  std::memcpy(&breadcrumb.timestamp, field.value.data(), sizeof breadcrumb.timestamp);
  std::array<std::uint32_t, 4> lengths{};
  std::memcpy(lengths.data(), field.value.data() + sizeof breadcrumb.timestamp, sizeof lengths);
  std::string_view rest = field.value.substr(kBreadcrumbHeaderBytes);
  std::array<std::string_view*, 4> texts = {&breadcrumb.type, &breadcrumb.category, &breadcrumb.message,
                                            &breadcrumb.data};
  for (std::size_t index = 0; index < texts.size(); ++index) {
    if (lengths[index] > rest.size()) return {};
    *texts[index] = rest.substr(0, lengths[index]);
    rest.remove_prefix(lengths[index]);
  }
  return breadcrumb;
}

}  // namespace trapline::sdk
