/// Programs that die in every way there is on Windows: each death is reported exactly once by the next start, with its
/// exception, its thread, the app's innermost function and what the app had said before; and the process ends with the
/// code that it would have ended with without the SDK. (A program that has lost its stack pointer is not among them:
/// the system ends that at once, and asks nobody in it.)

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/recording_receiver.h"  // brings <windows.h>, in the order that sockets need
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::RecordingReceiver;
using trapline::tests::TemporaryFolder;

namespace {

struct Way {
  std::string name;
  std::string type;      ///< of the exception
  std::string function;  ///< the app's innermost
  std::string thread = "";
  std::size_t other_events = 0;
  DWORD code = 0;  ///< what it ends with on Windows; 0: whatever it does without the SDK
};

const std::vector<Way>& ways() {
  static const std::vector<Way> kWays = {
      {"null-write", "EXCEPTION_ACCESS_VIOLATION", "app::write_to_null()"},
      {"null-write-worker", "EXCEPTION_ACCESS_VIOLATION", "app::write_to_null()", "crasher"},
      {"null-write-detached", "EXCEPTION_ACCESS_VIOLATION", "app::write_to_null()", "crasher"},
      {"bad-read", "EXCEPTION_ACCESS_VIOLATION", "app::read_bad_address()"},
      {"bad-call", "EXCEPTION_ACCESS_VIOLATION", "app::call_bad_address()"},
      {"stack-overflow", "Stack overflow", "app::recurse_", "", 0, EXCEPTION_STACK_OVERFLOW},
      {"stack-overflow-worker", "Stack overflow", "app::recurse_", "crasher", 0, EXCEPTION_STACK_OVERFLOW},
      {"division", "EXCEPTION_INT_DIVIDE_BY_ZERO", "app::divide_by_zero()"},
      {"illegal-instruction", "EXCEPTION_ILLEGAL_INSTRUCTION", "app::run_illegal_instruction()"},
      {"breakpoint", "EXCEPTION_BREAKPOINT", "app::stop_at_breakpoint()"},
      {"own-exception", "Exception 0xe0001234", "app::raise_own_exception()"},
      {"abort", "Abort", "app::call_abort()"},
      {"abort-worker", "Abort", "app::call_abort()", "crasher"},
      {"assertion", "Abort", "app::fail_assertion()"},
      {"exception", "std::runtime_error", "app::throw_runtime_error()"},
      {"exception-worker", "std::runtime_error", "app::throw_runtime_error()", "crasher"},
      {"exception-custom", "app::OrderError", "app::throw_order_error()"},
      {"exception-int", "int", "app::throw_int()"},
      {"exception-noexcept", "std::runtime_error", "app::throw_runtime_error()"},
      {"exception-destructor", "std::runtime_error", "app::throw_runtime_error()"},
      {"exception-rethrown", "std::runtime_error", "app::throw_runtime_error()"},
      {"exception-nested", "std::logic_error", "app::throw_nested()"},
      {"terminate", "std::terminate", "app::terminate_without_exception()"},
      {"pure-virtual", "Pure virtual call", "app::Shape::draw_twice()"},
      {"heap-lock", "EXCEPTION_ACCESS_VIOLATION", "app::write_to_null()"},
      {"sdk-lock", "EXCEPTION_ACCESS_VIOLATION", "app::write_to_null()", "", 0, EXCEPTION_ACCESS_VIOLATION},
      {"before-send", "EXCEPTION_ACCESS_VIOLATION", "app::write_to_null()", "trapline-worker", 1,
       EXCEPTION_ACCESS_VIOLATION},
      {"shutdown", "EXCEPTION_ACCESS_VIOLATION", "app::write_to_null()", "crasher", 1, EXCEPTION_ACCESS_VIOLATION},
      {"32-threads", "EXCEPTION_ACCESS_VIOLATION", "app::write_to_null()", "crasher"},
      {"32-threads-terminate", "std::runtime_error", "app::throw_runtime_error()", "crasher"},
      {"queued-events", "EXCEPTION_ACCESS_VIOLATION", "app::write_to_null()", "", 50, false},
  };
  return kWays;
}

struct Program {
  std::string path = TRAPLINE_CRASH_PROGRAM;
  std::string dsn;
  std::string folder;
  bool is_bare = false;
  bool reports_exit = false;

