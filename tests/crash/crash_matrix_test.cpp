/// Programs that die in every way there is: each death is reported exactly once, with its signal, its thread, the app's
/// innermost function, and what the app had said before; and the process ends as it would have without the SDK.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/crash/crash_run.h"
#include "tests/support/recording_receiver.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::Program;
using trapline::tests::RecordingReceiver;
using trapline::tests::Run;
using trapline::tests::TemporaryFolder;
using trapline::tests::top_in_app;
using trapline::tests::wait_for_events;

namespace {

constexpr const char* kMain = "main";  // the thread named as the program

struct Way {
  std::string name;
  int signal;
  std::string type;      ///< of the exception
  std::string function;  ///< the app's innermost
  std::string thread = kMain;
  std::size_t other_events = 0;
  bool is_stack_whole = true;  ///< it can be walked to its end
};

const std::vector<Way>& ways() {
  static const std::vector<Way> kWays = {
      {"null-write", SIGSEGV, "SIGSEGV", "app::write_to_null()"},
      {"null-write-worker", SIGSEGV, "SIGSEGV", "app::write_to_null()", "crasher"},
      {"null-write-detached", SIGSEGV, "SIGSEGV", "app::write_to_null()", "crasher"},
      {"bad-read", SIGSEGV, "SIGSEGV", "app::read_bad_address()"},
      {"bad-call", SIGSEGV, "SIGSEGV", "app::call_bad_address()"},
      {"stack-overflow", SIGSEGV, "Stack overflow", "app::recurse_"},
      {"stack-overflow-worker", SIGSEGV, "Stack overflow", "app::recurse_", "crasher"},
      {"division", SIGFPE, "SIGFPE", "app::divide_by_zero()"},
      {"illegal-instruction", SIGILL, "SIGILL", "app::run_illegal_instruction()"},
      {"breakpoint", SIGTRAP, "SIGTRAP", "app::stop_at_breakpoint()"},
      {"forbidden-call", SIGSYS, "SIGSYS", "app::make_forbidden_call()"},
      {"forbidden-call-worker", SIGSYS, "SIGSYS", "app::make_forbidden_call()", "crasher"},
      {"bus-error", SIGBUS, "SIGBUS", "app::read_behind_file()"},
      {"abort", SIGABRT, "Abort", "app::call_abort()"},
      {"abort-worker", SIGABRT, "Abort", "app::call_abort()", "crasher"},
      {"assertion", SIGABRT, "Assertion failed", "app::fail_assertion()"},
      {"exception", SIGABRT, "std::runtime_error", "app::throw_runtime_error()"},
      {"exception-worker", SIGABRT, "std::runtime_error", "app::throw_runtime_error()", "crasher"},
      {"exception-custom", SIGABRT, "app::OrderError", "app::throw_order_error()"},
      {"exception-int", SIGABRT, "int", "app::throw_int()"},
      {"exception-noexcept", SIGABRT, "std::runtime_error", "app::throw_runtime_error()"},
      {"exception-destructor", SIGABRT, "std::runtime_error", "app::throw_runtime_error()"},
      {"exception-rethrown", SIGABRT, "std::runtime_error", "app::throw_runtime_error()"},
      {"exception-nested", SIGABRT, "std::logic_error", "app::throw_nested()"},
      {"terminate", SIGABRT, "std::terminate", "app::terminate_without_exception()"},
      {"pure-virtual", SIGABRT, "Pure virtual call", "app::Shape::draw_twice()"},
      {"double-free", SIGABRT, "Heap corruption", "app::free_twice()"},
      {"heap-smash", SIGABRT, "Heap corruption", "app::smash_heap_top()"},
      {"malloc-lock", SIGSEGV, "SIGSEGV", "app::smash_free_chunk()"},
      {"stack-smash", SIGABRT, "Stack smashing", "app::smash_stack()", kMain, 0, false},
      {"lost-stack-pointer", SIGSEGV, "SIGSEGV", "app::lose_stack_pointer()", kMain, 0, false},
      {"stdio-lock", SIGSEGV, "SIGSEGV", "app::write_to_null()"},
      {"loader-lock", SIGSEGV, "SIGSEGV", "app::write_to_null()"},
      {"dlopen-constructor", SIGSEGV, "SIGSEGV", "plugin::crash_while_loading()"},
      {"sdk-lock", SIGSEGV, "SIGSEGV", "app::hammer_sdk(std::atomic<bool>&)", "crasher"},
      {"before-send", SIGSEGV, "SIGSEGV", "app::write_to_null()", "trapline-worker", 1},
      {"init", SIGSEGV, "SIGSEGV", "app::write_to_null()"},
      {"shutdown", SIGSEGV, "SIGSEGV", "app::write_to_null()", "crasher", 1},
      {"outside", SIGSEGV, "SIGSEGV", "app::wait_for_signal()"},
      {"forked-child", SIGSEGV, "SIGSEGV", "app::write_to_null()"},
      {"forked-child-sdk", SIGSEGV, "SIGSEGV", "app::write_to_null()"},
      {"32-threads", SIGSEGV, "SIGSEGV", "app::write_to_null()", "crasher"},
      {"32-threads-terminate", SIGABRT, "std::runtime_error", "app::throw_runtime_error()", "crasher"},
      {"queued-events", SIGSEGV, "SIGSEGV", "app::write_to_null()", kMain, 50},
  };
  return kWays;
}

std::vector<json> fatal_events(const std::vector<json>& events) {
  std::vector<json> fatal;
  std::copy_if(events.begin(), events.end(), std::back_inserter(fatal),
               [](const json& event) { return event["level"] == "fatal"; });
  return fatal;
}

bool has_main(const json& stacktrace) {
  const json& frames = stacktrace["frames"];
  return std::any_of(frames.begin(), frames.end(),
                     [](const json& frame) { return frame.value("function", "") == "main"; });
}

/// What is wrong with the report; "" when nothing is.
std::string find_fault(const Way& way, const std::vector<json>& events, const std::string& program) {
  const std::vector<json> fatal = fatal_events(events);
  if (fatal.size() != 1) {
    std::string ids;
    for (const json& event : fatal) ids += " " + event["event_id"].get<std::string>();
    return std::to_string(fatal.size()) + " crash events" + ids;
  }
  if (events.size() != 1 + way.other_events) return std::to_string(events.size()) + " events in all";
  const json& event = fatal[0];
  const json& exception = event["exception"]["values"].back();
  if (exception["type"] != way.type) return "type " + exception["type"].dump();
  if (exception["mechanism"]["meta"]["signal"]["number"] != way.signal)
    return "signal " + exception["mechanism"].dump();
  if (!exception.contains("stacktrace")) return "no stack";
  const std::string top = top_in_app(exception["stacktrace"]);
  if (top.substr(0, way.function.size()) != way.function) return "top frame " + top;
  if (way.thread == kMain && way.is_stack_whole && !has_main(exception["stacktrace"])) return "no main() in the stack";
  const json& thread = event["threads"]["values"][0];
  const std::string name = way.thread == kMain ? program.substr(program.rfind('/') + 1).substr(0, 15) : way.thread;
  if (thread["name"] != name || thread["crashed"] != true) return "thread " + thread.dump().substr(0, 200);
  if (way.name == "init") return "";  // before the app could say anything
  if (event["tags"].value("way", "") != way.name) return "tags " + event["tags"].dump();
  if (event["user"]["id"] != "42") return "user " + event["user"].dump();
  const json breadcrumbs = event.value("/breadcrumbs/values"_json_pointer, json::array());
  const bool has_breadcrumb = std::any_of(breadcrumbs.begin(), breadcrumbs.end(), [&](const json& breadcrumb) {
    return breadcrumb["message"] == "about to die" || breadcrumb["message"] == "again";
  });
  return has_breadcrumb ? "" : "breadcrumbs " + breadcrumbs.dump();
}

struct Outcome {
  Run run;
  std::string fault;
  double arrived_ms = 0;  ///< after the end of the process, with a helper
};

/// Lets a program die. With a helper its report has to come within two seconds; without, another run delivers it. In
/// both cases another run must find nothing more.
Outcome die_and_deliver(const Way& way, const std::string& path, bool has_helper) {
  const TemporaryFolder folder;
  // In one case nobody may listen while it dies.
  const int port = RecordingReceiver::free_port();
  const bool is_offline = way.name == "shutdown";
  auto receiver = is_offline ? nullptr : std::make_unique<RecordingReceiver>(port);
  const Program program{path, RecordingReceiver::dsn_at(port), folder.path("data"), has_helper};
  Outcome outcome{program.run(way.name, way.name == "outside" ? SIGSEGV : 0), ""};
  const auto ended = std::chrono::steady_clock::now();
  const bool ends_by_signal = WIFSIGNALED(outcome.run.status) && WTERMSIG(outcome.run.status) == way.signal;
  if (!ends_by_signal) outcome.fault = "exit status " + std::to_string(outcome.run.status);
  if (!receiver) receiver = std::make_unique<RecordingReceiver>(port);
  if (has_helper && !is_offline) {
    // The helper cannot run the app's hooks: what has to pass them waits for the next start.
    wait_for_events(*receiver, way.name == "before-send" ? 1 : 1 + way.other_events);
    outcome.arrived_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - ended).count();
    if (fatal_events(receiver->events()).size() != 1) outcome.fault += " not there in time";
  }
  const Run delivery = program.run("deliver");
  if (delivery.status != 0) outcome.fault += " delivery ended with " + std::to_string(delivery.status);
  if (has_helper && is_offline) wait_for_events(*receiver, 1 + way.other_events);
  if (outcome.fault.empty()) outcome.fault = find_fault(way, receiver->events(), path);
  return outcome;
}

