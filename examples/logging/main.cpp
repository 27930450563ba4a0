/// Reports through what a program logs with already: spdlog, and a std::ostream.
///
///     TRAPLINE_DSN=http://<key>@127.0.0.1:8790/1 ./logging

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <ostream>

#include <spdlog/spdlog.h>
#include <trapline/trapline.hpp>

#include "error_stream.hpp"
#include "spdlog_sink.hpp"

int main() {
  trapline::Options options;
  const char* dsn = std::getenv("TRAPLINE_DSN");
  options.dsn = dsn != nullptr ? dsn : "";
  options.release = "logging@1.0.0";
  const trapline::Status status = trapline::init(options);
  if (!status.ok()) {
    std::cerr << "logging: " << status.message() << "\nSet TRAPLINE_DSN to the DSN of a project.\n";
    return 2;
  }
  spdlog::default_logger()->sinks().push_back(std::make_shared<TraplineSinkMt>());

  spdlog::info("the cart was opened");                  // a breadcrumb
  spdlog::error("order {} could not be placed", 4711);  // an event that has it
  trapline_example::error_stream() << "order " << 4712 << " is lost" << std::endl;

  return trapline::shutdown(std::chrono::seconds(5)).ok() ? 0 : 1;
}
