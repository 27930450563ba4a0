#include "collector/storage/sqlite/schema_functions.h"

#include <string>
#include <string_view>

#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/issue_tally.h"

namespace trapline::collector::sqlite {
namespace {

std::string_view text_of(sqlite3_value* value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  return text != nullptr ? std::string_view(text, static_cast<std::size_t>(sqlite3_value_bytes(value)))
                         : std::string_view();
}

void from_hex(sqlite3_context* context, int, sqlite3_value** values) {
  const std::string bytes = sql::event_id_bytes(text_of(values[0]));
  sqlite3_result_blob64(context, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
}

void hash_of_user(sqlite3_context* context, int, sqlite3_value** values) {
  sqlite3_result_int64(context, sql::user_hash(text_of(values[0])));
}

}  // namespace

void add_schema_functions(sqlite3* database) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
  sqlite3_create_function(database, "from_hex", 1, kFlags, nullptr, from_hex, nullptr, nullptr);
  sqlite3_create_function(database, "user_hash", 1, kFlags, nullptr, hash_of_user, nullptr, nullptr);
}

}  // namespace trapline::collector::sqlite
