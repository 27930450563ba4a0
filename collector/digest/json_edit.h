#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/json_outline.h"

namespace trapline::collector {

/// Where the values of the outermost object's members begin in a text that is edited.
class MemberPlaces {
 public:
  /// As they stand in the scrubbed text. The outline must be whole: without escaped or repeated names.
  explicit MemberPlaces(const core::JsonOutline& outline);
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
  /// For who edits: a new member, and that everything from `at` on has moved.
  void add(std::string_view name, std::size_t value) { places_.push_back({name, value}); }
  void move(std::size_t at, std::ptrdiff_t by);

 private:
  struct Place {
    std::string_view name;
    std::size_t value = 0;
  };
  std::vector<Place> places_;
};

/// Sets one member in a JSON text, found by its path of keys from the outermost object, and copies all else as it
/// stands: printing an event anew costs three times as much as reading it. Objects on the way that are missing, or no
/// objects, are made. `source` must be a well-formed object without repeated members and `value` a well-formed value.
/// Of members with one name in inner objects the first counts, as for the reader, and the others go where one is set.
/// With `places`, which are kept up, nothing has to be looked for in the outermost object.
void set_json_member(std::string& source, const std::vector<std::string_view>& path, std::string_view value,
                     MemberPlaces* places = nullptr);

/// The value that begins at `at`, as it is written.
std::string_view json_value_at(std::string_view source, std::size_t at);

/// Of the outermost object's members with one name, leaves the first: readers differ in which of them counts.
void drop_repeated_members(std::string& source);

/// The text as a JSON string, with its quotes.
std::string json_quoted(std::string_view text);

}  // namespace trapline::collector
