#include "collector/storage/sql/text_copy.h"

#include <algorithm>
#include <string>

#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/text_index.h"

namespace trapline::collector::sql {
namespace {

void copy_day(TextIndex& source, Connection& target, core::UnixMillis day) {
  Transaction transaction(target);
  source.read(day, [&](std::int64_t hash_id, std::string_view words) { target.text_index().add(day, hash_id, words); });
  transaction.commit();
}

}  // namespace

void copy_texts(Connection& source, Connection& target, const std::function<void(std::int64_t texts)>& tell) {
  const auto copied = target.text_index().days();
  for (const core::UnixMillis day : source.text_index().days()) {
    if (std::find(copied.begin(), copied.end(), day) == copied.end()) copy_day(source.text_index(), target, day);
    const std::int64_t texts = source.text_index().count(day);
    const std::int64_t here = target.text_index().count(day);
    if (texts != here) {
      throw Refusal("differs", "the index of texts differs: of one day the source has " + std::to_string(texts) +
                                   " texts, the target " + std::to_string(here) + ": empty the target and begin anew");
    }
    tell(texts);
  }
}

std::int64_t count_texts(Connection& connection) {
  std::int64_t texts = 0;
  for (const core::UnixMillis day : connection.text_index().days()) texts += connection.text_index().count(day);
  return texts;
}

}  // namespace trapline::collector::sql
