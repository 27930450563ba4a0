#include "collector/storage/sql/text_copy.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/text_index.h"

namespace trapline::collector::sql {
namespace {

constexpr std::size_t kTextsAtOnce = 1'000;

/// Hands texts on, many at once, with the words that their group hash has not said before.
class TextGatherer {
 public:
  TextGatherer(TextIndex& target, UnixMillis week) : target_(target), week_(week) {}

  void take(const NewText& text) {
    if (texts_.size() == kTextsAtOnce) pass_on();
    if (text.hash_id != hash_id_) said_.clear();
    hash_id_ = text.hash_id;
    texts_.push_back({text.hash_id, text.mark, std::string(text.text), {}});
    std::string_view rest = text.text;
    for (auto word = next_word(rest); !word.empty(); word = next_word(rest)) {
      if (!said_.emplace(word).second) continue;
      texts_.back().new_words.append(texts_.back().new_words.empty() ? "" : " ").append(word);
    }
  }

  void pass_on() {
    std::vector<NewText> texts;
    for (const Text& text : texts_) texts.push_back({text.hash_id, text.mark, text.text, text.new_words});
    if (!texts.empty()) target_.add(week_, texts);
    texts_.clear();
  }

 private:
  struct Text {
    std::int64_t hash_id = 0;
    std::uint32_t mark = 0;
    std::string text;
    std::string new_words;
  };

  TextIndex& target_;
  UnixMillis week_;
  std::vector<Text> texts_;
  std::int64_t hash_id_ = 0;
  std::unordered_set<std::string> said_;
};

void copy_week(TextIndex& source, Connection& target, UnixMillis week) {
  Transaction transaction(target);
  TextGatherer gatherer(target.text_index(), week);
  source.read(week, [&](const NewText& text) { gatherer.take(text); });
  gatherer.pass_on();
  transaction.commit();
}

}  // namespace

void copy_texts(Connection& source, Connection& target, const std::function<void(std::int64_t texts)>& tell) {
  const auto copied = target.text_index().weeks();
  for (const UnixMillis week : source.text_index().weeks()) {
    if (std::find(copied.begin(), copied.end(), week) == copied.end()) copy_week(source.text_index(), target, week);
    const std::int64_t texts = source.text_index().count(week);
    const std::int64_t here = target.text_index().count(week);
    if (texts != here) {
      throw Refusal("differs", "the index of texts differs: of one week the source has " + std::to_string(texts) +
                                   " texts, the target " + std::to_string(here) + ": empty the target and begin anew");
    }
    tell(texts);
  }
}

std::int64_t count_texts(Connection& connection) {
  std::int64_t texts = 0;
  for (const UnixMillis week : connection.text_index().weeks()) texts += connection.text_index().count(week);
  return texts;
}

}  // namespace trapline::collector::sql
