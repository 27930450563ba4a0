#pragma once

#include <string>
#include <string_view>

namespace trapline::collector {

/// A message with its variable parts replaced by their kind: "user 42 not found at /srv/a.txt" becomes "user <num> not
/// found at <path>". Kinds: num, hex, uuid, email, ip, url, path, date, duration, quoted. One pass, linear in the
/// length; at most the first 2 KiB count.
std::string message_template(std::string_view message);

}  // namespace trapline::collector
