#include "sdk/delivery/transport.h"

#include <algorithm>

#include "sdk/core/ascii.h"

namespace trapline::sdk {

bool read_header(std::string_view line, std::string_view name, std::string& value) {
  if (line.size() <= name.size() || line[name.size()] != ':') return false;
  const bool is_it = std::equal(name.begin(), name.end(), line.begin(),
                                [](char wanted, char actual) { return wanted == core::to_lower(actual); });
  if (!is_it) return false;
  line.remove_prefix(name.size() + 1);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  value = line.substr(0, line.find_last_not_of(" \t\r\n") + 1);
  return true;
}

}  // namespace trapline::sdk
