#pragma once

/// The first line of a batch that libtrapline sends:
/// {"trapline_batch":{"debug_meta":{"images":[…]},"sent_at":"…","run":"…","release":"…","ledger":{…}}}. It carries what
/// the batch's events have in common, so that it travels once, and what the run that captured them has counted.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/storage/records.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// Whether a line is a batch's header and not an event.
bool is_batch_header(std::string_view line);

/// Far more than stacks of real programs name. No settings, as the spool must read a batch as it was taken in.
constexpr std::size_t kMostAddedToEvent = std::size_t{256} << 10;
constexpr std::size_t kMostAddedToBatch = std::size_t{16} << 20;

/// What a batch says of the process whose events it has, and when it was sent by that one's clock.
class BatchHeader {
 public:
  /// Without modules.
  BatchHeader() = default;
  /// Errors: "invalid_json".
  static core::Result<BatchHeader> read(std::string_view line);

  /// The event with those modules that its frames name, unless it has modules of its own. `json` is a checked event.
  /// What is added to one event and to all of a batch is bounded, whatever they name: a short header must not become
  /// long a thousand times.
  [[nodiscard]] std::string complete(std::string json);

  [[nodiscard]] UnixMillis sent_at() const { return sent_at_; }  ///< 0: it does not say
  /// What was said of the run, as an object with "run", "release" and "ledger", as they were sent. Empty when the
  /// header names no run: older clients do not.
  [[nodiscard]] const std::string& run_counters() const { return run_counters_; }
  /// The run's id; empty when it is none.
  [[nodiscard]] const std::string& run_id() const { return run_id_; }

 private:
  std::vector<std::pair<std::string, std::string>> images_;  ///< address as written, and the module's JSON
  std::size_t room_ = kMostAddedToBatch;
  UnixMillis sent_at_ = 0;
  std::string run_counters_;
  std::string run_id_;
};

}  // namespace trapline::collector