  /// Answers what it ended with.
  [[nodiscard]] DWORD run(const std::string& way) const {
    SetEnvironmentVariableA("TEST_DSN", dsn.c_str());
    SetEnvironmentVariableA("TEST_FOLDER", folder.c_str());
    SetEnvironmentVariableA("TEST_BARE", is_bare ? "1" : nullptr);
    SetEnvironmentVariableA("TEST_REPORT_EXIT", reports_exit ? "1" : nullptr);
    std::string command = "\"" + path + "\" " + way;
    STARTUPINFOA startup{};
    startup.cb = sizeof startup;
    PROCESS_INFORMATION process{};
    REQUIRE(CreateProcessA(nullptr, command.data(), nullptr, nullptr, FALSE, CREATE_NO_WINDOW, nullptr, nullptr,
                           &startup, &process) != 0);
    constexpr DWORD kLongestMs = 30'000;
    const bool has_ended = WaitForSingleObject(process.hProcess, kLongestMs) == WAIT_OBJECT_0;
    if (!has_ended) TerminateProcess(process.hProcess, 0xDEAD);
    WaitForSingleObject(process.hProcess, INFINITE);
    DWORD code = 0;
    GetExitCodeProcess(process.hProcess, &code);
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    return code;
  }
};

std::string hex(DWORD number) {
  char text[12];
  std::snprintf(text, sizeof text, "0x%lx", number);
  return text;
}

std::string top_in_app(const json& stacktrace) {
  const json& frames = stacktrace["frames"];
  for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
    if ((*frame)["in_app"] == true) return frame->value("function", "?");
  }
  return "none";
}

std::vector<json> fatal_events(const std::vector<json>& events) {
  std::vector<json> fatal;
  std::copy_if(events.begin(), events.end(), std::back_inserter(fatal),
               [](const json& event) { return event["level"] == "fatal"; });
  return fatal;
}

/// What is wrong with the report; "" when nothing is.
std::string find_fault(const Way& way, const std::vector<json>& events) {
  const std::vector<json> fatal = fatal_events(events);
  if (fatal.size() != 1) return std::to_string(fatal.size()) + " crash events";
  if (events.size() != 1 + way.other_events) return std::to_string(events.size()) + " events in all";
  const json& event = fatal[0];
  const json& exception = event["exception"]["values"].back();
  if (exception["type"] != way.type) return "type " + exception["type"].dump();
  if (!exception.contains("stacktrace")) return "no stack";
  const std::string top = top_in_app(exception["stacktrace"]);
  if (top.substr(0, way.function.size()) != way.function) {
    return "top frame " + top + " of " + exception["stacktrace"].dump().substr(0, 3'000);
  }
  const json& thread = event["threads"]["values"][0];
  if (thread.value("name", "") != way.thread || thread["crashed"] != true)
    return "thread " + thread.dump().substr(0, 200);
  if (event["tags"].value("way", "") != way.name) return "tags " + event["tags"].dump();
  if (event["user"]["id"] != "42") return "user " + event["user"].dump();
  const json breadcrumbs = event.value("/breadcrumbs/values"_json_pointer, json::array());
  const bool has_breadcrumb = std::any_of(breadcrumbs.begin(), breadcrumbs.end(), [&](const json& breadcrumb) {
    return breadcrumb["message"] == "about to die" || breadcrumb["message"] == "again";
  });
  return has_breadcrumb ? "" : "breadcrumbs " + breadcrumbs.dump();
}

std::string die_and_deliver(const Way& way, const std::string& path) {
  const TemporaryFolder folder;
  // In one case nobody may listen while it dies.
  const int port = RecordingReceiver::free_port();
  const bool is_offline = way.name == "shutdown";
  auto receiver = is_offline ? nullptr : std::make_unique<RecordingReceiver>(port);
  Program program{path, RecordingReceiver::dsn_at(port), folder.path("data")};
  const DWORD code = program.run(way.name);
  program.is_bare = true;
  const DWORD expected = way.code != 0 ? way.code : program.run(way.name);
  program.is_bare = false;
  if (code != expected) return "ends with " + hex(code) + " instead of " + hex(expected);
  if (!receiver) receiver = std::make_unique<RecordingReceiver>(port);
  const DWORD delivery = program.run("deliver");
  if (delivery != 0) return "the delivery ends with " + hex(delivery);
  if (program.run("deliver") != 0) return "another start fails";
  return find_fault(way, receiver->events());
}

}  // namespace

