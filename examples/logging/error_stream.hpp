#pragma once

/// A std::ostream that captures what is written to it, a line an event:
///
///     trapline_example::error_stream() << "order " << id << " is lost" << std::endl;

#include <ostream>
#include <streambuf>
#include <string>

#include <trapline/trapline.hpp>

namespace trapline_example {

class CapturingBuffer final : public std::streambuf {
 public:
  explicit CapturingBuffer(trapline::Level level) : level_(level) {}

 protected:
  int_type overflow(int_type character) override {
    if (traits_type::eq_int_type(character, traits_type::eof())) return traits_type::not_eof(character);
    if (character == '\n') {
      capture();
    } else {
      line_ += traits_type::to_char_type(character);
    }
    return character;
  }
  int sync() override {
    capture();
    return 0;
  }

 private:
  void capture() {
    if (!line_.empty()) trapline::capture_message(line_, level_);
    line_.clear();
  }

  trapline::Level level_;
  std::string line_;
};

/// One for each thread, so that lines do not mix.
inline std::ostream& error_stream() {
  thread_local CapturingBuffer buffer(trapline::Level::error);
  thread_local std::ostream stream(&buffer);
  return stream;
}

}  // namespace trapline_example
