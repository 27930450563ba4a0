/// Captures numbered messages and writes each number to standard output once its capture call has returned: what a test
/// reads there must arrive, whatever happens to this program.
///
/// Usage: number_program FIRST COUNT PAUSE_US FLUSH_MS [same]
/// With FLUSH_MS 0 it ends by _exit() right after the last capture. "same": the same error each time. The environment
/// has TEST_DSN, TEST_FOLDER, and may have TEST_CA_FILE, TEST_PROXY, TEST_PROTOCOL=sentry.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include <trapline/trapline.h>
#include <unistd.h>

int main(int count, char** arguments) {
  if (count < 5) return 2;
  const int first = std::atoi(arguments[1]);
  const int events = std::atoi(arguments[2]);
  const std::chrono::microseconds pause(std::atoi(arguments[3]));
  const auto flush_ms = static_cast<std::uint32_t>(std::atoi(arguments[4]));
  const bool is_same = count > 5;
  trapline_options options = TRAPLINE_OPTIONS_INIT;
  options.dsn = std::getenv("TEST_DSN");
  options.data_folder = std::getenv("TEST_FOLDER");
  options.ca_file = std::getenv("TEST_CA_FILE");
  options.proxy = std::getenv("TEST_PROXY");
  if (std::getenv("TEST_PROTOCOL") != nullptr) options.protocol = TRAPLINE_PROTOCOL_SENTRY;
  options.max_events_per_second = 0;
  options.debug = std::getenv("TEST_DEBUG") != nullptr ? 1 : 0;
  if (trapline_init(&options) != TRAPLINE_OK) {
    std::fprintf(stderr, "number_program: %s\n", trapline_last_error());
    return 2;
  }
  for (int number = first; number < first + events; ++number) {
    const std::string message = "event " + std::to_string(is_same ? first : number);
    if (trapline_capture_message(TRAPLINE_LEVEL_ERROR, message.c_str(), nullptr) != TRAPLINE_OK) continue;
    if (write(STDOUT_FILENO, &number, sizeof number) != sizeof number) return 3;
    if (pause.count() > 0) std::this_thread::sleep_for(pause);
  }
  if (flush_ms == 0) _exit(0);
  const trapline_status status = trapline_flush(flush_ms);
  trapline_shutdown(0);
  return status == TRAPLINE_OK ? 0 : 1;
}
