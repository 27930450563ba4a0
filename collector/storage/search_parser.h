#pragma once

/// The language in which issues are searched:
///
///     search  = [ any ]
///     any     = all { "OR" all }
///     all     = factor { [ "AND" ] factor }
///     factor  = [ "!" | "NOT" ] ( factor | "(" any ")" | term ), or "-" before a key
///     term    = key ":" [ "!" ] value | "has" ":" key | text
///     key     = letters, digits, "_", "." and "-", of which that is not the first | "tags[" characters without "]" "]"
///     value   = [ ">" | ">=" | "<" | "<=" ] text | "[" text { "," text } "]"
///     text    = characters without blanks, quotes and parentheses | '"' characters '"'
///
/// AND binds more than OR. In quotes, \" and \\ stand for themselves; out of quotes, `*` in the value of a key stands
/// for any characters. A word with "::" or "://" is text. Text is looked for in what events say, and a word out of
/// quotes is also found as the beginning of a longer one. Keys, with the other names that users know them by:
///
///     is            unresolved, resolved, ignored, archived, assigned, unassigned
///     level         fatal, error, warning, info, debug; also <=, > and so on
///     assigned      (assignee) a name, me, none
///     release       shop@1.2.*; >=1.2.0 by the order of versions (release_version.h)
///     environment (env), platform, title, type (error.type), value (error.value, message), culprit
///     user.id, user.email, user.username, user.ip, user (any of them): somebody it happened to
///     times_seen    (count) a number; users (user_count), too
///     firstSeen     (first_seen, age) -24h: since then, +30d: before then; >2026-01-31, a date for the whole day; UTC
///     lastSeen      (last_seen), too
///
/// Each other key is a tag's; tags[KEY] is one whatever its name. A key that differs from one of these by a slip is an
/// error, since no tag would ever be found by it.

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
