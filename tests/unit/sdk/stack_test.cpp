#include <stdexcept>
#include <string>
#include <typeinfo>

#include <doctest/doctest.h>

#include "sdk/core/hex.h"
#include "sdk/stack/demangle.h"
#include "sdk/stack/module_list.h"
#include "sdk/stack/readable_stack.h"
#include "sdk/stack/stack_trace.h"
#include "sdk/stack/symbolizer.h"

using namespace trapline;
using namespace trapline::sdk;

namespace {

[[gnu::noinline]] std::vector<std::uintptr_t> entry_of_the_sdk() { return capture_stack(__builtin_return_address(0)); }

[[gnu::noinline]] core::Event captured_by_the_app() {
  core::Event event;
  event.raw_stack = entry_of_the_sdk();
  event.exceptions = {{typeid(std::runtime_error).name(), "x", true}, {"plain", "y", false}};
  return event;
}

}  // namespace

TEST_CASE("a stack begins with the call that asked for it, by name, file and line") {
  core::Event event = captured_by_the_app();
  const auto symbolizer = Symbolizer::create();
  make_readable(event, *symbolizer);
  REQUIRE(event.frames.size() > 1);
  CHECK(event.frames[0].function.find("captured_by_the_app") != std::string::npos);
  CHECK(event.frames[0].is_in_app);
#ifndef TRAPLINE_WITHOUT_LIBDW
  CHECK(event.frames[0].file.find("stack_test.cpp") != std::string::npos);
  CHECK(event.frames[0].line > 0);
#endif
  CHECK(event.exceptions[0].type == "std::runtime_error");
  CHECK(event.exceptions[1].type == "plain");
  CHECK_FALSE(event.modules.empty());
}

TEST_CASE("a caller that is not on the stack leaves the stack whole") {
  CHECK(capture_stack(nullptr).size() > 1);
  CHECK(capture_stack(reinterpret_cast<const void*>(1)).size() > 1);
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
    make_readable(event, *Symbolizer::create());
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
