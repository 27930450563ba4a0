#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace trapline::sdk {

struct TerminatingException {
  std::string type;
  std::string value;
  bool type_is_mangled = false;
};

/// What std::terminate() was called for: the exception nobody caught and those nested in it, types mangled; empty when
/// there was none (a joinable thread destroyed, terminate() called outright). The stack is still that of the throw, as
/// an exception without a handler unwinds nothing.
struct Termination {
  std::vector<TerminatingException> exceptions;
  std::vector<std::uintptr_t> stack;
};

/// Installs a std::terminate handler that reports once and then calls the handler that was there before, so that the
/// process ends as it would have without us. `report` runs on the terminating thread and must not throw.
void install_terminate_handler(std::function<void(const Termination&)> report);

/// Takes it away again, if no other handler was installed after it; else it stays and only passes on.
void remove_terminate_handler();

}  // namespace trapline::sdk
