#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>
#include <typeinfo>
#include <utility>
#include <vector>

#include <alloca.h>
#include <doctest/doctest.h>
#include <unwind.h>

#include "sdk/core/hex.h"
#include "sdk/stack/demangle.h"
#include "sdk/stack/module_list.h"
#include "sdk/stack/readable_stack.h"
#include "sdk/stack/stack_trace.h"
#include "sdk/stack/symbolizer.h"

using namespace trapline;
using namespace trapline::sdk;

namespace {

std::vector<std::uintptr_t> stack_from(const void* first) {
  std::vector<std::uintptr_t> stack(kMostFrames);
  stack.resize(capture_stack(first, stack));
  return stack;
}

[[gnu::noinline]] std::vector<std::uintptr_t> entry_of_the_sdk() { return stack_from(__builtin_return_address(0)); }

[[gnu::noinline]] core::Event captured_by_the_app() {
  core::Event event;
  event.raw_stack = entry_of_the_sdk();
  event.exceptions = {{typeid(std::runtime_error).name(), "x", true}, {"plain", "y", false}};
  return event;
}

}  // namespace

TEST_CASE("a stack begins with the call that asked for it, by name, file and line") {
  core::Event event = captured_by_the_app();
  StackReader reader;
  reader.make_readable(event);
  REQUIRE(event.frames.size() > 1);
  CHECK(event.frames[0].function.find("captured_by_the_app") != std::string::npos);
  CHECK(event.frames[0].is_in_app);
#ifndef TRAPLINE_WITHOUT_LIBDW
  CHECK(event.frames[0].file.find("stack_test.cpp") != std::string::npos);
  CHECK(event.frames[0].line > 0);
#endif
  CHECK(event.exceptions[0].type == "std::runtime_error");
  CHECK(event.exceptions[1].type == "plain");
}

#ifndef TRAPLINE_WITHOUT_LIBDW
namespace {

[[gnu::always_inline]] inline core::Event inlined_function() {
  return captured_by_the_app();  // this line
}

[[gnu::noinline]] core::Event function_around_it() { return inlined_function(); }

}  // namespace

TEST_CASE("a function that the compiler has put into another has a frame of its own") {
  core::Event event = function_around_it();
  StackReader reader;
  reader.make_readable(event);
  REQUIRE(event.frames.size() > 3);
  CHECK(event.frames[1].function.find("inlined_function") != std::string::npos);
  CHECK(event.frames[2].function.find("function_around_it") != std::string::npos);
  CHECK(event.frames[1].address == event.frames[2].address);
  CHECK(event.frames[1].file.find("stack_test.cpp") != std::string::npos);
  CHECK(event.frames[2].line > event.frames[1].line);
}

TEST_CASE("source lines around the app's calls are read where they are wanted") {
  core::Event event = function_around_it();
  StackReader without;
  without.make_readable(event);
  CHECK(event.frames[1].source == nullptr);
  core::Event other = function_around_it();
  StackReader reader(ReadingRules{{}, {}, true});
  reader.make_readable(other);
  REQUIRE(other.frames[1].source != nullptr);
  CHECK(other.frames[1].source->line == "  return captured_by_the_app();  // this line");
  CHECK(other.frames[1].source->before.size() == 5);
  CHECK(other.frames[1].source->after.at(0) == "}");
}
#endif

TEST_CASE("the app's modules are chosen by the beginnings of their paths") {
  const auto is_top_in_app = [](ReadingRules rules) {
    core::Event event = captured_by_the_app();
    StackReader reader(std::move(rules));
    reader.make_readable(event);
    return event.frames.at(0).is_in_app;
  };
  CHECK(is_top_in_app({}));
  CHECK_FALSE(is_top_in_app({{}, {"/"}, false}));
  CHECK_FALSE(is_top_in_app({{"/"}, {"/"}, false}));
  CHECK(is_in_app("/srv/x", "std::sort") == false);
  CHECK(is_in_app("linux-vdso.so.1", "") == false);
}

TEST_CASE("a caller that is not on the stack leaves the stack whole") {
  CHECK(stack_from(nullptr).size() > 1);
  CHECK(stack_from(reinterpret_cast<const void*>(1)).size() > 1);
}

