/// Any text is a search or an error, and every search is good SQL that finds nothing in an empty database.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collector/storage/open_store.h"
#include "collector/storage/search_parser.h"
#include "tests/support/temporary_folder.h"

using namespace trapline::collector;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const trapline::tests::TemporaryFolder folder;
  static const auto store = open_store("sqlite:" + folder.path("t.db")).value();
  const auto search = parse_search({reinterpret_cast<const char*>(data), size}, {1795223297698, "ada@example.com"});
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
