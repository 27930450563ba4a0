#include "sdk/core/json_writer.h"

#include "sdk/core/utf8.h"

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
  append_escaped(value);
  json_ += '"';
  return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) {
  separate();
  json_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  separate();
  json_ += value ? "true" : "false";
  return *this;
}

void JsonWriter::append_escaped(std::string_view value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  while (!value.empty()) {
    const auto byte = static_cast<unsigned char>(value.front());
    std::size_t length = 1;
    if (byte >= 0x80) {
      length = utf8_sequence_length(value);
      json_ += length > 0 ? value.substr(0, length) : kReplacementCharacter;
      length = length > 0 ? length : 1;
    } else if (byte < 0x20) {
      json_ += "\\u00";
      json_ += kDigits[byte >> 4];
      json_ += kDigits[byte & 0x0F];
    } else {
      if (byte == '"' || byte == '\\') json_ += '\\';
      json_ += static_cast<char>(byte);
    }
    value.remove_prefix(length);
  }
}

}  // namespace trapline::core
