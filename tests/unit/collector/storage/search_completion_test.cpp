#include "collector/storage/search_completion.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "collector/storage/search_parser.h"
#include "tests/support/manual_clock.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using Of = CompletionQuery::Of;

namespace {

constexpr UnixMillis kNow = 1795223297698;

/// The place at the '|' of a text, with what it replaces in angle brackets.
struct Marked {
  CompletionPlace place;
  std::string text;
};

Marked mark(std::string text) {
  const std::size_t cursor = text.find('|');
  text.erase(cursor, 1);
  const CompletionPlace place = find_completion_place(text, cursor);
  text.insert(place.to, "}");
  text.insert(place.from, "{");
  return {place, text};
}

}  // namespace

TEST_CASE("the word at the cursor is a key or a value, and what is replaced is all of it") {
  struct Case {
    std::string text;
    std::string replaced;
    std::string prefix;
    std::string key;  ///< of a value
  };
  for (const Case& one : {
           Case{"|", "{}", "", ""},
           Case{"rel|", "{rel}", "rel", ""},
           Case{"rel|ease:1 x", "{release:}1 x", "rel", ""},
           Case{"slow !rel|", "slow !{rel}", "rel", ""},
           Case{"(-rel|)", "(-{rel})", "rel", ""},
           Case{"{a:b| c", "{{a:b} c", "{a:b", ""},
           Case{"level:|", "level:{}", "", "level"},
           Case{"level:>=e|rror x", "level:>={error} x", "e", "level"},
           Case{"level:[error, wa|]", "level:[error, {wa}]", "wa", "level"},
           Case{"level:!e|", "level:!{e}", "e", "level"},
           Case{"browser:\"Chrome 1|", "browser:{\"Chrome 1}", "Chrome 1", "browser"},
           Case{"browser:\"Chr|ome 1\" x", "browser:{\"Chrome 1\"} x", "Chr", "browser"},
           Case{"tags[my key]:a|", "tags[my key]:{a}", "a", "my key"},
           Case{"\"quoted: |", "{\"quoted: }", "\"quoted: ", ""},
           Case{"has:br|", "has:{br}", "br", "has"},
           Case{"user.email:a@|", "user.email:{a@}", "a@", "user.email"},
       }) {
    CAPTURE(one.text);
    const Marked marked = mark(one.text);
    CHECK(marked.text == one.replaced);
    CHECK(marked.place.prefix == one.prefix);
    CHECK(marked.place.tag == one.key);
    CHECK(marked.place.is_value == !one.key.empty());
  }
}

TEST_CASE("a tag's key and a value are written as the parser reads them") {
  for (const std::string key : {"browser", "my key", "level", "levle", "-x", "a.b-c", "q\"uote", "enviroment"}) {
    for (const std::string value :
         {"x", "Chrome 1", "a\"b\\c", ">1", "!x", "[a", "a,b", "a]b", "(x)", "st*r", "me", "::x", "//h", "/p"}) {
      CAPTURE(key);
      CAPTURE(value);
      const auto search = parse_search(*written_tag_key(key) + ":" + written_value(value), {});
      REQUIRE(search);
      REQUIRE(search->kind == SearchNode::Kind::kTerm);
      CHECK(search->term.field == SearchField::kTag);
      CHECK(search->term.key == key);
      CHECK(search->term.text == value);
      CHECK(search->term.comparison == SearchOperator::kEqual);
    }
  }
  CHECK(written_tag_key("browser") == "browser");
  CHECK(written_tag_key("level") == "tags[level]");
  CHECK_FALSE(written_tag_key("a]b"));
}

