/// GET /api/v1/issues/export and /api/v1/events/export, up to where their answers are sent.

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/http/api_routes.h"
#include "collector/http/body_source.h"
#include "collector/http/dispatcher.h"
#include "collector/storage/open_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using nlohmann::json;

namespace {

constexpr UnixMillis kNow = 1795223297698;  // 2026-11-21T01:08:17.698Z

struct Exported {
  HttpReply reply;
  std::string text;
  std::size_t pieces = 1;
  std::size_t largest_piece = 0;
};

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  trapline::tests::TestDatabase database;
  trapline::tests::ManualClock clock{kNow};
  std::unique_ptr<Store> store = open_store(database.url(), clock).value();
  std::unique_ptr<Spool> spool = Spool::open(folder.path("s")).value();
  Intake intake{*store, *spool, {}};
  Accounts accounts{*store};
  std::unique_ptr<Dispatcher> dispatcher;
  std::string token = accounts.create_token("ci", TokenScope::kRead).value();
  int made = 0;

  Fixture() {
    REQUIRE(store->create_project("shop", std::string(32, 'a')));
    Router router;
    add_api_routes(router, {*store, accounts, std::make_shared<std::string>("http://h"), nullptr, clock});
    dispatcher = std::make_unique<Dispatcher>(std::move(router), intake, std::vector<AddressRange>{}, 0);
  }

  DigestedEvent event(const std::string& fingerprint) {
    DigestedEvent event;
    event.project_id = 1;
    event.event_id = std::string(24, 'a') + std::to_string(10'000'000 + ++made);
    event.received_at = kNow + made;
    event.timestamp = kNow;
    event.fingerprint = fingerprint;
    event.title = fingerprint;
    event.environment = "prod";
    event.payload = R"({"n":)" + std::to_string(made) + "}";
    return event;
  }
  void append(const std::vector<DigestedEvent>& events) const { REQUIRE(store->append(events)); }

  HttpReply ask(const std::string& target) const {
    RequestHead head{.method = "GET", .target = target};
    head.headers["authorization"] = "Bearer " + token;
    return dispatcher->answer(head, "", "127.0.0.1");
  }
  Exported run(const std::string& target) const {
    Exported result{.reply = ask(target)};
    CHECK_MESSAGE(result.reply.status == 200, result.reply.body);
    result.text = result.reply.body;
    result.largest_piece = result.text.size();
    bool is_last = result.reply.rest == nullptr;
    while (!is_last) {
      const auto piece = result.reply.rest->next();
      REQUIRE(piece);
      result.text += piece->bytes;
      result.largest_piece = std::max(result.largest_piece, piece->bytes.size());
      ++result.pieces;
      is_last = piece->is_last;
    }
    return result;
  }
  std::vector<json> lines(const std::string& target) const {
    const std::string text = run(target).text;
    std::vector<json> lines;
    for (std::size_t start = 0; start < text.size(); start = text.find('\n', start) + 1) {
      lines.push_back(json::parse(text.substr(start, text.find('\n', start) - start)));
    }
    return lines;
  }
};

std::set<std::string> titles(const std::vector<json>& lines) {
  std::set<std::string> titles;
  for (const json& line : lines) titles.insert(line["title"]);
  return titles;
}

}  // namespace

