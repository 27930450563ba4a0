/// Ends of a process that are no crash of its own, handlers beside ours, and what is told of hangs.

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/crash/crash_run.h"
#include "tests/support/recording_receiver.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using namespace trapline::tests;

namespace {

/// A program, and somebody who takes in what it reports.
struct Scene {
  TemporaryFolder folder;
  RecordingReceiver receiver;
  Program program{TRAPLINE_CRASH_PROGRAM, receiver.dsn(), folder.path("data")};

  std::vector<json> events_after_next_start() {
    REQUIRE(program.run("deliver").status == 0);
    return receiver.events();
  }
};

const json& only_exception(const std::vector<json>& events) {
  REQUIRE(events.size() == 1);
  return events[0]["exception"]["values"].back();
}

}  // namespace

TEST_CASE("a process that was killed is reported by the next start, with what it had said last") {
  Scene scene;
  scene.program.reports_exit = true;
  const Run run = scene.program.run("outside", SIGKILL);
  CHECK(WTERMSIG(run.status) == SIGKILL);
  const auto events = scene.events_after_next_start();
  const json& exception = only_exception(events);
  CHECK(exception["type"] == "Killed");
  CHECK(exception["mechanism"]["type"] == "abnormal_exit");
  CHECK(events[0]["tags"]["way"] == "outside");
  CHECK(events[0]["breadcrumbs"]["values"].back()["message"] == "about to die");
  CHECK(events[0]["contexts"]["process"]["resident_bytes"] > 0);
}

TEST_CASE("the helper reports at once that the process was killed") {
  Scene scene;
  scene.program.reports_exit = true;
  scene.program.has_helper = true;
  CHECK(WTERMSIG(scene.program.run("outside", SIGKILL).status) == SIGKILL);
  wait_for_events(scene.receiver, 1);
  CHECK(only_exception(scene.receiver.events())["type"] == "Killed");
  CHECK(scene.events_after_next_start().size() == 1);
}

TEST_CASE("a process that was killed is no event when nobody wants one") {
  Scene scene;
  CHECK(WTERMSIG(scene.program.run("outside", SIGKILL).status) == SIGKILL);
  CHECK(scene.events_after_next_start().empty());
}

TEST_CASE("a process that is told to end is not reported, and ends by that signal") {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    Scene scene;
    scene.program.reports_exit = true;
    const Run run = scene.program.run("outside", signal);
    CHECK(WIFSIGNALED(run.status));
    CHECK(WTERMSIG(run.status) == signal);
    CHECK(scene.events_after_next_start().empty());
  }
}

TEST_CASE("a process that ends by _exit without a word is reported, one that shuts down is not") {
  Scene scene;
  scene.program.reports_exit = true;
  CHECK(scene.program.run("good-end").status == 0);
  CHECK(scene.events_after_next_start().empty());
  CHECK(scene.program.run("quick-exit").status == 0);
  CHECK(only_exception(scene.events_after_next_start())["type"] == "Killed");
}

TEST_CASE("a loop that gives no heartbeat is reported with the stacks of all threads while it hangs") {
  Scene scene;
  CHECK(scene.program.run("hang").status == 0);
  const auto events = scene.receiver.events();
  const json& exception = only_exception(events);
  CHECK(exception["type"] == "App hang");
  CHECK(top_in_app(exception["stacktrace"]) == "app::hang_here()");
  CHECK(events[0]["threads"]["values"].size() >= 2);
}

TEST_CASE("a crash inside the crash handler still yields a report of what was written so far, and after") {
  Scene scene;
  const Run run = scene.program.run("nested");
  CHECK(WTERMSIG(run.status) == SIGSEGV);
  const auto events = scene.events_after_next_start();
  const json& exception = only_exception(events);
  CHECK(exception["type"] == "SIGSEGV");
  CHECK(top_in_app(exception["stacktrace"]) == "app::write_to_null()");
  CHECK(events[0]["user"]["id"] == "42");
  CHECK(events[0]["threads"]["values"].size() >= 2);  // the stages after the one that crashed
}

TEST_CASE("a handler that was there first decides how the process ends, after the report") {
  Scene scene;
  const Run run = scene.program.run("earlier-handler");
  CHECK(WIFEXITED(run.status));
  CHECK(WEXITSTATUS(run.status) == 42);
  CHECK(only_exception(scene.events_after_next_start())["type"] == "SIGSEGV");
}

TEST_CASE("a handler that came later and calls ours gets a report and the same end") {
  Scene scene;
  const Run run = scene.program.run("later-handler");
  CHECK(WTERMSIG(run.status) == SIGSEGV);
  CHECK(top_in_app(only_exception(scene.events_after_next_start())["stacktrace"]) == "app::write_to_null()");
}

