#pragma once

/// The first line of a batch that libtrapline sends: {"trapline_batch":{"debug_meta":{"images":[…]},
/// "sent_at":"…","ledger":{…}}}. It carries what the batch's events have in common, so that it travels once.

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

/// The modules of the process that sent a batch, and when that was by its clock.
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

 private:
  std::vector<std::pair<std::string, std::string>> images_;  ///< address as written, and the module's JSON
  std::size_t room_ = kMostAddedToBatch;
  UnixMillis sent_at_ = 0;
};

}  // namespace trapline::collector
