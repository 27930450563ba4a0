#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sdk/recorder/fields.h"

namespace trapline::sdk {

/// A scope is a row of fields (fields.h) of which there is at most one per kind and key: setting replaces. Not
/// thread-safe. Bounded: a row never grows past the bytes it was given.
class ScopeFields {
 public:
  explicit ScopeFields(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// False when there is no room; then the row is as it was.
  bool set(FieldKind kind, std::uint8_t detail, std::string_view key, std::string_view value);
  /// Adds without replacing: fingerprint parts, attachments.
  bool add(FieldKind kind, std::uint8_t detail, std::string_view key, std::string_view value);
  void remove(FieldKind kind, std::string_view key);
  /// All of that kind.
  void remove_all(FieldKind kind);
  void clear() { row_.clear(); }

  [[nodiscard]] bool contains(FieldKind kind, std::string_view key) const { return find(kind, key).bytes > 0; }
  [[nodiscard]] std::size_t count(FieldKind kind) const;
  [[nodiscard]] std::string_view row() const { return row_; }
  void assign(std::string_view row) { row_ = row; }

 private:
  struct Place {
    std::size_t begin = 0;
    std::size_t bytes = 0;  ///< 0: not there
  };
  [[nodiscard]] Place find(FieldKind kind, std::string_view key) const;

  std::size_t max_bytes_;
  std::string row_;
};

}  // namespace trapline::sdk
