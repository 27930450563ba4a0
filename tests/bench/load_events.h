#pragma once

/// The events that the collector's benchmark sends: 6 to 12 KB of JSON each, of 200 kinds (an exception with its stack,
/// source lines, breadcrumbs, request, contexts and tags), as backend and browser clients send them. Events of a kind
/// differ in what differs in life: ids, times, users, addresses, numbers in messages, values of variables. Compressed
/// alone with gzip -6 an event has about 1.8 KB.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace trapline::bench {

constexpr std::size_t kEventKinds = 200;

/// Thread-safe after construction: the same number gives the same event.
class LoadEvents {
 public:
  LoadEvents();

  /// The event's JSON. `millis` is its timestamp.
  [[nodiscard]] std::string event(std::uint64_t number, std::int64_t millis) const;

 private:
  struct Kind {
    std::string platform;
    std::string type;
    std::string message;  ///< with "%" where a number goes
    std::string frames;   ///< JSON, with "%" likewise
    std::string transaction;
    std::string sdk;                       ///< JSON
    std::string contexts;                  ///< JSON, the part that is the same for all
    std::vector<std::string> breadcrumbs;  ///< messages, with "%"
  };
  std::vector<Kind> kinds_;
};

}  // namespace trapline::bench
