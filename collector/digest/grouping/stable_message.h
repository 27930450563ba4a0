#pragma once

#include <string>
#include <string_view>

namespace trapline::collector {

/// A message without its variable parts, as version 2 of the grouping tells messages apart: "user 42 not found" is
/// "user <num> not found". Goes: quotations, URLs, addresses (mail, IP, MAC, hosts), dates, paths, durations and sizes
/// with their units, and numbers, which takes in hex, ids in base64 and whatever mixes digits and letters ("7K2MQ4"),
/// save names as "utf8", "sha256" and "v2". Of a word with separators in it ("order-4711") only the parts that vary go.
/// What the scrubber has left counts as what it was.
std::string stable_message(std::string_view message);

}  // namespace trapline::collector
