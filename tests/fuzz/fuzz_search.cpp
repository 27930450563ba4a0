/// Any text is a search or an error, every search is good SQL that finds nothing among events that have nothing of what
/// is searched for, and every place of a text can be completed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/open_store.h"
#include "collector/storage/search_completion.h"
#include "collector/storage/search_parser.h"
#include "tests/support/temporary_folder.h"

using namespace trapline::collector;

namespace {

/// A project without an issue, but with a day of texts.
std::unique_ptr<Store> make_store(const std::string& path) {
  auto store = open_store("sqlite:" + path).value();
  if (!store->create_project("p", std::string(32, 'a'))) std::abort();
  DigestedEvent event;
  event.project_id = 1;
  event.event_id = std::string(32, 'a');
  event.received_at = event.timestamp = 1795223297698;
  event.title = event.fingerprint = "gone";
  event.payload = "{}";
  event.texts = {"some words"};
  event.tags = {{"shop", "Oslo"}};
  if (!store->append(std::vector{event}) || !store->delete_project(1)) std::abort();
  if (!store->create_project("p", std::string(32, 'a'))) std::abort();
  return store;
}

void complete(Store& store, std::string_view text, std::size_t cursor) {
  const CompletionPlace place = find_completion_place(text, cursor);
  if (place.from > cursor || place.to < cursor || place.to > text.size()) std::abort();
  CompletionQuery query;
  query.of = static_cast<CompletionQuery::Of>(cursor % 6);
  query.key = place.tag;
  query.prefix = place.prefix;
  if (!store.complete_search(query)) std::abort();
  // What is offered is what is meant.
  const auto key = written_tag_key(place.tag);
  if (!key || place.prefix.empty()) return;
  const auto search = parse_search(*key + ":" + written_value(place.prefix), {});
  if (search && (search->term.key != place.tag || search->term.text != place.prefix)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const trapline::tests::TemporaryFolder folder;
  static const auto store = make_store(folder.path("t.db"));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  complete(*store, text, size == 0 ? 0 : data[size - 1] % (size + 1));
  const auto search = parse_search(text, {1795223297698, "ada@example.com"});
  if (!search) {
    if (search.error().code != "invalid_query" || search.error().message.empty()) std::abort();
    return 0;
  }
  IssueQuery query;
  query.search = *search;
  const auto page = store->find_issues(query);
  if (!page || !page->items.empty()) std::abort();
  return 0;
}
