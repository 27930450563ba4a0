#include "sdk/core/json_writer.h"

#include <array>
#include <charconv>

#include "sdk/core/json_text.h"

namespace trapline::core {

void JsonWriter::separate() {
  if (needs_comma_) json_ += ',';
  needs_comma_ = true;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  json_ += bracket;
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  json_ += bracket;
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  text(name);
  json_ += ':';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  json_ += '"';
  append_json_escaped(json_, value);
  json_ += '"';
  return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) {
  separate();
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  json_.append(digits.data(), end);
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  json_ += json;
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  separate();
  json_ += value ? "true" : "false";
  return *this;
}

}  // namespace trapline::core
