#include "collector/storage/sqlite/old_text_index.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/sql/text_index.h"
#include "collector/storage/sqlite/vocabulary.h"

namespace trapline::collector::sqlite {
namespace {

constexpr std::size_t kTextsAtOnce = 2'000;

class OldDay {
 public:
  OldDay(Connection& connection, UnixMillis day)
      : connection_(connection), day_(day), number_(std::to_string(day / kDayMs)) {}

  void take_over() {
    sql::Transaction transaction(connection_);
    read();
    add();
    connection_.execute("DROP TABLE text_index_" + number_ + "; DROP TABLE text_row_" + number_);
    connection_.prepare("DELETE FROM text_day WHERE day = ?").bind(day_).run();
    transaction.commit();
  }

 private:
  struct Text {
    std::int64_t hash_id = 0;
    std::string words;
  };

  void read() {
    read_texts(connection_, "text_index_" + number_, "SELECT id, hash_id FROM text_row_" + number_ + " ORDER BY id",
               [this](const Statement& row, std::string_view words) {
                 if (texts_.size() == kTextsAtOnce) add();
                 texts_.push_back({row.integer(1), std::string(words)});
               });
  }

  void add() {
    std::vector<sql::NewText> texts;
    for (const Text& text : texts_) texts.push_back({text.hash_id, sql::text_mark(text.words), text.words, text.words});
    if (!texts.empty()) connection_.text_index().add(start_of(day_, sql::kWeekMs), texts);
    texts_.clear();
  }

  Connection& connection_;
  UnixMillis day_;
  std::string number_;
  std::vector<Text> texts_;
};

}  // namespace

void take_over_old_texts(Connection& connection) {
  std::vector<UnixMillis> days;
  {
    Statement rows = connection.prepare("SELECT day FROM text_day ORDER BY day");
    while (rows.step()) days.push_back(rows.integer(0));
  }
  for (const UnixMillis day : days) OldDay(connection, day).take_over();
}

}  // namespace trapline::collector::sqlite
