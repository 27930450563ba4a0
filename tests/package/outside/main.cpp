// C++17 against the installed library.
#include <chrono>
#include <iostream>
#include <stdexcept>

#include <trapline/trapline.hpp>

int main() {
  trapline::Options options;
  options.dsn = "nonsense";
  if (trapline::init(options).message().find("scheme") == std::string::npos) return 1;
  options.dsn = "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:1/1";
  if (!trapline::init(options)) return 2;
  if (trapline::capture_exception(std::runtime_error("boom")).size() != 32) return 3;
  if (trapline::shutdown(std::chrono::milliseconds(0)).code() != TRAPLINE_TIMEOUT) return 4;
  std::cout << "trapline " << trapline_version() << '\n';
  return 0;
}
