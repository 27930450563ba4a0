#pragma once

#include <string>

#include "sdk/core/result.h"

namespace trapline::sdk {

struct HelperOptions {
  std::string program;      ///< trapline-crash-helper; empty: looked for beside this library and the program
  std::string folder;       ///< of the recorders
  std::string run_id;       ///< of this process's recorder
  bool wants_dump = false;  ///< a minidump beside the recorder of a process that crashed
  std::string delivery;     ///< what the program that delivers needs to know (client/options_json.h)
};

/// Starts the helper process. It is no child of this one: nobody who waits for children sees it, and it gets no signal
/// that is meant for the program's group. It ends when this process has. About a millisecond. Errors: "no_helper" with
/// the places that were looked at, "helper_failed".
core::Result<bool> start_helper(const HelperOptions& options);

/// Lets it go: it sees the process as one that has ended well when its recorder is gone.
void forget_helper();

}  // namespace trapline::sdk
