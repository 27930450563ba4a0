#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "collector/storage/sql/client_runs.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;

namespace {

constexpr UnixMillis kNow = 1795223297698;

struct Fixture {
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  ProjectId gone = store->create_project("shop", std::string(32, 'a'))->id;
  ProjectId other = store->create_project("other", std::string(32, 'b'))->id;

  DigestedEvent event(ProjectId project, int number, const std::string& fingerprint) const {
    DigestedEvent event;
    event.project_id = project;
    event.event_id = std::string(27, 'e') + std::to_string(10'000 + number);
    event.received_at = kNow;
    event.timestamp = kNow;
    event.release = "r1";
    event.environment = "prod";
    event.user = "id:" + std::to_string(number);
    event.fingerprint = fingerprint;
    event.coarse_fingerprint = "coarse " + fingerprint.substr(0, 1);
    event.title = "title";
    event.tags = {{"number", std::to_string(number)}};
    event.user_fields = {{UserField::kId, std::to_string(number)}};
    event.payload = "{}";
    return event;
  }
  void append(ProjectId project, int count) const {
    std::vector<DigestedEvent> events;
    for (int number = 0; number < count; ++number) events.push_back(event(project, number, number % 2 ? "a1" : "b2"));
    REQUIRE(store->append(events));
    const auto counts_all = [](const DigestedEvent&) { return false; };
    REQUIRE(store->append(std::vector{event(project, count, "a1"), event(project, count + 1, "a2")}, counts_all));
  }
  /// One of everything that a project can have beside events.
  void put_items(ProjectId project) const {
    const std::string id = std::to_string(project);
    const std::vector<StoredItem> items = {
        {"1-" + id, project, kNow, Attachment{std::string(32, 'e'), "f", "t", "event.attachment", "bytes"}},
        {"2-" + id, project, kNow, SessionUpdate{.sid = std::string(32, 'd'), .user = "u", .started = kNow}},
        {"3-" + id, project, kNow, SessionCounts{.started = kNow, .user = "v", .exited = 2}},
        {"4-" + id, project, kNow, UserReport{.event_id = "e", .message = "m"}},
        {"5-" + id, project, kNow, ClientLoss{kNow, "r", "error", 3}},
        {"6-" + id, project, kNow, CheckIn{.check_in_id = "c", .monitor = "m"}},
        {"7-" + id, project, kNow, Transaction{.name = "n", .started = kNow}},
        {"8-" + id, project, kNow - 2 * sql::kRunKnownFor, RunCounters{std::string(32, 'c'), "r", 1, 1, {}}},
        {"9-" + id, project, kNow, RunCounters{std::string(32, 'b'), "r", 5, 2, {{"sample_rate", 1}}}}};
    REQUIRE(store->append_items(items));
    REQUIRE(store->quarantine({0, project, std::string(32, 'f'), kNow, 3, "bad", "{}"}));
    REQUIRE(store->add_refusals(std::vector<RefusalCount>{{project, 0, "busy", 1}}));
    REQUIRE(store->set_digest_settings(project, "{}"));
  }
  /// Rows of all tables that belong to some project. `has_all`: none of them may be empty.
  std::int64_t rows(bool has_all = false) const {
    const std::set<std::string> of_no_project = {
        "account",       "sign_in_session", "welcome_link",   "api_token",     "payload_dictionary",
        "node_position", "place_epoch",     "schema_version", "move_progress", "stored_file",
        "released_file", "encryption_key",  "text_day",       "text_week",     "event_word",
        "event_phrase",  "event_day",       "event_batch",    "erasure_rest",  "report_key"};
    const auto connection = database.connect();
    std::int64_t count = 0;
    for (const std::string& table : database.tables()) {
      if (of_no_project.contains(table)) continue;
      sql::Statement rows = connection->prepare("SELECT count(*) FROM \"" + table + "\"");
      rows.step();
      if (has_all) CHECK_MESSAGE(rows.integer(0) > 0, table << " is not tested");
      count += rows.integer(0);
    }
    return count;
  }
  int sweep() const {
    int steps = 0;
    while (store->sweep_deleted_projects().value()) REQUIRE(++steps < 1'000);
    return steps;
  }
};

}  // namespace

TEST_CASE("a deleted project is gone at once, and its name is free") {
  Fixture fixture;
  fixture.append(fixture.gone, 4);
  fixture.append(fixture.other, 4);
  fixture.put_items(fixture.gone);
  const auto issue = fixture.store->find_issues({.project_id = fixture.gone})->items.at(0).id;
  REQUIRE(fixture.store->delete_project(fixture.gone));
  Store& store = *fixture.store;
  CHECK_FALSE(store.find_project(fixture.gone)->has_value());
  CHECK(store.list_projects()->size() == 1);
  CHECK_FALSE(store.find_project_by_key(std::string(32, 'a'))->has_value());
  CHECK(store.load_ingest_directory()->projects.size() == 1);
  CHECK(store.load_ingest_directory()->keys.size() == 1);
  CHECK(store.find_issues({.project_id = fixture.gone})->items.empty());
  CHECK_FALSE(store.find_issue(issue)->has_value());
  const auto issues = store.find_issues({});
  for (const Issue& shown : issues->items) CHECK(shown.project_id == fixture.other);
  CHECK(store.find_events({.issue_id = issue})->items.empty());
  const auto events = store.find_events({});
  for (const StoredEvent& shown : events->items) CHECK(shown.event.project_id == fixture.other);
  CHECK_FALSE(store.find_event(fixture.gone, fixture.event(1, 0, "").event_id)->has_value());
  CHECK(store.find_attachments(fixture.gone, std::string(32, 'e'), false)->empty());
  CHECK_FALSE(store.find_attachment(fixture.gone, "1-1")->has_value());
  CHECK(store.set_issue_state(issue, {}, "zoe").error().code == "not_found");
  CHECK(store.assign_issue(issue, "zoe", "zoe").error().code == "not_found");
  CHECK(store.set_digest_settings(fixture.gone, "{}").error().code == "not_found");
  CHECK(store.change_project(fixture.gone, [](std::string&, IngestSettings&) { return Status{}; }).error().code ==
        "not_found");
  CHECK(store.create_key({std::string(32, 'c'), "", fixture.gone}).error().code == "not_found");
  CHECK(store.delete_project(fixture.gone).error().code == "not_found");
  const auto again = store.create_project("shop", std::string(32, 'a'));
  REQUIRE(again);
  CHECK(again->id != fixture.gone);
}

TEST_CASE("nothing is left of a deleted project once it is swept, and everything of the others") {
  Fixture fixture;
  fixture.append(fixture.other, 4);
  fixture.put_items(fixture.other);
  const std::int64_t before = fixture.rows(true);
  const ProjectId gone = fixture.store->create_project("third", std::string(32, 'c'))->id;
  fixture.append(gone, 40);
  fixture.put_items(gone);
  const auto issues = fixture.store->find_issues({.project_id = gone})->items;
  REQUIRE(fixture.store->merge_issues(issues.at(0).id, std::vector{issues.at(1).id}, "zoe"));
  REQUIRE(fixture.store->delete_project(gone));
  CHECK(fixture.rows() > before);
  fixture.store = open_store(fixture.database.url()).value();  // a restart in between
  fixture.sweep();
  CHECK(fixture.rows() == before);
  CHECK_FALSE(*fixture.store->sweep_deleted_projects());
  CHECK(fixture.store->find_events({.project_id = fixture.other})->items.size() == 4);
}

TEST_CASE("a project is swept in many short steps") {
  Fixture fixture;
  fixture.append(fixture.gone, 3'000);
  REQUIRE(fixture.store->delete_project(fixture.gone));
  const std::int64_t before = fixture.rows();
  REQUIRE(*fixture.store->sweep_deleted_projects());
  const std::int64_t taken = before - fixture.rows();
  CHECK(taken > 0);
  CHECK(taken <= 1'000);
  CHECK(fixture.sweep() > 3);
}

TEST_CASE("what still comes for a deleted project is left out, and holds nothing up") {
  Fixture fixture;
  fixture.append(fixture.gone, 4);
  REQUIRE(fixture.store->delete_project(fixture.gone));
  std::vector<DigestedEvent> late = {fixture.event(fixture.gone, 1, "a1"), fixture.event(fixture.gone, 9, "new"),
                                     fixture.event(fixture.other, 1, "a1")};
  for (std::size_t index = 0; index < late.size(); ++index) late[index].sequence = static_cast<std::int64_t>(index) + 1;
  const auto outcome = fixture.store->append(late);
  REQUIRE(outcome);
  CHECK(outcome->left_out == 2);
  CHECK(outcome->stored == 1);
  CHECK(outcome->new_issues == 1);
  REQUIRE(fixture.store->quarantine({4, fixture.gone, std::string(32, 'f'), kNow, 3, "bad", "{}"}));
  fixture.put_items(fixture.other);
  const StoredItem item{"late", fixture.gone, kNow, UserReport{.message = "m"}};
  REQUIRE(fixture.store->append_items(std::span(&item, 1)));
  fixture.sweep();
  CHECK(fixture.store->find_events({})->items.size() == 1);
  CHECK(fixture.store->list_quarantine(fixture.gone)->empty());
  CHECK(fixture.store->find_ledger({.project_id = fixture.gone, .to = kNow * 2})->items.empty());
}

TEST_CASE("a project is renamed, but not to a name that is taken") {
  Fixture fixture;
  const auto rename = [&](const std::string& to) {
    return fixture.store->change_project(fixture.gone, [&](std::string& name, IngestSettings&) {
      name = to;
      return Status{};
    });
  };
  REQUIRE(rename("store"));
  CHECK(fixture.store->find_project(fixture.gone).value()->name == "store");
  CHECK(rename("other").error().code == "conflict");
  CHECK(rename("store").ok());
  const Status refused = fixture.store->change_project(fixture.gone, [](std::string& name, IngestSettings& settings) {
    name = "x";
    settings.require_signature = true;
    return Status(Error{"invalid_setting", "no"});
  });
  CHECK(refused.error().code == "invalid_setting");
  CHECK(fixture.store->find_project(fixture.gone).value()->name == "store");
  CHECK_FALSE(fixture.store->find_ingest_settings(fixture.gone)->require_signature);
}
