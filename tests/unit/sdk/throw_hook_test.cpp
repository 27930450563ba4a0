/// Events of caught exceptions carry the stack of the throw.

#include "sdk/stack/throw_hook.h"

#include <array>
#include <atomic>
#include <exception>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/sdk_session.h"

using namespace trapline;
using trapline::tests::SdkSession;

namespace {

std::atomic<int> sink{0};

[[gnu::noinline]] void throw_deep_inside(const char* what) {
  sink = sink + 1;
  throw std::runtime_error(what);
}

[[gnu::noinline]] void pass_on_by_throw() {
  try {
    throw_deep_inside("passed on");
  } catch (...) {
    sink = sink + 1;
    throw;
  }
}

[[gnu::noinline]] void catch_and_capture(void (*work)()) {
  try {
    work();
  } catch (const std::exception& error) {
    capture_exception(error);
  }
}

std::string top_function(const nlohmann::json& event) {
  const auto& frames = event["exception"]["values"].back()["stacktrace"]["frames"];
  for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
    if ((*frame)["in_app"] == true) return frame->value("function", "");
  }
  return "";
}

bool names(const nlohmann::json& event, const char* function) {
  return top_function(event).find(function) != std::string::npos;
}

}  // namespace

TEST_CASE("a captured exception carries the stack of its throw, not that of the catch") {
  REQUIRE(trapline_can_remember_throws() == 1);
  SdkSession session;
  catch_and_capture([] { throw_deep_inside("plain"); });
  CHECK(names(session.only_event(), "throw_deep_inside"));
}

TEST_CASE("the first throw is kept when the exception is thrown on") {
  SdkSession session;
  catch_and_capture(pass_on_by_throw);
  CHECK(names(session.only_event(), "throw_deep_inside"));
}

TEST_CASE("the first throw is kept when the exception goes to another thread") {
  SdkSession session;
  catch_and_capture([] {
    auto result = std::async(std::launch::async, [] { throw_deep_inside("from a task"); });
    result.get();
  });
  CHECK(names(session.only_event(), "throw_deep_inside"));
}

TEST_CASE("an exception that is thrown again after many others still names its first throw") {
  SdkSession session;
  catch_and_capture([] {
    try {
      throw_deep_inside("first");
    } catch (...) {
      for (int other = 0; other < 5; ++other) {
        try {
          throw std::logic_error("other");
        } catch (const std::logic_error&) {
          sink = sink + 1;
        }
      }
      throw;
    }
  });
  CHECK(names(session.only_event(), "throw_deep_inside"));
}

TEST_CASE("an exception that was made and not thrown does not get the stack of another that lay where it lies") {
  SdkSession session;
  try {
    throw_deep_inside("freed soon");
  } catch (const std::runtime_error&) {
    sink = sink + 1;
  }
  catch_and_capture([] { std::rethrow_exception(std::make_exception_ptr(std::runtime_error("made"))); });
  CHECK_FALSE(names(session.only_event(), "throw_deep_inside"));
}

TEST_CASE("without the memory of throws the place that caught is reported") {
  Options options;
  options.remember_throws = false;
  SdkSession session(options);
  catch_and_capture([] { throw_deep_inside("not remembered"); });
  CHECK(names(session.only_event(), "catch_and_capture"));
}

TEST_CASE("an error of another type than the exception being handled carries its own stack") {
  SdkSession session;
  try {
    throw_deep_inside("handled");
  } catch (const std::exception&) {
    const trapline_exception other{"shop::Error", "made up", 0};
    trapline_capture_exception(&other, 1, nullptr);
  }
  CHECK_FALSE(names(session.only_event(), "throw_deep_inside"));
}

TEST_CASE("throws of many threads at once are told apart") {
  sdk::remember_throws(true);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int number = 0; number < 8; ++number) {
    threads.emplace_back([&wrong] {
      for (int round = 0; round < 200; ++round) {
        try {
          throw_deep_inside("one of many");
        } catch (const std::runtime_error&) {
          std::array<std::uintptr_t, sdk::kThrowFrames> stack{};
          if (sdk::find_throw_stack_of_current(typeid(std::runtime_error).name(), stack) < 3) ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  sdk::remember_throws(false);
  CHECK(wrong == 0);
}
