#pragma once

/// What a program can do wrong on any system: the functions that programs in tests/crash die in.

#include <atomic>
#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

#include <trapline/trapline.hpp>

#define NOINLINE [[gnu::noinline]] inline

namespace app {

inline volatile int sink = 0;
/// So that a call is not the last thing of its function, which would make a jump of it.
inline void after() { sink = sink + 1; }

struct OrderError {
  int order = 0;
};

NOINLINE void write_to_null() {
  volatile int* volatile place = nullptr;  // so that the compiler does not know
  *place = 1;
  after();
}
NOINLINE void read_bad_address() {
  volatile int* volatile place = reinterpret_cast<int*>(0x7123'4560'0000);
  sink = *place;
  after();
}
NOINLINE void call_bad_address() {
  auto* volatile function = reinterpret_cast<void (*)()>(0x1234);
  function();
  after();
}
int recurse_one(int depth);
NOINLINE int recurse_two(int depth) {
  volatile char room[64] = {};
  room[0] = static_cast<char>(depth);
  const int result = recurse_one(depth + 1) + room[0];
  after();
  return result;
}
NOINLINE int recurse_one(int depth) {
  volatile char room[96] = {};
  room[0] = static_cast<char>(depth);
  const int result = recurse_two(depth + 1) + room[0];
  after();
  return result;
}
NOINLINE void divide_by_zero() {
  volatile int zero = 0;
  sink = sink / zero;
  after();
}
NOINLINE void run_illegal_instruction() {
#if defined(__aarch64__)
  asm volatile("udf #0");  // the compiler's own is a breakpoint
#else
  __builtin_trap();
#endif
}
NOINLINE void call_abort() { std::abort(); }
NOINLINE void fail_assertion() {
  assert(sink == 12345);  // NOLINT
  after();
}
NOINLINE void throw_runtime_error() { throw std::runtime_error("no stock left"); }
NOINLINE void throw_order_error() { throw OrderError{7}; }
NOINLINE void throw_int() { throw 42; }
NOINLINE void throw_through_noexcept() noexcept {
  throw_runtime_error();
  after();
}
struct ThrowsAtEnd {
  [[gnu::noinline]] ~ThrowsAtEnd() {
    throw_runtime_error();
    after();
  }
};
NOINLINE void throw_in_destructor() {
  ThrowsAtEnd thrower;
  after();
}
NOINLINE void rethrow_later() {
  std::exception_ptr held;
  try {
    throw_runtime_error();
  } catch (...) {
    held = std::current_exception();
  }
  std::rethrow_exception(held);
}
NOINLINE void throw_nested() {
  try {
    throw_order_error();
  } catch (...) {
    std::throw_with_nested(std::logic_error("checkout failed"));
  }
}
NOINLINE void terminate_without_exception() { std::terminate(); }

struct Shape {
  Shape() { draw_twice(); }
  virtual ~Shape() = default;
  [[gnu::noinline]] void draw_twice() {
    draw();
    after();
  }
  virtual void draw() = 0;
};
struct Square : Shape {
  void draw() override { after(); }
};
NOINLINE void call_pure_virtual() {
  Square square;
  after();
}
NOINLINE void hammer_sdk(std::atomic<bool>& has_begun) {
  for (std::uint64_t round = 0;; ++round) {
    trapline::set_tag("round", std::to_string(round % 10));
    trapline::add_breadcrumb({.category = "hammer", .message = "again"});
    if (round == 100) has_begun = true;
  }
}

}  // namespace app
