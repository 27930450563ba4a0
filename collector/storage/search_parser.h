#pragma once

/// The language in which issues are searched:
///
///     search  = [ any ]
///     any     = all { "OR" all }
///     all     = factor { [ "AND" ] factor }
///     factor  = [ "!" | "NOT" ] ( factor | "(" any ")" | term ), or "-" before a key
///     term    = key ":" [ "!" ] value | "has" ":" key | text
///     value   = [ ">" | ">=" | "<" | "<=" ] text | "[" text { "," text } "]"
///     text    = characters without blanks, quotes and parentheses | '"' characters '"'
///
/// AND binds more than OR. In quotes, \" and \\ stand for themselves; out of quotes, `*` in the value of a key stands
/// for any characters. A word with "::" or "://" is text. Keys, with the other names that users know them by:
///
///     is            unresolved, resolved, ignored, archived, assigned, unassigned
///     level         fatal, error, warning, info, debug; also <=, > and so on
///     assigned      (assignee) a name, me, none
///     release, environment (env), platform, title, type (error.type), value (error.value, message), culprit
///     times_seen    (count) a number; users (user_count), too
///     firstSeen     (first_seen, age) -24h: since then, +30d: before then; >2026-01-31, a date for the whole day; UTC
///     lastSeen      (last_seen), too

#include <string>
#include <string_view>

#include "collector/storage/search.h"
#include "sdk/core/clock.h"
#include "sdk/core/result.h"

namespace trapline::collector {

struct SearchContext {
  core::UnixMillis now = 0;  ///< what "-24h" counts from
  std::string me;            ///< who "assigned:me" is; empty: nobody, which is an error
};

/// At most 2,000 bytes, 32 conditions, 16 levels of parentheses, 5 stars in a value and 20 in all. Error:
/// "invalid_query", with the column (counted in characters from 1) and what would be right there.
core::Result<Search> parse_search(std::string_view text, const SearchContext& context);

}  // namespace trapline::collector
