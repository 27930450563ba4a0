// The C++ interface in a program without exceptions and run-time types.
#include <chrono>
#include <exception>

#include <trapline/trapline.hpp>

namespace {

struct Failure : std::exception {
  const char* what() const noexcept override { return "it failed"; }
};

}  // namespace

int main() {
  trapline::Options options;
  options.dsn = "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:1/1";
  if (!trapline::init(options)) return 1;
  if (trapline::capture_exception(Failure()).size() != 32) return 2;
  {
    trapline::ScopeGuard scope;
    scope->set_tag("plain", "yes");
    if (trapline::capture_message("hello").size() != 32) return 3;
  }
  return trapline::shutdown(std::chrono::milliseconds(0)).code() == TRAPLINE_TIMEOUT ? 0 : 4;
}
