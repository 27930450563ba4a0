#pragma once

/// What an index of FTS5 knows of the places of words.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "collector/storage/sqlite/connection.h"

namespace trapline::collector::sqlite {

/// The table temp.text_words (term, doc, col, offset), for as long as this lives; one at a time for a connection.
class Vocabulary {
 public:
  Vocabulary(Connection& connection, const std::string& index) : connection_(connection) {
    connection_.execute("CREATE VIRTUAL TABLE temp.text_words USING fts5vocab(main, " + index + ", instance)");
  }
  ~Vocabulary() {
    try {
      connection_.execute("DROP TABLE temp.text_words");
    } catch (const sql::DatabaseError&) {  // NOLINT(bugprone-empty-catch): it goes with the connection
    }
  }
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

 private:
  Connection& connection_;
};

/// Puts texts of the index together from their words. `rows`: a query for the numbers of its rows, in their order; its
/// other columns are the caller's. Calls `take` with each of these, and the text's words with blanks between. Of a
/// million texts it keeps some 100 MB in a temporary file meanwhile.
void read_texts(Connection& connection, const std::string& index, const std::string& rows,
                const std::function<void(const Statement& row, std::string_view words)>& take);

}  // namespace trapline::collector::sqlite
