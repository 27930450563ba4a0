#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;

namespace {

struct Fixture {
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  ProjectId project = store->create_project("one", std::string(32, 'a'))->id;

  template <class Content>
  void put(const std::string& id, Content content) {
    const StoredItem item{id, project, 5, std::move(content)};
    REQUIRE(store->append_items(std::span(&item, 1)));
  }
  template <class Content>
  Content only(ItemKind kind) {
    const auto page = store->find_items({project, kind});
    REQUIRE(page);
    REQUIRE(page->items.size() == 1);
    return std::get<Content>(page->items[0].content);
  }
};

SessionUpdate update(SessionStatus status, std::int64_t sequence, std::int64_t errors) {
  SessionUpdate session;
  session.sid = std::string(32, 'd');
  session.status = status;
  session.sequence = sequence;
  session.errors = errors;
  session.started = 100;
  return session;
}

}  // namespace

TEST_CASE("an item that comes twice is stored once") {
  Fixture fixture;
  for (int round = 0; round < 2; ++round) {
    fixture.put("i1", Attachment{"e", "f", "t", "event.attachment", std::string("a\0b", 3)});
    fixture.put("i2", SessionCounts{.started = 1, .exited = 2});
    fixture.put("i3", ClientLoss{1, "r", "error", 3});
    fixture.put("i4", UserReport{.event_id = "e", .message = "m"});
    fixture.put("i5", Transaction{.name = "n"});
  }
  CHECK(fixture.only<Attachment>(ItemKind::kAttachment).bytes == std::string("a\0b", 3));
  CHECK(fixture.only<SessionCounts>(ItemKind::kSessions).exited == 2);
  CHECK(fixture.only<ClientLoss>(ItemKind::kClientReport).quantity == 3);
  CHECK(fixture.only<UserReport>(ItemKind::kUserReport).message == "m");
  CHECK(fixture.only<Transaction>(ItemKind::kTransaction).name == "n");
}

