#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trapline::collector {

/// Whether the outermost object has the member that a path begins with, where the caller has parsed the text: it spares
/// walking through the text to find out.
enum class Outermost { kUnknown, kHas, kLacks };

/// Sets one member in a JSON text, found by its path of keys from the outermost object, and copies all else as it
/// stands: printing an event anew costs three times as much as reading it. Objects on the way that are missing, or no
/// objects, are made. `json` must be a well-formed object without repeated members and `value` a well-formed value. Of
/// members with one name in inner objects the first counts, as for the reader, and the others go where one is set.
void set_json_member(std::string& json, const std::vector<std::string_view>& path, std::string_view value,
                     Outermost outermost = Outermost::kUnknown);

/// The value, as it is written, of a member that the outermost object is known to have, found in a fifth of the time
/// that walking through the text takes. Nothing when that does not work: a member of another object has the same name,
/// or names may be written with escapes.
std::optional<std::string_view> find_only_member(std::string_view json, std::string_view key);

/// Of the outermost object's members with one name, leaves the first: readers differ in which of them counts.
void drop_repeated_members(std::string& json);

/// The text as a JSON string, with its quotes.
std::string json_quoted(std::string_view text);

}  // namespace trapline::collector