namespace {

std::vector<std::uintptr_t> slow_stack() {
  std::vector<std::uintptr_t> stack;
  const auto add = [](_Unwind_Context* context, void* list) {
    const std::uintptr_t address = _Unwind_GetIP(context);
    if (address != 0) static_cast<std::vector<std::uintptr_t>*>(list)->push_back(address);
    return _URC_NO_REASON;
  };
  _Unwind_Backtrace(add, &stack);
  return stack;
}

/// Frames of changing size, with and without a frame pointer of their own.
[[gnu::noinline]] void compare_at_depth(int depth, std::size_t bytes) {
  auto* const room = static_cast<volatile char*>(alloca(bytes));
  room[0] = 1;
  if (depth > 0) {
    compare_at_depth(depth - 1, bytes * 3 / 2 + 8);
  } else {
    const auto slow = slow_stack();
    const auto fast = stack_from(nullptr);
    REQUIRE(fast.size() > 12);
    REQUIRE(slow.size() > 12);
    // Both end with the same callers, whatever they are called from here.
    for (std::size_t from_end = 2; from_end < 12; ++from_end) {
      CHECK(fast[fast.size() - from_end] == slow[slow.size() - from_end]);
    }
  }
  room[1] = 2;
}

}  // namespace

TEST_CASE(
    "the fast way through the stack finds the callers that the C++ ABI's does, also behind frames of changing size") {
  compare_at_depth(8, 16);
  std::thread([] { compare_at_depth(10, 40); }).join();
  std::vector<int> numbers = {3, 1, 2};
  std::sort(numbers.begin(), numbers.end(), [is_first = true](int left, int right) mutable {
    if (std::exchange(is_first, false)) compare_at_depth(8, 100);
    return left < right;
  });
}

TEST_CASE("the modules of the process have bases, sizes and build ids") {
  const auto here = reinterpret_cast<std::uintptr_t>(&captured_by_the_app);
  bool has_found = false;
  for (const core::Module& module : list_modules()) {
    if (here < module.base || here - module.base >= module.size) continue;
    has_found = true;
    CHECK(module.path.find("sdk_tests") != std::string::npos);
    CHECK(core::is_lower_hex(module.build_id));
  }
  CHECK(has_found);
}

TEST_CASE("a place that is in no function has no name, whatever marks the assembler has put there") {
  const auto symbolizer = Symbolizer::create();
  const auto here = reinterpret_cast<std::uintptr_t>(&captured_by_the_app);
  for (const core::Module& module : list_modules()) {
    if (here < module.base || here - module.base >= module.size) continue;
    constexpr std::uintptr_t kPlaces = 300;
    for (std::uintptr_t place = 0; place < kPlaces; ++place) {
      for (const Symbol& symbol : symbolizer->find(module, module.base + module.size / kPlaces * place)) {
        CHECK_FALSE(symbol.function.starts_with("$"));
      }
    }
  }
}

TEST_CASE("names are demangled, and names of people are used") {
  CHECK(demangle("_ZN4shop6chargeEi") == "shop::charge(int)");
  CHECK(demangle("St13runtime_error") == "std::runtime_error");
  CHECK(demangle("main") == "main");
  CHECK(demangle("_ZN4shop4sendERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE") ==
        "shop::send(std::string const&)");
}

TEST_CASE("a nested exception is called by the type that was thrown") {
  try {
    std::throw_with_nested(std::logic_error("x"));
  } catch (const std::exception& error) {
    core::Event event;
    event.exceptions = {{typeid(error).name(), "x", true}};
    StackReader reader;
    reader.make_readable(event);
    CHECK(event.exceptions[0].type == "std::logic_error");
  }
}

TEST_CASE("the app's frames are told from the system's, the C++ library's and ours") {
  CHECK(is_in_app("/srv/shop/bin/shop", "shop::charge(int)"));
  CHECK(is_in_app("/srv/shop/bin/shop", ""));
  CHECK_FALSE(is_in_app("/lib/x86_64-linux-gnu/libc.so.6", "memcpy"));
  CHECK_FALSE(is_in_app("/srv/shop/lib/libtrapline.so.0", "x"));
  CHECK_FALSE(is_in_app("/srv/shop/bin/shop", "std::vector<int>::at"));
  CHECK_FALSE(is_in_app("/srv/shop/bin/shop", "void std::throw_with_nested<shop::E>(shop::E&&)"));
  CHECK_FALSE(is_in_app("/srv/shop/bin/shop", "trapline::capture_exception(std::exception const&)"));
  CHECK(is_in_app("/srv/shop/bin/shop", "shop::run(std::string const&)"));
}

TEST_CASE("the stack of a process that is gone is read from its modules' files, unless they are others by now") {
  core::Event event = captured_by_the_app();
  std::vector<core::Module> modules = list_modules();
  StackReader reader(modules);
  reader.make_readable(event);
  CHECK(event.frames.at(0).function.find("captured_by_the_app") != std::string::npos);
  for (core::Module& module : modules) module.build_id = "00";
  core::Event other = captured_by_the_app();
  StackReader changed(modules);
  changed.make_readable(other);
  CHECK(other.frames.at(0).function.empty());
  CHECK(other.frames.at(0).module_path == event.frames.at(0).module_path);
}
