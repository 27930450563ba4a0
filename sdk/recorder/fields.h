#pragma once

/// The form in which captured things lie in the recorder: a row of fields, each a kind, a key and a value. Scopes,
/// breadcrumbs and events all are such rows, so that putting a scope into an event is copying its bytes.
///
///     byte 0      kind
///     byte 1      detail: what it means depends on the kind
///     bytes 2-3   length of the key
///     bytes 4-7   length of the value
///     then the key, the value, and zeros up to a multiple of 8
///
/// Numbers are in the machine's own order: the file never leaves the machine.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace trapline::sdk {

enum class FieldKind : std::uint8_t {
  kPadding = 0,
  kMessage = 1,
  kException = 2,  ///< key: type; value: what it says; detail 1: the type is mangled
  kStack = 3,      ///< value: return addresses, innermost first
  kTag = 4,
  kExtra = 5,        ///< detail 1: the value is JSON, else text
  kContext = 6,      ///< value: a JSON object
  kUser = 7,         ///< key: "id", "email", "username", "ip_address"
  kFingerprint = 8,  ///< value: one part
  kTransaction = 9,
  kRelease = 10,
  kEnvironment = 11,
  kDist = 12,
  kServerName = 13,
  kLevel = 14,       ///< detail: the level
  kBreadcrumb = 15,  ///< value: see breadcrumb.h; detail: its level
  kThreadName = 16,
  kMechanism = 17,  ///< detail 1: handled
  kLogger = 18,
  kAttachmentFile = 19,   ///< key: file name to show; value: path
  kAttachmentBytes = 20,  ///< key: file name to show; value: the bytes
  kLevelName = 21,        ///< a custom level's name
  kTrace = 22,            ///< key: "trace_id", "span_id"
  kClearUser = 23,        ///< what lower scopes said of the user does not count
  kRemovedTag = 24,       ///< a lower scope's tag does not count
  kPayload = 25,          ///< an envelope's item that is ready to be sent; key: its type
  kLastWords = 26,        ///< what the C library said before it aborted
  kThreadStack = 27,      ///< key: its name; value: its id, then addresses, innermost first
};

constexpr std::size_t kFieldHeaderBytes = 8;
constexpr std::size_t kLongestKey = 0xFFFF;

constexpr std::size_t padded_to_8(std::size_t bytes) { return (bytes + 7) & ~std::size_t{7}; }
constexpr std::size_t field_bytes(std::size_t key, std::size_t value) {
  return padded_to_8(kFieldHeaderBytes + key + value);
}

struct Field {
  FieldKind kind = FieldKind::kPadding;
  std::uint8_t detail = 0;
  std::string_view key;
  std::string_view value;
};

/// Writes a field at `to`, where field_bytes() bytes are free; answers how many that were. The key must not be longer
/// than kLongestKey, the value not longer than 4 GiB.
inline std::size_t write_field(char* to, FieldKind kind, std::uint8_t detail, std::string_view key,
                               std::string_view value) {
  const std::size_t bytes = field_bytes(key.size(), value.size());
  std::memset(to + bytes - 8, 0, 8);  // the padding; the rest is written over
  const auto key_length = static_cast<std::uint16_t>(key.size());
  const auto value_length = static_cast<std::uint32_t>(value.size());
  to[0] = static_cast<char>(kind);
  to[1] = static_cast<char>(detail);
  std::memcpy(to + 2, &key_length, sizeof key_length);
  std::memcpy(to + 4, &value_length, sizeof value_length);
  if (!key.empty()) std::memcpy(to + kFieldHeaderBytes, key.data(), key.size());
  if (!value.empty()) std::memcpy(to + kFieldHeaderBytes + key.size(), value.data(), value.size());
  return bytes;
}

/// Reads rows of fields that may be damaged: what does not fit ends the row.
class FieldReader {
 public:
  explicit FieldReader(std::string_view row) : row_(row) {}

  std::optional<Field> next() {
    while (row_.size() >= kFieldHeaderBytes) {
      std::uint16_t key_length = 0;
      std::uint32_t value_length = 0;
      std::memcpy(&key_length, row_.data() + 2, sizeof key_length);
      std::memcpy(&value_length, row_.data() + 4, sizeof value_length);
      const std::size_t bytes = field_bytes(key_length, value_length);
      if (bytes > row_.size()) break;
      Field field{static_cast<FieldKind>(row_[0]), static_cast<std::uint8_t>(row_[1]),
                  row_.substr(kFieldHeaderBytes, key_length),
                  row_.substr(kFieldHeaderBytes + key_length, value_length)};
      last_bytes_ = bytes;
      row_.remove_prefix(bytes);
      if (field.kind != FieldKind::kPadding) return field;
    }
    row_ = {};
    return std::nullopt;
  }

  /// Bytes of the field that next() answered last.
  [[nodiscard]] std::size_t last_bytes() const { return last_bytes_; }

 private:
  std::string_view row_;
  std::size_t last_bytes_ = 0;
};

}  // namespace trapline::sdk
