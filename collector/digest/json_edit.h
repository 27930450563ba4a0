#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace trapline::collector {

/// Sets one member in a JSON text, found by its path of keys from the outermost object, and copies all else as it
/// stands: printing an event anew costs three times as much as reading it. Objects on the way that are missing, or no
/// objects, are made. `json` must be a well-formed object without repeated members and `value` a well-formed value. Of
/// members with one name in inner objects the first counts, as for the reader, and the others go where one is set.
void set_json_member(std::string& json, std::initializer_list<std::string_view> path, std::string_view value);

/// Of the outermost object's members with one name, leaves the first: readers differ in which of them counts.
void drop_repeated_members(std::string& json);

/// The text as a JSON string, with its quotes.
std::string json_quoted(std::string_view text);

}  // namespace trapline::collector
