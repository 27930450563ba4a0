#pragma once

#include <string>
#include <string_view>

namespace trapline::collector {

/// What a User-Agent header says, as far as it does; unknown parts are empty.
struct UserAgent {
  std::string browser;
  std::string browser_version;
  std::string os;
  std::string os_version;
  std::string device;  ///< "iPhone", "Pixel 8"
};

/// Knows the browsers that matter, common bots and HTTP libraries. A rule table of our own: Debian has the regular
/// expressions of the uap-core project, but no C or C++ library that applies them; as 1,200 expressions in RE2 they
/// would cost more than the rest of digestion. Linear in the header's length, of which the first 512 bytes count.
UserAgent parse_user_agent(std::string_view header);

}  // namespace trapline::collector
