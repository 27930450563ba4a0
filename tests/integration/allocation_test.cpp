/// Counts what the calling thread allocates while it captures: nothing, once warm. A program of its own, as it replaces
/// malloc.

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include <trapline/trapline.h>

extern "C" void* __libc_malloc(std::size_t bytes);
extern "C" void* __libc_calloc(std::size_t count, std::size_t bytes);
extern "C" void* __libc_realloc(void* memory, std::size_t bytes);

namespace {
thread_local long allocations = 0;
}

extern "C" void* malloc(std::size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
extern "C" void* calloc(std::size_t count, std::size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}
extern "C" void* realloc(void* memory, std::size_t bytes) {
  ++allocations;
  return __libc_realloc(memory, bytes);
}

namespace {

bool has_failed = false;

/// Runs `call` until warm, then counts.
template <class Call>
void expect_no_allocation(const char* name, Call call) {
  for (int round = 0; round < 20; ++round) call();
  const long before = allocations;
  for (int round = 0; round < 50; ++round) call();
  const long counted = allocations - before;
  std::printf("%-40s %ld allocations in 50 calls\n", name, counted);
  has_failed = has_failed || counted != 0;
}

}  // namespace

int main(int, char** arguments) {
  trapline_options options = TRAPLINE_OPTIONS_INIT;
  options.dsn = "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:9/1";
  options.data_folder = arguments[1];
  options.max_events_per_second = 0;
  options.repeat_window_ms = 0;
  options.attach_stacktrace = 1;
  if (trapline_init(&options) != TRAPLINE_OK) return 2;
  const long hook_works = allocations;
  std::free(std::malloc(10));
  if (allocations == hook_works) return 3;  // nothing would be counted

  const trapline_exception chain[] = {{"shop::OrderError", "no such order", 0}, {"Cause", "because", 0}};
  trapline_breadcrumb breadcrumb = {"default", "cart", "an item was put into the cart", TRAPLINE_LEVEL_INFO, nullptr};
  trapline_user user = {"42", nullptr, "ada", nullptr};
  char id[TRAPLINE_EVENT_ID_SIZE];
  expect_no_allocation("trapline_set_tag", [] { trapline_set_tag("shop", "berlin"); });
  expect_no_allocation("trapline_set_user", [&] { trapline_set_user(&user); });
  expect_no_allocation("trapline_add_breadcrumb", [&] { trapline_add_breadcrumb(&breadcrumb); });
  expect_no_allocation("trapline_capture_message, with stack",
                       [&] { trapline_capture_message(TRAPLINE_LEVEL_ERROR, "x", id); });
  expect_no_allocation("trapline_capture_exception", [&] { trapline_capture_exception(chain, 2, id); });
  expect_no_allocation("with a scope of the thread's", [&] {
    trapline_scope_set_tag(trapline_scope_push(), "order", "7");
    trapline_capture_exception(chain, 2, id);
    trapline_scope_pop();
  });
  trapline_shutdown(0);
  return has_failed ? 1 : 0;
}
