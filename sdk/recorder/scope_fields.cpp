#include "sdk/recorder/scope_fields.h"

namespace trapline::sdk {

ScopeFields::Place ScopeFields::find(FieldKind kind, std::string_view key) const {
  FieldReader reader(row_);
  std::size_t begin = 0;
  while (const auto field = reader.next()) {
    if (field->kind == kind && field->key == key) return {begin, reader.last_bytes()};
    begin += reader.last_bytes();
  }
  return {};
}

std::size_t ScopeFields::count(FieldKind kind) const {
  std::size_t count = 0;
  FieldReader reader(row_);
  while (const auto field = reader.next()) count += field->kind == kind ? 1 : 0;
  return count;
}

bool ScopeFields::set(FieldKind kind, std::uint8_t detail, std::string_view key, std::string_view value) {
  if (key.size() > kLongestKey) return false;
  const Place old = find(kind, key);
  const std::size_t bytes = field_bytes(key.size(), value.size());
  if (row_.size() - old.bytes + bytes > max_bytes_) return false;
  if (old.bytes == bytes) {
    write_field(row_.data() + old.begin, kind, detail, key, value);
    return true;
  }
  if (old.bytes > 0) row_.erase(old.begin, old.bytes);
  return add(kind, detail, key, value);
}

bool ScopeFields::add(FieldKind kind, std::uint8_t detail, std::string_view key, std::string_view value) {
  const std::size_t bytes = field_bytes(key.size(), value.size());
  if (key.size() > kLongestKey || row_.size() + bytes > max_bytes_) return false;
  const std::size_t begin = row_.size();
  row_.resize(begin + bytes);
  write_field(row_.data() + begin, kind, detail, key, value);
  return true;
}

void ScopeFields::remove(FieldKind kind, std::string_view key) {
  const Place place = find(kind, key);
  if (place.bytes > 0) row_.erase(place.begin, place.bytes);
}

void ScopeFields::remove_all(FieldKind kind) {
  std::size_t begin = 0;
  while (begin < row_.size()) {
    FieldReader reader(std::string_view(row_).substr(begin));
    const auto field = reader.next();
    if (!field) break;
    if (field->kind == kind) {
      row_.erase(begin, reader.last_bytes());
    } else {
      begin += reader.last_bytes();
    }
  }
}

}  // namespace trapline::sdk
