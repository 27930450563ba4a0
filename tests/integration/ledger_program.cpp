/// Does what it is told on standard input, a line a command, and says "done" after each:
///     capture MESSAGE   "sampled…" and "ignored…" are dropped by the policy
///     end               flushes, shuts down and exits
/// Usage: ledger_program RELEASE. The environment has TEST_DSN and TEST_FOLDER. Of all that is captured 14 events are
/// within the rate, and 5 find room in the offline buffer.

#include <cstdlib>
#include <iostream>
#include <string>

#include <trapline/trapline.h>

int main(int count, char** arguments) {
  if (count < 2) return 2;
  trapline_options options = TRAPLINE_OPTIONS_INIT;
  options.dsn = std::getenv("TEST_DSN");
  options.data_folder = std::getenv("TEST_FOLDER");
  options.release = arguments[1];
  options.sampler = [](const trapline_sampling* asked, void*) {
    return std::string(asked->message).starts_with("sampled") ? 0.0 : 1.0;
  };
  const char* ignored = "ignored*";
  options.ignore = &ignored;
  options.ignore_count = 1;
  options.max_events_per_second = 0.000001;
  options.max_burst = 14;
  options.repeat_window_ms = 3'600'000;
  options.buffer_max_events = 5;
  options.report_abnormal_exit = 0;
  if (trapline_init(&options) != TRAPLINE_OK) return 2;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "end") break;
    trapline_capture_message(TRAPLINE_LEVEL_ERROR, line.substr(std::string("capture ").size()).c_str(), nullptr);
    std::cout << "done" << std::endl;
  }
  const trapline_status status = trapline_flush(60'000);
  trapline_shutdown(0);
  return status == TRAPLINE_OK ? 0 : 1;
}
