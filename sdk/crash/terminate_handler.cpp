#include "sdk/crash/terminate_handler.h"

#include <cstdlib>
#include <exception>
#include <mutex>
#include <typeinfo>
#include <utility>

#include <cxxabi.h>

#include "sdk/stack/stack_trace.h"

namespace trapline::sdk {
namespace {

constexpr int kMostNested = 50;

struct HandlerState {
  std::mutex mutex;
  std::function<void(const Termination&)> report;  ///< guarded by mutex
  std::terminate_handler previous = nullptr;       ///< guarded by mutex
};

/// Never destroyed: the handler may run while statics are being destroyed.
HandlerState& handler_state() {
  static auto* const kState = new HandlerState;
  return *kState;
}

void add_exception(const std::exception& error, std::vector<TerminatingException>& exceptions) {
  exceptions.push_back({typeid(error).name(), error.what(), true});
  if (exceptions.size() == kMostNested) return;
  try {
    std::rethrow_if_nested(error);
  } catch (const std::exception& nested) {
    add_exception(nested, exceptions);
  } catch (...) {
    exceptions.push_back({"unknown", "an exception that is not a std::exception", false});
  }
}

std::vector<TerminatingException> active_exceptions() {
  std::vector<TerminatingException> exceptions;
  const std::exception_ptr active = std::current_exception();
  if (!active) return exceptions;
  const std::type_info* type = abi::__cxa_current_exception_type();
  try {
    std::rethrow_exception(active);
  } catch (const std::exception& error) {
    add_exception(error, exceptions);
  } catch (...) {  // an int, a text: only its type is known
    exceptions.push_back(
        {type != nullptr ? type->name() : "unknown", "an exception that is not a std::exception", type != nullptr});
  }
  return exceptions;
}

[[noreturn]] void on_terminate() {
  std::function<void(const Termination&)> report;
  std::terminate_handler previous = nullptr;
  {
    HandlerState& state = handler_state();
    const std::lock_guard lock(state.mutex);
    report = std::exchange(state.report, nullptr);  // of several threads that terminate at once, one reports
    previous = state.previous;
  }
  if (report) {
    Termination termination;
    termination.stack.resize(kMostFrames);
    termination.stack.resize(capture_stack(__builtin_return_address(0), termination.stack));
    termination.exceptions = active_exceptions();
    report(termination);
  }
  if (previous != nullptr) previous();
  std::abort();
}

}  // namespace

void install_terminate_handler(std::function<void(const Termination&)> report) {
  HandlerState& state = handler_state();
  const std::lock_guard lock(state.mutex);
  state.report = std::move(report);
  const std::terminate_handler current = std::set_terminate(on_terminate);
  if (current != on_terminate) state.previous = current;
}

void remove_terminate_handler() {
  HandlerState& state = handler_state();
  const std::lock_guard lock(state.mutex);
  state.report = nullptr;
  if (std::get_terminate() == on_terminate) std::set_terminate(state.previous);
}

}  // namespace trapline::sdk
