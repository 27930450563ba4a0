#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <trapline/trapline.h>
#include <trapline/trapline.hpp>
#include <unistd.h>

#include "tests/support/forking.h"
#include "tests/support/sdk_session.h"

using trapline::tests::RecordingReceiver;
using trapline::tests::TemporaryFolder;
using Session = trapline::tests::SdkSession;

namespace {

constexpr std::chrono::seconds kLong{20};

}  // namespace

TEST_CASE("before init every call answers that the SDK is not running, and does nothing") {
  const trapline_exception chain[] = {{"E", "v", 0}};
  CHECK(trapline_capture_message(TRAPLINE_LEVEL_INFO, "x", nullptr) == TRAPLINE_NOT_INITIALISED);
  CHECK(trapline_capture_exception(chain, 1, nullptr) == TRAPLINE_NOT_INITIALISED);
  CHECK(trapline_set_tag("a", "b") == TRAPLINE_NOT_INITIALISED);
  CHECK(trapline_set_user(nullptr) == TRAPLINE_NOT_INITIALISED);
  CHECK(trapline_flush(1) == TRAPLINE_NOT_INITIALISED);
  CHECK(trapline_shutdown(1) == TRAPLINE_NOT_INITIALISED);
  CHECK(std::strlen(trapline_last_error()) > 0);
  CHECK(trapline::capture_message("x").empty());
}

TEST_CASE("null pointers and bad options are refused with a message, never a crash") {
  CHECK(trapline_init(nullptr) == TRAPLINE_INVALID_ARGUMENT);
  trapline_options options = TRAPLINE_OPTIONS_INIT;
  CHECK(trapline_init(&options) == TRAPLINE_INVALID_ARGUMENT);
  CHECK(std::string(trapline_last_error()).find("DSN is empty") != std::string::npos);
  options.size = 3;
  CHECK(trapline_init(&options) == TRAPLINE_INVALID_ARGUMENT);
  const Session session;
  CHECK(trapline_capture_message(TRAPLINE_LEVEL_INFO, nullptr, nullptr) == TRAPLINE_INVALID_ARGUMENT);
  CHECK(trapline_capture_exception(nullptr, 1, nullptr) == TRAPLINE_INVALID_ARGUMENT);
  const trapline_exception empty[] = {{nullptr, nullptr, 1}};
  CHECK(trapline_capture_exception(empty, 0, nullptr) == TRAPLINE_INVALID_ARGUMENT);
  CHECK(trapline_capture_exception(empty, 1, nullptr) == TRAPLINE_OK);
  CHECK(trapline_set_tag(nullptr, "x") == TRAPLINE_INVALID_ARGUMENT);
  CHECK(trapline_set_tag("", "x") == TRAPLINE_INVALID_ARGUMENT);
  CHECK(trapline_set_tag("never set", nullptr) == TRAPLINE_OK);
  CHECK(trapline_add_breadcrumb(nullptr) == TRAPLINE_INVALID_ARGUMENT);
  CHECK(trapline_get_stats(nullptr) == TRAPLINE_INVALID_ARGUMENT);
  const trapline_breadcrumb nothing = {nullptr, nullptr, nullptr, TRAPLINE_LEVEL_INFO, nullptr};
  CHECK(trapline_add_breadcrumb(&nothing) == TRAPLINE_OK);
  CHECK(std::string(trapline_status_name(TRAPLINE_TIMEOUT)) == "TRAPLINE_TIMEOUT");
}

TEST_CASE("a second init is refused until the first was shut down") {
  const Session session;
  trapline_options options = TRAPLINE_OPTIONS_INIT;
  options.dsn = "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:1/1";
  CHECK(trapline_init(&options) == TRAPLINE_ALREADY_INITIALISED);
}

TEST_CASE("an event carries tags, user, breadcrumbs, release and its own id") {
  Session session;
  trapline::set_tag("shop", "berlin");
  trapline::set_tag("gone", "x");
  trapline::remove_tag("gone");
  trapline::User user;
  user.id = "42";
  trapline::set_user(user);
  for (int number = 0; number < 105; ++number) {
    trapline::Breadcrumb breadcrumb;
    breadcrumb.message = "crumb " + std::to_string(number);
    trapline::add_breadcrumb(breadcrumb);
  }
  const std::string id = trapline::capture_message("hello \xff", trapline::Level::warning);
  const nlohmann::json event = session.only_event();
  CHECK(event["event_id"] == id);
  CHECK(event["message"] == "hello \xEF\xBF\xBD");
  CHECK(event["level"] == "warning");
  CHECK(event["release"] == "test@1");
  CHECK(event["tags"] == nlohmann::json{{"shop", "berlin"}});
  CHECK(event["user"] == nlohmann::json{{"id", "42"}});
  CHECK(event["breadcrumbs"]["values"].size() == 100);
  CHECK(event["breadcrumbs"]["values"][99]["message"] == "crumb 104");
}

TEST_CASE("nested exceptions are a chain, oldest cause first, with types by name") {
  Session session;
  try {
    try {
      throw std::invalid_argument("cause");
    } catch (...) {
      std::throw_with_nested(std::runtime_error("caught"));
    }
  } catch (const std::exception& error) {
    CHECK(trapline::capture_exception(error).size() == 32);
  }
  const nlohmann::json values = session.only_event()["exception"]["values"];
  REQUIRE(values.size() == 2);
  CHECK(values[0]["type"] == "std::invalid_argument");
  CHECK(values[0]["value"] == "cause");
  CHECK(values[1]["type"] == "std::runtime_error");
  CHECK(values[1]["mechanism"]["handled"] == true);
  CHECK(values[1]["stacktrace"]["frames"].size() > 1);
}

TEST_CASE("the counters say where every event went") {
  Session session;
  for (int number = 0; number < 7; ++number) trapline::capture_message("x");
  REQUIRE(trapline::flush(kLong).ok());
  trapline_stats stats = TRAPLINE_STATS_INIT;
  REQUIRE(trapline_get_stats(&stats) == TRAPLINE_OK);
  CHECK(stats.captured == 7);
  CHECK(stats.delivered == 2);  // the first, and one for the six that repeat it
  CHECK(stats.deduplicated == 5);
  CHECK(stats.queued == 0);
  const auto events = session.receiver.events();
  REQUIRE(events.size() == 2);
  CHECK_FALSE(events[0].contains("repeat_count"));
  CHECK(events[1]["repeat_count"] == 6);
}

TEST_CASE("a forked child reports by itself, with the scope it was born with, and the parent goes on" *
          doctest::skip(trapline::tests::kCannotFork)) {
  Session session;
  trapline::set_tag("shop", "berlin");
  const pid_t child = fork();
  if (child == 0) {
    const bool is_captured = !trapline::capture_message("from the child").empty();
    _exit(is_captured && trapline::flush(kLong).ok() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
  trapline::capture_message("from the parent");
  REQUIRE(trapline::flush(kLong).ok());
  const auto events = session.receiver.events();
  REQUIRE(events.size() == 2);
  CHECK(events[0]["message"] == "from the child");
  CHECK(events[0]["tags"]["shop"] == "berlin");
  CHECK(events[0]["contexts"]["app"]["process_id"] == child);
  CHECK(events[1]["message"] == "from the parent");
}