TEST_CASE("a program whose own handler recovers goes on, and nothing is reported") {
  Scene scene;
  CHECK(scene.program.run("recovering-handler").status == 0);
  CHECK(scene.events_after_next_start().empty());
}

TEST_CASE("a core dump is written as it would be without the SDK") {
  Scene scene;
  scene.program.core_bytes = RLIM_INFINITY;
  const Run run = scene.program.run("null-write");
  CHECK(WTERMSIG(run.status) == SIGSEGV);
  CHECK(WCOREDUMP(run.status));
}

TEST_CASE("a fault that the app's own handler mends is no crash, and the crash after it is one") {
  Scene scene;
  CHECK(WTERMSIG(scene.program.run("repaired-fault").status) == SIGABRT);
  CHECK(only_exception(scene.events_after_next_start())["type"] == "Abort");
}

TEST_CASE("a handler of the app's that ends the process in peace does not take the report away") {
  for (const char* const way : {"handler-exits", "terminate-exits", "terminate-quick-exits"}) {
    Scene scene;
    const Run run = scene.program.run(way);
    CHECK(WIFEXITED(run.status));
    CHECK(WEXITSTATUS(run.status) == 3);
    const auto events = scene.events_after_next_start();
    const json& exception = only_exception(events);
    CHECK(exception["type"] == (way == std::string("handler-exits") ? "SIGSEGV" : "std::runtime_error"));
    CHECK(top_in_app(exception["stacktrace"]).substr(0, 5) == "app::");
    CHECK(events[0]["timestamp"].get<std::string>().substr(0, 2) == "20");
    CHECK(events[0]["threads"]["values"][0]["name"] == "crash_program");
  }
}

TEST_CASE("a child that shares its parent's memory and its parent crash one after the other: two reports") {
  Scene scene;
  CHECK(WTERMSIG(scene.program.run("vfork").status) == SIGSEGV);
  const auto events = scene.events_after_next_start();
  REQUIRE(events.size() == 2);
  CHECK(events[0]["event_id"] != events[1]["event_id"]);
}

TEST_CASE("a fault on a thread that was started with all signals blocked is reported") {
  Scene scene;
  CHECK(WTERMSIG(scene.program.run("blocked-signals").status) == SIGSEGV);
  CHECK(only_exception(scene.events_after_next_start())["type"] == "SIGSEGV");
}

TEST_CASE("asking threads for their stacks does not overflow a small stack for handlers") {
  Scene scene;
  CHECK(scene.program.run("hang-small-stack").status == 0);
  CHECK(only_exception(scene.receiver.events())["type"] == "App hang");
}

TEST_CASE("without consent nothing is told of the process's end") {
  Scene scene;
  scene.program.reports_exit = true;
  CHECK(scene.program.run("no-consent").status == 0);
  CHECK(scene.events_after_next_start().empty());
}

TEST_CASE("the helper delivers from a data folder that is given by a relative path") {
  Scene scene;
  scene.program.has_helper = true;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(scene.folder.path(""));
  scene.program.folder = "data";
  CHECK(WTERMSIG(scene.program.run("null-write").status) == SIGSEGV);
  wait_for_events(scene.receiver, 1);
  std::filesystem::current_path(before);
  CHECK(only_exception(scene.receiver.events())["type"] == "SIGSEGV");
}

TEST_CASE("the session of a process ends as the process did") {
  struct Case {
    const char* way;
    int sent;
    const char* status;
  };
  for (const Case& one :
       {Case{"null-write", 0, "crashed"}, Case{"exception", 0, "crashed"}, Case{"handler-exits", 0, "crashed"},
        Case{"outside", SIGKILL, "abnormal"}, Case{"outside", SIGTERM, "exited"}, Case{"good-end", 0, "exited"},
        Case{"recovering-handler", 0, "exited"}}) {
    Scene scene;
    scene.program.tracks_session = true;
    const Run run = scene.program.run(one.way, one.sent);
    INFO("status " << run.status);
    scene.events_after_next_start();
    std::vector<std::string> statuses;
    for (const std::string& envelope : scene.receiver.envelopes()) {
      const std::size_t payload = envelope.find('\n', envelope.find('\n') + 1) + 1;
      statuses.push_back(json::parse(envelope.substr(payload))["status"]);
    }
    INFO(one.way);
    REQUIRE(statuses.size() == 2);
    CHECK(statuses[0] == "ok");
    CHECK(statuses[1] == one.status);
  }
}
