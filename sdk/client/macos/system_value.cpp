#include "sdk/client/macos/system_value.h"

#include <array>
#include <cstring>

#include <sys/sysctl.h>

namespace trapline::sdk {

std::string system_text(const char* name) {
  std::array<char, 512> text{};
  std::size_t bytes = text.size() - 1;
  if (sysctlbyname(name, text.data(), &bytes, nullptr, 0) != 0) return {};
  return {text.data(), strnlen(text.data(), text.size())};
}

std::optional<std::int64_t> system_number(const char* name) {
  std::int64_t number = 0;  // some are of four bytes; both processors put those first
  std::size_t bytes = sizeof number;
  if (sysctlbyname(name, &number, &bytes, nullptr, 0) != 0) return std::nullopt;
  return number;
}

}  // namespace trapline::sdk