void check_way(const Way& way, const std::string& path, bool has_helper) {
  const Outcome outcome = die_and_deliver(way, path, has_helper);
  INFO(path << " " << way.name);
  CHECK(outcome.fault == "");
  if (std::getenv("TEST_TABLE") == nullptr) return;
  MESSAGE(way.name << " | " << (outcome.fault.empty() ? "ok" : outcome.fault) << " | " << outcome.run.milliseconds
                   << " ms, there after " << outcome.arrived_ms << " ms more");
}

#if defined(__aarch64__)
constexpr bool kDivisionTraps = false;  // it gives 0
#else
constexpr bool kDivisionTraps = true;
#endif

void run_matrix(bool has_helper) {
  std::vector<std::string> programs = {TRAPLINE_CRASH_PROGRAM, TRAPLINE_CRASH_PROGRAM_O2};
  // On an emulated machine, where everything takes long: each program one way, each way of delivery with one program.
  if (std::getenv("TEST_HALF") != nullptr) programs.erase(has_helper ? programs.begin() : programs.end() - 1);
  for (const std::string& path : programs) {
    for (const Way& way : ways()) {
      if (way.name == "division" && !kDivisionTraps) {
        MESSAGE("division by zero is left out: this processor does not trap it");
        continue;
      }
      check_way(way, path, has_helper);
    }
  }
}

}  // namespace

TEST_CASE("every way to die is reported by the next start, once, and ends the process as it would have") {
  run_matrix(/*has_helper=*/false);
}

TEST_CASE("every way to die is reported at once by the helper process") { run_matrix(/*has_helper=*/true); }

TEST_CASE("50 times the whole matrix in random order" * doctest::skip(std::getenv("TRAPLINE_LONG") == nullptr)) {
  std::vector<Way> shuffled = ways();
  std::mt19937 random(20261121);
  for (int round = 0; round < 50; ++round) {
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    for (const Way& way : shuffled) {
      check_way(way, random() % 2 == 0 ? TRAPLINE_CRASH_PROGRAM : TRAPLINE_CRASH_PROGRAM_O2, round % 2 == 0);
    }
  }
}
