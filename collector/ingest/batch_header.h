#pragma once

/// The first line of a batch that libtrapline sends: {"trapline_batch":{"debug_meta":{"images":[…]},"ledger":{…}}}. It
/// carries what the batch's events have in common, so that it travels once.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sdk/core/result.h"

namespace trapline::collector {

/// Whether a line is a batch's header and not an event.
bool is_batch_header(std::string_view line);

/// The modules of the process that sent a batch.
class BatchHeader {
 public:
  /// Without modules.
  BatchHeader() = default;
  /// Errors: "invalid_json".
  static core::Result<BatchHeader> read(std::string_view line);

  /// The event with those modules that its frames name, unless it has modules of its own. `json` is a checked event.
  [[nodiscard]] std::string complete(std::string json) const;

 private:
  std::vector<std::pair<std::string, std::string>> images_;  ///< address as written, and the module's JSON
};

}  // namespace trapline::collector
