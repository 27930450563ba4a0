#pragma once

/// What can stand at a place of a search that somebody is writing (search_parser.h).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/storage/search_keys.h"

namespace trapline::collector {

/// What the word at the cursor is, and which part of the text a completion replaces (bytes).
struct CompletionPlace {
  std::size_t from = 0;
  std::size_t to = 0;
  std::string prefix;  ///< what is written of it before the cursor
  bool is_value = false;
  const SearchKey* key = nullptr;  ///< of a value; nullptr: a tag's
  std::string tag;                 ///< its name
};

/// `cursor`: in bytes, between two characters.
CompletionPlace find_completion_place(std::string_view text, std::size_t cursor);

/// A tag's key as it is written in a search: tags[…] where it would not be taken for itself. Nothing: it cannot be.
std::optional<std::string> written_tag_key(std::string_view key);

/// A value as it is written in a search: in quotes where it needs them.
std::string written_value(std::string_view value);

}  // namespace trapline::collector
