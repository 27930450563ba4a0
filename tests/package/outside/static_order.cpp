// The SDK is started by a constructor that runs before main(), used while statics are destroyed, and never shut down by
// hand: it must do its work all the time and end with the process.
#include <cstdlib>
#include <string>
#include <thread>

#include <trapline/trapline.hpp>

namespace {

struct EarlyAndLate {
  EarlyAndLate() {
    trapline::Options options;
    options.dsn = "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:1/1";
    if (!trapline::init(options) || trapline::capture_message("before main").empty()) std::_Exit(1);
  }
  ~EarlyAndLate() {
    // A failure before had a message, whose thread_local place may be gone by now.
    if (trapline_set_tag("", "x") != TRAPLINE_INVALID_ARGUMENT) std::_Exit(4);
    // The SDK was started inside the constructor, so its own end comes after this.
    if (trapline_capture_message(TRAPLINE_LEVEL_INFO, "after main", nullptr) != TRAPLINE_OK) std::_Exit(2);
  }
};
EarlyAndLate early_and_late;

struct UsedByThreadsAtTheEnd {
  ~UsedByThreadsAtTheEnd() {
    std::thread([] { trapline::capture_message("from a thread at the end"); }).join();
  }
};
UsedByThreadsAtTheEnd used_by_threads;

}  // namespace

int main() {
  trapline::ScopeGuard scope;
  scope->set_tag("where", "main");
  trapline_set_tag("", "this fails, with a message that is too long for a short string");
  if (trapline::capture_message("in main").empty()) return 3;
  std::exit(0);  // without leaving the scope
}
