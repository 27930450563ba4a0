#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace trapline::core {

/// Writes JSON (RFC 8259) front to back into a string, with commas where they belong. Text that is not UTF-8 is mended
/// with U+FFFD, so the result always parses. The caller sees to it that objects and arrays are closed in order.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  /// The key of the value that is written next.
  JsonWriter& key(std::string_view name);

  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::int64_t value);
  /// A value that is JSON already.
  JsonWriter& raw(std::string_view json);
  JsonWriter& boolean(bool value);

  /// A key with its value; nothing when the text is empty.
  JsonWriter& optional_text(std::string_view name, std::string_view value) {
    return value.empty() ? *this : key(name).text(value);
  }

  /// Room for that many bytes, taken at once.
  void reserve(std::size_t bytes) { json_.reserve(bytes); }

  /// What was written. The writer is spent.
  std::string take() { return std::move(json_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string json_;
  bool needs_comma_ = false;
};

}  // namespace trapline::core
