#pragma once

/// The keys of the search language that are not tags.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "collector/storage/search.h"

namespace trapline::collector {

/// What a key's values are.
enum class SearchValues : std::uint8_t { kState, kLevel, kPerson, kText, kRelease, kNumber, kTime, kKey, kUser };

struct SearchKey {
  SearchField field;
  SearchValues values;
  std::vector<std::string_view> names;  ///< the first is the one that is shown
  std::string_view description;         ///< in a few words, for people
  std::int64_t number = 0;              ///< of kUser: as in SearchTerm
};

std::span<const SearchKey> search_keys();

/// nullptr: there is none of that name.
const SearchKey* find_search_key(std::string_view name);

/// The name of a key that somebody probably meant who wrote another one; empty: none is near.
std::string_view nearest_search_key(std::string_view name);

/// What a tag's key begins with whatever it is called; it ends with "]".
constexpr std::string_view kTagBegin = "tags[";

/// Whether the character parts words.
constexpr bool is_search_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Whether the character may stand in a key that is written without tags[].
bool is_of_search_key(char c);

}  // namespace trapline::collector