TEST_CASE("values are offered as they are stored") {
  trapline::tests::ManualClock clock{kNow};
  trapline::tests::TestDatabase database;
  const auto store = open_store(database.url(), clock).value();
  REQUIRE(store->create_project("p", std::string(32, 'a')));
  REQUIRE(store->create_project("q", std::string(32, 'b')));
  std::vector<DigestedEvent> events;
  for (int number = 0; number < 30; ++number) {
    DigestedEvent& event = events.emplace_back();
    event.project_id = number == 29 ? 2 : 1;
    event.event_id = std::string(30, 'a') + std::to_string(10 + number);
    event.received_at = event.timestamp = kNow + number;
    event.fingerprint = event.title = "issue " + std::to_string(number % 3);
    event.payload = "{}";
    event.release = "shop@1." + std::to_string(number % 7);
    event.environment = number % 2 == 0 ? "prod" : "test";
    event.tags = {{"browser", number < 20 ? "Chrome" : number < 25 ? "Chromium" : "Firefox"}};
    if (number == 29) event.tags.emplace_back("b_only", "%");
    event.user = "id:" + std::to_string(number);
    event.user_fields = {{UserField::kEmail, "user" + std::to_string(number) + "@example.com"}};
  }
  REQUIRE(store->append(events));
  IssueQuery all;
  REQUIRE(store->assign_issue(store->find_issues(all)->items.at(0).id, "ada@example.com", ""));
  using Texts = std::vector<std::string>;
  const auto complete = [&](CompletionQuery query) { return store->complete_search(query).value(); };
  CHECK(complete({.of = Of::kTagKeys}) == Texts{"b_only", "browser"});
  CHECK(complete({.of = Of::kTagKeys, .project_id = 1, .prefix = "B"}) == Texts{"browser"});
  CHECK(complete({.of = Of::kTagKeys, .prefix = "b_"}) == Texts{"b_only"});
  // In the order of how many issues have it.
  CHECK(complete({.of = Of::kTagValues, .key = "browser"}) == Texts{"Firefox", "Chrome", "Chromium"});
  CHECK(complete({.of = Of::kTagValues, .project_id = 2, .key = "browser", .prefix = "chr"}).empty());
  CHECK(complete({.of = Of::kTagValues, .key = "browser", .prefix = "chr", .limit = 1}) == Texts{"Chrome"});
  CHECK(complete({.of = Of::kReleases, .project_id = 1, .limit = 2}) == Texts{"shop@1.6", "shop@1.5"});
  CHECK(complete({.of = Of::kReleases, .prefix = "SHOP@1.3"}) == Texts{"shop@1.3"});
  CHECK(complete({.of = Of::kEnvironments}) == Texts{"prod", "test"});
  CHECK(complete({.of = Of::kAssignees, .prefix = "a"}) == Texts{"ada@example.com"});
  CHECK(complete({.of = Of::kUsers, .project_id = 1, .prefix = "user2", .limit = 2}) ==
        Texts{"user20@example.com", "user21@example.com"});
  CHECK(complete({.of = Of::kUsers, .user_field = static_cast<int>(UserField::kId)}).empty());
}

TEST_CASE("an issue tells which values its tags have, the most seen first") {
  trapline::tests::TestDatabase database;
  const auto store = open_store(database.url()).value();
  REQUIRE(store->create_project("p", std::string(32, 'a')));
  std::vector<DigestedEvent> events;
  for (int number = 0; number < 30; ++number) {
    DigestedEvent& event = events.emplace_back();
    event.project_id = 1;
    event.event_id = std::string(30, 'a') + std::to_string(10 + number);
    event.received_at = event.timestamp = kNow + number;
    event.fingerprint = event.title = "issue";
    event.payload = "{}";
    event.tags = {{"browser", number < 20 ? "Chrome" : "Firefox"}, {"shop", std::to_string(number)}};
  }
  REQUIRE(store->append(events));
  const IssueId issue = store->find_issues({})->items.at(0).id;
  const auto tags = store->list_issue_tags(issue);
  REQUIRE(tags);
  REQUIRE(tags->size() == 2);
  const IssueTag& browser = tags->at(0);
  CHECK(browser.key == "browser");
  CHECK(browser.value_count == 2);
  REQUIRE(browser.values.size() == 2);
  CHECK(browser.values[0].value == "Chrome");
  CHECK(browser.values[0].count == 20);
  CHECK(browser.values[0].last_seen == kNow + 19);
  CHECK(tags->at(1).value_count == 30);
  CHECK(tags->at(1).values.size() == 10);
  CHECK(store->list_issue_tags(999)->empty());
}