TEST_CASE("every way to die is reported by the next start, once, and ends the process as it would have") {
  const char* const only = std::getenv("TEST_WAY");
  for (const std::string path : {TRAPLINE_CRASH_PROGRAM, TRAPLINE_CRASH_PROGRAM_O2}) {
    for (const Way& way : ways()) {
      if (only != nullptr && way.name != only) continue;
      INFO(path << " " << way.name);
      CHECK(die_and_deliver(way, path) == "");
    }
  }
}

TEST_CASE("a fault that the program's own filter mends is no crash") {
  const TemporaryFolder folder;
  RecordingReceiver receiver;
  const Program program{TRAPLINE_CRASH_PROGRAM, receiver.dsn(), folder.path("data")};
  CHECK(program.run("mended") == 7);
  CHECK(program.run("deliver") == 0);
  CHECK(fatal_events(receiver.events()).empty());
}

TEST_CASE("a process that was ended from outside is told of when that is wanted") {
  const TemporaryFolder folder;
  RecordingReceiver receiver;
  Program program{TRAPLINE_CRASH_PROGRAM, receiver.dsn(), folder.path("data")};
  program.reports_exit = true;
  CHECK(program.run("killed") == 9);
  CHECK(program.run("deliver") == 0);
  const auto events = fatal_events(receiver.events());
  REQUIRE(events.size() == 1);
  CHECK(events[0]["exception"]["values"][0]["type"] == "Killed");
  CHECK(events[0]["tags"]["way"] == "killed");
}

TEST_CASE("a caught exception carries the stack of its throw") {
  const TemporaryFolder folder;
  RecordingReceiver receiver;
  const Program program{TRAPLINE_CRASH_PROGRAM, receiver.dsn(), folder.path("data")};
  CHECK(program.run("caught") == 0);
  const auto events = receiver.events();
  REQUIRE(events.size() == 1);
  CHECK(top_in_app(events[0]["exception"]["values"].back()["stacktrace"]) == "app::throw_runtime_error()");
}

TEST_CASE("a main loop that hangs is reported with the stacks of all threads") {
  const TemporaryFolder folder;
  RecordingReceiver receiver;
  const Program program{TRAPLINE_CRASH_PROGRAM, receiver.dsn(), folder.path("data")};
  CHECK(program.run("hang") == 0);
  const auto events = receiver.events();
  REQUIRE(events.size() == 1);
  const json& exception = events[0]["exception"]["values"].back();
  CHECK(exception["type"] == "App hang");
  CHECK(exception["stacktrace"].dump().find("app::hang_here()") != std::string::npos);
}

TEST_CASE("a process that ends well leaves nothing behind") {
  const TemporaryFolder folder;
  RecordingReceiver receiver;
  const Program program{TRAPLINE_CRASH_PROGRAM, receiver.dsn(), folder.path("data")};
  CHECK(program.run("good-end") == 0);
  CHECK(program.run("deliver") == 0);
  CHECK(receiver.events().empty());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path("data"))) {
    CHECK(entry.path().extension() != ".recorder");
  }
}
