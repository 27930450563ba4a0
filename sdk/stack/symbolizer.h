#pragma once

/// Names for addresses, from what is on this machine. Slow (it reads files), so it runs on the worker thread. Two ways
/// to do it: debug information (symbolizer_libdw.cpp: functions, files, lines), when the library was built with it and
/// libdw is installed; else the dynamic symbol tables of this process (symbolizer_dladdr.cpp: exported functions).

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sdk/core/event.h"

namespace trapline::sdk {

struct Symbol {
  std::string function;  ///< demangled; empty: not known
  std::string file;      ///< full path; empty: not known
  int line = 0;          ///< 0: not known
};

/// Not thread-safe. Never asks the network: debug information is read from the modules themselves.
class Symbolizer {
 public:
  static std::unique_ptr<Symbolizer> create();
  virtual ~Symbolizer() = default;

  /// What stands at an address in a module, of this process or of one that is gone: the function, after those that the
  /// compiler has put into it there, the innermost first. Empty when nothing is known. For a return address pass the
  /// address minus one, as the call before it may be the last instruction of its line, or of its function.
  virtual std::vector<Symbol> find(const core::Module& module, std::uintptr_t address) = 0;
};

/// Without debug information.
std::unique_ptr<Symbolizer> make_dladdr_symbolizer();

}  // namespace trapline::sdk
