#include "collector/storage/sqlite/vocabulary.h"

namespace trapline::collector::sqlite {

/// Two lists in the same order, side by side: the words have no index to look up a row's in.
void read_texts(Connection& connection, const std::string& index, const std::string& rows,
                const std::function<void(const Statement& row, std::string_view words)>& take) {
  const Vocabulary vocabulary(connection, index);
  const auto prepared_rows = connection.prepare_once(rows);
  const auto prepared_words = connection.prepare_once("SELECT doc, term FROM temp.text_words ORDER BY doc, offset");
  Statement row(*prepared_rows);
  Statement word(*prepared_words);
  bool has_word = word.step();
  std::string words;
  while (row.step()) {
    words.clear();
    for (; has_word && word.integer(0) <= row.integer(0); has_word = word.step()) {
      if (word.integer(0) == row.integer(0)) words.append(words.empty() ? "" : " ").append(word.text(1));
    }
    take(row, words);
  }
}

}  // namespace trapline::collector::sqlite
