#pragma once

#include <string>

#include "sdk/core/result.h"

namespace trapline::tools {

/// What a program, a library or a file of debug information has to offer to whoever reads its stacks.
struct DebugFile {
  std::string path;
  std::string kind;                    ///< "program", "library", "debug information", "object"
  std::string architecture;            ///< "x86_64", "aarch64", …
  std::string build_id;                ///< hex; empty: none
  std::string debug_link;              ///< the name of the file with the rest of it, empty: none is named
  bool has_debug_information = false;  ///< lines and inlined functions (.debug_info)
  bool has_symbols = false;            ///< function names (.symtab)
  bool has_unwind_tables = false;      ///< (.eh_frame or .debug_frame)
};

/// Errors: "not_found", "not_elf".
core::Result<DebugFile> inspect(const std::string& path);

}  // namespace trapline::tools