TEST_CASE("all events are exported once, as the API shows them, in pieces of the same size however many there are") {
  Fixture fixture;
  std::size_t largest_of_few = 0;
  for (const int count : {300, 1'500}) {
    std::vector<DigestedEvent> events;
    for (int number = 0; number < count; ++number) {
      events.push_back(fixture.event("f" + std::to_string(number % 7)));
      events.back().payload = R"({"text":")" + std::string(2'000, 'x') + "\"}";
    }
    fixture.append(events);
    const Exported all = fixture.run("/api/v1/events/export");
    CHECK(std::count(all.text.begin(), all.text.end(), '\n') == fixture.made);
    CHECK(all.pieces > static_cast<std::size_t>(fixture.made) / 100);
    if (largest_of_few == 0) largest_of_few = all.largest_piece;
    CHECK(all.largest_piece <= largest_of_few);
    CHECK(all.reply.content_type == "application/x-ndjson");
  }
  std::set<std::string> ids;
  for (const json& line : fixture.lines("/api/v1/events/export")) ids.insert(line["event_id"]);
  CHECK(ids.size() == 1'800);
  const json newest = fixture.lines("/api/v1/events/export")[0];
  CHECK(newest == json::parse(fixture.ask("/api/v1/events?limit=1").body)["items"][0]);
}

TEST_CASE("large payloads make a piece longer by one page of few, not of many") {
  Fixture fixture;
  std::vector<DigestedEvent> events;
  for (int number = 0; number < 60; ++number) {
    events.push_back(fixture.event("f"));
    events.back().payload = R"({"text":")" + std::string(300'000, 'x') + "\"}";
  }
  fixture.append(events);
  const Exported all = fixture.run("/api/v1/events/export");
  CHECK(all.text.size() > 60 * 300'000);
  CHECK(all.largest_piece < 11 * 301'000);
  CHECK(all.pieces > 40);
}

TEST_CASE("all issues are exported once, with their environments, also when some count on meanwhile") {
  Fixture fixture;
  std::vector<DigestedEvent> events;
  for (int number = 0; number < 450; ++number) events.push_back(fixture.event("f" + std::to_string(number)));
  fixture.append(events);
  const HttpReply reply = fixture.ask("/api/v1/issues/export");
  std::string text = reply.body;
  REQUIRE(reply.rest);
  // Those that are still to come are seen again, and so are now before those that were exported.
  for (int number = 0; number < 200; ++number) {
    DigestedEvent again = fixture.event("f" + std::to_string(number));
    again.timestamp += 1'000;
    fixture.append({again});
  }
  for (bool is_last = false; !is_last;) {
    const auto piece = reply.rest->next();
    REQUIRE(piece);
    text += piece->bytes;
    is_last = piece->is_last;
  }
  std::set<std::string> ids;
  std::size_t lines = 0;
  for (std::size_t start = 0; start < text.size(); start = text.find('\n', start) + 1, ++lines) {
    const json issue = json::parse(text.substr(start, text.find('\n', start) - start));
    ids.insert(issue["id"]);
    CHECK(issue["environments"] == json{"prod"});
  }
  CHECK(ids.size() == 450);
  CHECK(lines == 450);
}

TEST_CASE("exports take the filters of the lists") {
  Fixture fixture;
  std::vector<DigestedEvent> events;
  for (const char* title : {"alpha", "beta", "beta", "gamma"}) events.push_back(fixture.event(title));
  events[1].level = Level::kFatal;
  events[1].release = "2.0";
  events[3].environment = "test";
  fixture.append(events);
  REQUIRE(fixture.store->create_project("other", std::string(32, 'b')));
  DigestedEvent elsewhere = fixture.event("delta");
  elsewhere.project_id = 2;
  fixture.append({elsewhere});
  const auto issues = [&](const std::string& filter) {
    return titles(fixture.lines("/api/v1/issues/export?" + filter));
  };
  using Titles = std::set<std::string>;
  CHECK(issues("").size() == 4);
  CHECK(issues("project=2") == Titles{"delta"});
  CHECK(issues("query=title:al*") == Titles{"alpha"});
  CHECK(issues("environment=test") == Titles{"gamma"});
  CHECK(issues("release=2.0") == Titles{"beta"});
  CHECK(issues("status=resolved").empty());
  CHECK(issues("from=2030-01-01T00:00:00Z").empty());

  const auto count = [&](const std::string& filter) { return fixture.lines("/api/v1/events/export?" + filter).size(); };
  CHECK(count("") == 5);
  CHECK(count("project=1") == 4);
  CHECK(count("level=fatal") == 1);
  CHECK(count("environment=test") == 1);
  CHECK(count("release=2.0&format=ndjson") == 1);
  CHECK(count("query=title:beta") == 2);
  CHECK(count("query=title:beta&level=fatal") == 1);
  CHECK(count("query=is:resolved") == 0);
  CHECK(count("status=unresolved&project=2") == 1);
  CHECK(count("from=2026-11-21T01:08:17.700Z&to=2026-11-21T01:08:17.702Z") == 2);
  const std::string beta = fixture.lines("/api/v1/issues/export?query=title:beta")[0]["id"];
  CHECK(count("issue=" + beta) == 2);
  CHECK(count("issue=" + beta + "&query=title:beta") == 2);
  CHECK(count("issue=" + beta + "&query=title:alpha") == 0);
}

TEST_CASE("a CSV export is a file with a first line, also when there is nothing in it") {
  Fixture fixture;
  const Exported nothing = fixture.run("/api/v1/issues/export?format=csv");
  CHECK(nothing.text.starts_with("id,project_id,project,"));
  CHECK(nothing.text.ends_with("\r\n"));
  CHECK(nothing.reply.rest == nullptr);
  CHECK(nothing.reply.content_type == "text/csv; charset=utf-8");
  using Header = std::pair<std::string, std::string>;
  const Header as_file{"Content-Disposition", "attachment; filename=\"trapline-issues-2026-11-21.csv\""};
  CHECK(std::count(nothing.reply.headers.begin(), nothing.reply.headers.end(), as_file) == 1);
  fixture.append({fixture.event("=1+1")});
  const std::string text = fixture.run("/api/v1/events/export?format=csv").text;
  CHECK(text.find(",shop,1,2026-11-21T01:08:17.699Z,2026-11-21T01:08:17.698Z,error,'=1+1,") != std::string::npos);
}

TEST_CASE("an export that cannot be made is refused before it begins") {
  Fixture fixture;
  for (const char* parameters : {"format=xml", "project=x", "level=loud", "status=gone", "from=yesterday",
                                 "query=level:loud", "query=assigned:me", "issue=x"}) {
    CAPTURE(parameters);
    CHECK(fixture.ask(std::string("/api/v1/events/export?") + parameters).status == 400);
  }
  fixture.token = "made up";
  CHECK(fixture.ask("/api/v1/events/export").status == 401);
  CHECK(fixture.ask("/api/v1/issues/export").status == 401);
}