TEST_CASE("items are listed page by page, the newest first, each once, while others come") {
  Fixture fixture;
  const auto put = [&](int number, UnixMillis received_at) {
    const StoredItem item{"i" + std::to_string(number), fixture.project, received_at,
                          Transaction{.name = std::to_string(number)}};
    REQUIRE(fixture.store->append_items(std::span(&item, 1)));
  };
  for (int number = 0; number < 10; ++number) put(number, 100 + number / 3);  // some came in the same moment
  std::vector<std::string> names;
  ItemQuery query{fixture.project, ItemKind::kTransaction, 4};
  do {
    const auto page = fixture.store->find_items(query);
    REQUIRE(page);
    for (const StoredItem& item : page->items) names.push_back(std::get<Transaction>(item.content).name);
    query.cursor = page->next_cursor;
    put(static_cast<int>(100 + names.size()), 1'000);
  } while (!query.cursor.empty());
  CHECK(names == std::vector<std::string>{"9", "8", "7", "6", "5", "4", "3", "2", "1", "0"});
  query.cursor = "nonsense";
  CHECK(fixture.store->find_items(query).error().code == "invalid_cursor");
}

TEST_CASE("files are compressed on the disk and come back as they were") {
  Fixture fixture;
  const std::string large(2'000'000, 'x');
  fixture.put("large", Attachment{"e", "f", "t", "event.attachment", large});
  fixture.put("empty", Attachment{"e", "f", "t", "event.attachment", ""});
  const auto files = fixture.store->find_attachments(fixture.project, "e", true);
  REQUIRE(files->size() == 2);
  CHECK(std::get<Attachment>(files->at(0).content).bytes == large);
  CHECK(std::get<Attachment>(files->at(1).content).bytes.empty());
  CHECK(
      std::get<Attachment>(fixture.store->find_attachments(fixture.project, "e", false)->at(0).content).bytes.empty());
  fixture.store.reset();  // writes its log into the file
  CHECK(fixture.database.bytes() < 1'500'000);
}

TEST_CASE("updates of a session may come in any order, and the newest decides") {
  Fixture fixture;
  fixture.put("i1", update(SessionStatus::kCrashed, 3, 1));
  fixture.put("i2", update(SessionStatus::kOk, 1, 2));
  CHECK(fixture.only<SessionUpdate>(ItemKind::kSession).status == SessionStatus::kCrashed);
  CHECK(fixture.only<SessionUpdate>(ItemKind::kSession).errors == 2);
}

TEST_CASE("of two updates of one instant the one that ends the session decides") {
  for (const bool is_end_first : {true, false}) {
    Fixture fixture;
    fixture.put("i1", update(is_end_first ? SessionStatus::kExited : SessionStatus::kOk, 3, 0));
    fixture.put("i2", update(is_end_first ? SessionStatus::kOk : SessionStatus::kExited, 3, 0));
    CHECK(fixture.only<SessionUpdate>(ItemKind::kSession).status == SessionStatus::kExited);
  }
}

TEST_CASE("a closing check-in ends the open one, also when it came first") {
  for (const bool is_end_first : {true, false}) {
    Fixture fixture;
    const CheckIn open{"c", "m", CheckInStatus::kInProgress, -1, "", "", "{}"};
    const CheckIn end{"c", "m", CheckInStatus::kError, 12'000, "", "", ""};
    fixture.put("i1", is_end_first ? end : open);
    fixture.put("i2", is_end_first ? open : end);
    const auto check_in = fixture.only<CheckIn>(ItemKind::kCheckIn);
    CHECK(check_in.status == CheckInStatus::kError);
    CHECK(check_in.duration_ms == 12'000);
  }
}

TEST_CASE("items of a project that is gone are left out, the others of the batch are stored") {
  Fixture fixture;
  const std::vector<StoredItem> items = {{"i1", 99, 5, ClientLoss{1, "r", "c", 1}},
                                         {"i2", fixture.project, 5, ClientLoss{1, "r", "c", 1}}};
  REQUIRE(fixture.store->append_items(items));
  CHECK(fixture.store->find_items({fixture.project, ItemKind::kClientReport})->items.size() == 1);
}

TEST_CASE("an event's files are found by it, with their bytes or without") {
  Fixture fixture;
  fixture.put("i1", Attachment{"e", "first", "", "", "1"});
  fixture.put("i2", Attachment{"other", "x", "", "", "1"});
  fixture.put("i3", Attachment{"e", "second", "", "", ""});
  const auto files = fixture.store->find_attachments(fixture.project, "e", false);
  REQUIRE(files->size() == 2);
  CHECK(std::get<Attachment>(files->at(0).content).filename == "first");
  CHECK(std::get<Attachment>(files->at(0).content).bytes.empty());
  const auto file = fixture.store->find_attachment(fixture.project, "i1");
  REQUIRE(file->has_value());
  CHECK(std::get<Attachment>((*file)->content).bytes == "1");
  CHECK_FALSE(fixture.store->find_attachment(fixture.project + 1, "i1")->has_value());
}

TEST_CASE("a project's switches and keys are kept, and refusals add up by hour and reason") {
  Fixture fixture;
  IngestSettings settings;
  settings.require_signature = true;
  settings.allowed_origins = {"https://a", "*.b"};
  settings.allowed_ips = {"10.0.0.0/8"};
  settings.rate_limit_per_hour = kFreeRateLimitPerHour;
  const ProjectEdit set = [&](std::string& /*name*/, IngestSettings& current) {
    current = settings;
    return Status{};
  };
  REQUIRE(fixture.store->change_project(fixture.project, set));
  ProjectKey key{std::string(32, 'b'), std::string(32, 'c'), fixture.project, true, 7};
  REQUIRE(fixture.store->create_key(key));
  CHECK(fixture.store->create_key(key).error().code == "conflict");
  REQUIRE(fixture.store->change_key(key.public_key, {.is_active = false}));
  const auto directory = fixture.store->load_ingest_directory();
  REQUIRE(directory->projects.size() == 1);
  CHECK(directory->projects[0].settings.allowed_origins == settings.allowed_origins);
  CHECK(directory->projects[0].settings.allowed_ips == settings.allowed_ips);
  CHECK(directory->projects[0].settings.require_signature);
  REQUIRE(directory->keys.size() == 2);
  CHECK(directory->keys[1].secret_key == key.secret_key);
  CHECK_FALSE(directory->keys[1].is_active);
  CHECK(fixture.store->change_project(99, set).error().code == "not_found");
  CHECK(fixture.store->change_key("x", {}).error().code == "not_found");

  const std::vector<RefusalCount> counts = {
      {fixture.project, 3'600'000, "a", 2}, {fixture.project, 0, "a", 1}, {99, 0, "a", 1}};
  REQUIRE(fixture.store->add_refusals(counts));
  REQUIRE(fixture.store->add_refusals(counts));
  const auto found = fixture.store->find_refusals(fixture.project, 0, 7'200'000);
  REQUIRE(found->size() == 2);
  CHECK(found->at(1).count == 4);
}

TEST_CASE("the ledger has what was refused at the door, and what clients say they did not send of events") {
  Fixture fixture;
  constexpr UnixMillis kHour = 3'600'000;
  const RefusalCount refusal{fixture.project, 2 * kHour, "rate_limited", 4};
  REQUIRE(fixture.store->add_refusals(std::span(&refusal, 1)));
  fixture.put("i1", ClientLoss{2 * kHour + 5, "queue_overflow", "error", 3});
  fixture.put("i2", ClientLoss{2 * kHour + 9, "queue_overflow", "default", 2});
  fixture.put("i3", ClientLoss{2 * kHour, "sample_rate", "span", 100});
  fixture.put("i4", ClientLoss{2 * kHour, "rejected", "error", 4});
  fixture.put("i5", ClientLoss{4 * kHour, "queue_overflow", "error", 1});
  const auto entries = fixture.store->find_ledger({.project_id = fixture.project, .from = kHour, .to = 3 * kHour});
  REQUIRE(entries->items.size() == 2);
  CHECK(entries->next_cursor.empty());
  CHECK(entries->totals == std::map<std::string, std::int64_t>{{"not_sent", 5}, {"refused", 4}});
  CHECK(entries->items.at(0).outcome == "not_sent");
  CHECK(entries->items.at(0).reason == "queue_overflow");
  CHECK(entries->items.at(0).count == 5);
  CHECK(entries->items.at(0).hour == 2 * kHour);
  CHECK(entries->items.at(1).outcome == "refused");
  CHECK(entries->items.at(1).reason == "rate_limited");
  CHECK(entries->items.at(1).count == 4);
}

TEST_CASE("the ledger comes in pages, newest hours first, and each page has the totals of all") {
  Fixture fixture;
  constexpr UnixMillis kHour = 3'600'000;
  std::vector<DigestedEvent> events(12);
  for (std::size_t index = 0; index < events.size(); ++index) {
    events[index].project_id = fixture.project;
    events[index].event_id = std::string(30, 'e') + std::to_string(10 + index);
    events[index].received_at = static_cast<UnixMillis>(1 + index / 4) * kHour + 5;
    // One is another's beginning, and what is sorted by bytes is no word.
    events[index].release = std::vector<std::string>{"", "a", "ab", "\xC3\xA9&+%."}[index % 4];
    events[index].fingerprint = "f";
    events[index].payload = "{}";
  }
  REQUIRE(fixture.store->append(events));
  // Both are of no release: they are one line.
  fixture.put("i1", ClientLoss{2 * kHour + 5, "queue_overflow", "error", 3});
  const StoredItem run{"i2", fixture.project, 2 * kHour,
                       RunCounters{std::string(32, 'a'), "", 2, 0, {{"queue_overflow", 2}}}};
  REQUIRE(fixture.store->append_items(std::span(&run, 1)));
  LedgerQuery query{.project_id = fixture.project, .from = 0, .to = 10 * kHour};
  const auto whole = fixture.store->find_ledger(query);
  REQUIRE(whole);
  REQUIRE(whole->items.size() == 13);
  CHECK(whole->next_cursor.empty());
  const std::map<std::string, std::int64_t> totals = {{"not_sent", 5}, {"stored", 12}};
  CHECK(whole->totals == totals);
  std::string order;
  const auto told_of = [](const LedgerEntry& entry) {
    return std::to_string(entry.hour / 3'600'000) + " " + entry.release + " " + entry.outcome + " " +
           std::to_string(entry.count) + "; ";
  };
  for (const LedgerEntry& entry : whole->items) order += told_of(entry);
  CHECK(order.starts_with("3  stored 1; 3 a stored 1; 3 ab stored 1; 3 \xC3\xA9&+%. stored 1; 2  not_sent 5; "));
  for (const std::size_t limit : {1, 2, 5, 12, 13}) {
    CAPTURE(limit);
    query.limit = limit;
    query.cursor.clear();
    std::string paged;
    for (int page = 0; page < 14; ++page) {
      const auto found = fixture.store->find_ledger(query);
      REQUIRE(found);
      CHECK(found->items.size() <= limit);
      CHECK(found->totals == totals);
      for (const LedgerEntry& entry : found->items) paged += told_of(entry);
      query.cursor = found->next_cursor;
      CHECK(query.cursor.find_first_not_of("0123456789abcdef.") == std::string::npos);
      if (query.cursor.empty()) break;
    }
    CHECK(query.cursor.empty());
    CHECK(paged == order);
  }
  for (const char* cursor : {"x", "1", "1.a", "1.a.b", "x.a.b.c", "1.a.b.c.d"}) {
    query.cursor = cursor;
    CHECK(fixture.store->find_ledger(query).error().code == "invalid_cursor");
  }
}

TEST_CASE("the ledger summed by hour knows no releases, and leaves nothing out") {
  Fixture fixture;
  constexpr UnixMillis kHour = 3'600'000;
  std::vector<DigestedEvent> events(3);
  for (std::size_t index = 0; index < events.size(); ++index) {
    events[index].project_id = fixture.project;
    events[index].event_id = std::string(31, 'e') + std::to_string(index);
    events[index].received_at = kHour + 5;
    events[index].release = "r" + std::to_string(index);
    events[index].fingerprint = "f";
    events[index].payload = "{}";
  }
  REQUIRE(fixture.store->append(events));
  const RefusalCount refusal{fixture.project, kHour, "rate_limited", 4};
  REQUIRE(fixture.store->add_refusals(std::span(&refusal, 1)));
  fixture.put("i1", ClientLoss{kHour + 5, "queue_overflow", "error", 3});
  const auto entries = fixture.store->sum_ledger(fixture.project, kHour + 7, 2 * kHour);
  REQUIRE(entries);
  std::string told;
  for (const LedgerEntry& entry : *entries) {
    CHECK(entry.hour == kHour);
    told += entry.outcome + " " + entry.reason + " " + std::to_string(entry.count) + "; ";
  }
  CHECK(told == "not_sent queue_overflow 3; refused rate_limited 4; stored  3; ");
}

namespace {

constexpr UnixMillis kAnHour = 3'600'000;

/// The ledger's counts, "hour release outcome reason" -> count; hours from the epoch.
std::map<std::string, std::int64_t> ledger_of(Fixture& fixture, UnixMillis from = 0, UnixMillis to = 100 * kAnHour) {
  std::map<std::string, std::int64_t> counts;
  const auto entries = fixture.store->find_ledger({.project_id = fixture.project, .from = from, .to = to});
  REQUIRE(entries);
  CHECK(entries->next_cursor.empty());
  for (const LedgerEntry& entry : entries->items) {
    const std::string key =
        std::to_string(entry.hour / kAnHour) + ' ' + entry.release + ' ' + entry.outcome + ' ' + entry.reason;
    CHECK_FALSE(counts.contains(key));
    counts[key] = entry.count;
  }
  return counts;
}

void tell(Fixture& fixture, UnixMillis at, RunCounters counters) {
  const StoredItem item{"i", fixture.project, at, std::move(counters)};
  REQUIRE(fixture.store->append_items(std::span(&item, 1)));
}

std::string run_of(int number) { return std::string(26, 'f') + std::to_string(100'000 + number); }

using Counts = std::map<std::string, std::int64_t>;

}  // namespace

TEST_CASE("what a run has dropped stands in the hours in which it told so, the rest is unknown until it is known") {
  Fixture fixture;
  tell(fixture, 2 * kAnHour, {run_of(1), "r", 10, 4, {{"sample_rate", 3}}});
  CHECK(ledger_of(fixture) == Counts{{"2 r not_sent sample_rate", 3}, {"2 r unknown not_accounted", 3}});
  tell(fixture, 3 * kAnHour, {run_of(1), "r", 14, 8, {{"sample_rate", 4}, {"deduplicated", 1}}});
  CHECK(ledger_of(fixture) == Counts{{"2 r not_sent sample_rate", 3},
                                     {"3 r not_sent sample_rate", 1},
                                     {"3 r counted_only deduplicated", 1},
                                     {"3 r unknown not_accounted", 1}});
  tell(fixture, 4 * kAnHour, {run_of(1), "r", 14, 9, {{"sample_rate", 4}, {"deduplicated", 1}}});
  CHECK(ledger_of(fixture) ==
        Counts{{"2 r not_sent sample_rate", 3}, {"3 r not_sent sample_rate", 1}, {"3 r counted_only deduplicated", 1}});
  CHECK(ledger_of(fixture, 3 * kAnHour, 4 * kAnHour).size() == 2);
  CHECK(fixture.only<RunCounters>(ItemKind::kRunCounters).captured == 14);
}

TEST_CASE("counters that come again, late or in another order change nothing") {
  Fixture fixture;
  const RunCounters older{run_of(1), "r", 10, 4, {{"sample_rate", 3}}};
  const RunCounters newer{run_of(1), "r", 12, 6, {{"sample_rate", 5}}};
  for (const RunCounters& counters : {newer, older, newer, older}) tell(fixture, 2 * kAnHour, counters);
  tell(fixture, 5 * kAnHour, newer);
  CHECK(ledger_of(fixture) == Counts{{"2 r not_sent sample_rate", 5}, {"2 r unknown not_accounted", 1}});
}

TEST_CASE("runs of one release add up, and none fills the gap of another") {
  Fixture fixture;
  tell(fixture, kAnHour, {run_of(1), "r", 5, 2, {}});
  tell(fixture, kAnHour, {run_of(2), "r", 7, 6, {{"torn", 1}}});
  tell(fixture, kAnHour, {run_of(3), "r", 0, 50, {}});  // its recorder was lost: nobody knows what it captured
  tell(fixture, kAnHour, {run_of(4), "s", 2, 0, {}});
  tell(fixture, kAnHour, {run_of(5), "r", 4, 0, {{"torn", 1}}});
  CHECK(ledger_of(fixture) ==
        Counts{{"1 r unknown not_accounted", 6}, {"1 r not_sent torn", 2}, {"1 s unknown not_accounted", 2}});
}

TEST_CASE("a run that is silent for 30 days becomes part of the ledger, with what was open as unknown") {
  Fixture fixture;
  constexpr UnixMillis kDay = 24 * kAnHour;
  std::vector<StoredItem> items;
  for (int number = 0; number < 150; ++number) {
    items.push_back({"i", fixture.project, kAnHour + number, RunCounters{run_of(number), "r", 3, 1, {{"torn", 1}}}});
  }
  REQUIRE(fixture.store->append_items(items));
  tell(fixture, 20 * kDay, {run_of(0), "r", 4, 1, {{"torn", 1}}});
  const auto known = [&] {
    return fixture.store->find_items({fixture.project, ItemKind::kRunCounters, 10'000})->items.size();
  };
  const auto before = ledger_of(fixture, 0, 100 * kDay);
  CHECK(before ==
        Counts{{"1 r unknown not_accounted", 149}, {"1 r not_sent torn", 150}, {"480 r unknown not_accounted", 2}});
  for (int number = 200; number < 202; ++number) tell(fixture, 31 * kDay, {run_of(number), "s", 1, 1, {}});
  CHECK(known() == 3);  // those two, and the one that has told since
  CHECK(ledger_of(fixture, 0, 100 * kDay) == before);
}

TEST_CASE("a run that tells again after it was folded is not counted twice, and what is new in it is unknown") {
  Fixture fixture;
  constexpr UnixMillis kDay = 24 * kAnHour;
  const auto ledger = [&] { return ledger_of(fixture, 0, 1'000 * kDay); };
  const RunCounters first{run_of(1), "r", 10, 4, {{"torn", 3}}};
  tell(fixture, kAnHour, first);
  tell(fixture, 31 * kDay + kAnHour, {run_of(2), "s", 1, 1, {}});
  Counts counts = {{"1 r unknown not_accounted", 3}, {"1 r not_sent torn", 3}};
  CHECK(ledger() == counts);
  tell(fixture, 32 * kDay, first);
  tell(fixture, 32 * kDay, {run_of(1), "r", 8, 2, {{"torn", 1}}});
  CHECK(ledger() == counts);
  // Two more captured, of which one was dropped.
  const RunCounters second{run_of(1), "r", 12, 4, {{"torn", 4}}};
  counts["768 r unknown told_late"] = 2;
  for (int times = 0; times < 2; ++times) {
    tell(fixture, 32 * kDay, second);
    CHECK(ledger() == counts);
  }
  // What has arrived is counted where it is stored.
  tell(fixture, 33 * kDay, {run_of(1), "r", 14, 12, {{"torn", 4}}});
  CHECK(ledger() == counts);
  // It is known for a year after it told something, and no longer.
  tell(fixture, 300 * kDay, {run_of(3), "s", 1, 1, {}});
  tell(fixture, 390 * kDay, second);
  CHECK(ledger() == counts);
  tell(fixture, 430 * kDay, {run_of(4), "s", 1, 1, {}});
  CHECK(ledger() == counts);
  tell(fixture, 800 * kDay, {run_of(5), "s", 1, 1, {}});
  tell(fixture, 800 * kDay, second);
  counts["19200 r unknown not_accounted"] = 4;
  counts["19200 r not_sent torn"] = 4;
  CHECK(ledger() == counts);
}
