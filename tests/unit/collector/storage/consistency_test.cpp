/// Each kind of fault, made by SQL beside the store, is found, mended, and found no more.

#include "collector/storage/consistency.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "collector/storage/search_parser.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;

namespace {

constexpr UnixMillis kNow = 1795223297698;

struct Fixture {
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  ProjectId project = store->create_project("shop", std::string(32, 'a'))->id;

  DigestedEvent event(int number, const std::string& fingerprint) const {
    DigestedEvent event;
    event.project_id = project;
    event.event_id = std::string(27, 'e') + std::to_string(10'000 + number);
    event.received_at = kNow + number;
    event.timestamp = kNow - number * 600'000;
    event.release = "r" + std::to_string(number % 2);
    event.environment = "prod";
    event.user = "id:" + std::to_string(number % 4);
    event.fingerprint = fingerprint;
    event.coarse_fingerprint = "coarse " + fingerprint;
    event.title = "title of " + fingerprint;
    event.tags = {{"number", std::to_string(number)}, {"shop", "Oslo"}};
    event.user_fields = {{UserField::kId, std::to_string(number % 4)}};
    event.occurrences = 1 + number % 3;
    event.payload = R"({"n":)" + std::to_string(number) + "}";
    return event;
  }
  /// Issues "a", "b" and "c", ten kept events each and one that was only counted.
  Fixture() {
    int number = 0;
    for (const std::string fingerprint : {"a", "b", "c"}) {
      std::vector<DigestedEvent> events;
      for (int count = 0; count < 10; ++count) events.push_back(event(number++, fingerprint));
      REQUIRE(store->append(events));
      const auto counts_only = [](const DigestedEvent&) { return false; };
      REQUIRE(store->append(std::vector{event(number++, fingerprint)}, counts_only));
    }
  }

  /// Beside the store, and without its rules.
  void run(const std::string& sql) const {
    const auto connection = database.connect();
    connection->execute(trapline::tests::is_on_postgres() ? "SET session_replication_role = replica"
                                                          : "PRAGMA foreign_keys = OFF");
    connection->execute(sql);
  }
  std::int64_t number(const std::string& sql) const {
    const auto connection = database.connect();
    sql::Statement statement = connection->prepare(sql);
    REQUIRE(statement.step());
    return statement.integer(0);
  }
  CheckReport check(bool repairs = false, bool is_deep = true) const {
    const auto report = check_store(database.url(), {.repairs = repairs, .is_deep = is_deep});
    REQUIRE_MESSAGE(report.ok(), (report.ok() ? "" : report.error().message));
    return *report;
  }
  std::int64_t hash(const std::string& fingerprint) const {
    return number("SELECT id FROM issue_hash WHERE kind = 0 AND hash = '" + fingerprint + "'");
  }
  IssueId issue(const std::string& fingerprint) const {
    return number("SELECT issue_id FROM issue_hash WHERE kind = 0 AND hash = '" + fingerprint + "'");
  }
};

std::string words_of(const CheckReport& report) {
  std::string words;
  for (const CheckFinding& finding : report.findings) {
    if (finding.faults == 0) continue;
    words +=
        finding.what + ": " + std::to_string(finding.faults) + " faults, " + std::to_string(finding.mended) + " mended";
    for (const std::string& example : finding.examples) words += " [" + example + "]";
    words += "\n";
  }
  return words;
}

/// The fault is found under its name, and after one repair nothing is.
void check_mending(const Fixture& fixture, const std::string& what) {
  const CheckReport found = fixture.check();
  std::int64_t faults = 0;
  for (const CheckFinding& finding : found.findings) {
    if (finding.what != what) continue;
    faults = finding.faults;
    CHECK(finding.examples.size() == static_cast<std::size_t>(std::min<std::int64_t>(faults, 5)));
  }
  CHECK_MESSAGE(faults > 0, what << " was not found, but:\n" << words_of(found));
  const CheckReport mended = fixture.check(true);
  CHECK_MESSAGE(mended.left() == 0, words_of(mended));
  CHECK(mended.faults() > 0);
  const CheckReport after = fixture.check();
  CHECK_MESSAGE(after.faults() == 0, words_of(after));
}

}  // namespace

TEST_CASE("a store has no faults: not after events, merges, unmerges, and while and after a project is swept") {
  const Fixture fixture;
  const auto check_clean = [&] {
    const CheckReport report = fixture.check();
    CHECK_MESSAGE(report.faults() == 0, words_of(report));
    CHECK(report.findings.size() > 10);
  };
  check_clean();
  Store& store = *fixture.store;
  REQUIRE(store.merge_issues(fixture.issue("a"), std::vector{fixture.issue("b"), fixture.issue("c")}, "zoe"));
  check_clean();
  REQUIRE(store.unmerge_hashes(fixture.issue("a"), std::vector{fixture.hash("b")}, "zoe"));
  check_clean();
  REQUIRE(store.append(std::vector{fixture.event(100, "b"), fixture.event(101, "d")}));
  check_clean();
  std::vector<DigestedEvent> many;
  for (int number = 200; number < 2'500; ++number)
    many.push_back(fixture.event(number, "m" + std::to_string(number % 700)));
  REQUIRE(store.append(many));
  check_clean();
  REQUIRE(store.delete_project(fixture.project));
  for (int step = 0; store.sweep_deleted_projects().value(); ++step) {
    REQUIRE(step < 1'000);
    check_clean();
  }
  check_clean();
}

TEST_CASE("a count of kept events that is wrong is counted anew, what was seen is only raised") {
  const Fixture fixture;
  const std::int64_t seen = fixture.number("SELECT count FROM issue_hash WHERE kind = 0 AND hash = 'a'");
  fixture.run("UPDATE issue_hash SET stored_count = 3 WHERE kind = 0 AND hash = 'a'");
  fixture.run("UPDATE issue_hash SET count = 2 WHERE kind = 0 AND hash = 'b'");
  check_mending(fixture, "counts of group hashes against their events");
  CHECK(fixture.number("SELECT stored_count FROM issue_hash WHERE kind = 0 AND hash = 'a'") == 10);
  CHECK(fixture.number("SELECT count FROM issue_hash WHERE kind = 0 AND hash = 'a'") == seen);
  CHECK(fixture.number("SELECT count FROM issue_hash WHERE kind = 0 AND hash = 'b'") >= 10);
}

TEST_CASE("hours that do not add up to the count are filled, or the count is raised") {
  const Fixture fixture;
  fixture.run("UPDATE hash_hour SET count = count + 100 WHERE hash_id = " + std::to_string(fixture.hash("a")));
  fixture.run("DELETE FROM hash_hour WHERE hash_id = " + std::to_string(fixture.hash("b")));
  check_mending(fixture, "counts of group hashes against their hours");
}

TEST_CASE("times outside of a hash's hours are brought into them") {
  const Fixture fixture;
  fixture.run("UPDATE issue_hash SET first_seen = 5 WHERE kind = 0 AND hash = 'a'");
  fixture.run("UPDATE issue_hash SET last_seen = last_seen + 86400000 WHERE kind = 0 AND hash = 'b'");
  check_mending(fixture, "times of group hashes against their hours");
}

TEST_CASE("an issue's counts and times are those of its hashes") {
  const Fixture fixture;
  fixture.run("UPDATE issue SET count = count + 1 WHERE id = " + std::to_string(fixture.issue("a")));
  fixture.run("UPDATE issue SET first_seen = first_seen - 1 WHERE id = " + std::to_string(fixture.issue("b")));
  check_mending(fixture, "counts and times of issues against their group hashes");
}

TEST_CASE("an issue's users are counted anew") {
  const Fixture fixture;
  fixture.run("UPDATE issue SET user_count = 99");
  check_mending(fixture, "users of issues");
  CHECK(fixture.store->find_issue(fixture.issue("a")).value()->user_count == 4);
}

TEST_CASE("events of a hash that is gone get an issue of their own, and so do those that come for it later") {
  const Fixture fixture;
  const std::int64_t lost = fixture.hash("a");
  const IssueId before = fixture.issue("a");
  fixture.run("DELETE FROM issue_hash WHERE id = " + std::to_string(lost));
  check_mending(fixture, "events of group hashes that are not there");
  CHECK(fixture.number("SELECT count(*) FROM event") == 30);
  const IssueId made = fixture.issue("recovered-" + std::to_string(lost));
  CHECK(made != before);
  CHECK(fixture.store->find_events({.issue_id = made})->items.size() == 10);
  CHECK(fixture.store->find_issue(made).value()->title == "title of a");
  CHECK(fixture.store->find_issue(made).value()->user_count == 4);
  // The store remembered where the hash led.
  REQUIRE(fixture.store->append(std::vector{fixture.event(100, "a")}));
  const CheckReport after = fixture.check();
  CHECK_MESSAGE(after.faults() == 0, words_of(after));
}

TEST_CASE("an issue that hashes lead to and that is gone is made again from its events") {
  const Fixture fixture;
  const Issue before = *fixture.store->find_issue(fixture.issue("a")).value();
  fixture.run("DELETE FROM issue WHERE id = " + std::to_string(before.id));
  check_mending(fixture, "group hashes of issues that are not there");
  const Issue after = *fixture.store->find_issue(before.id).value();
  CHECK(after.title == before.title);
  CHECK(after.count == before.count);
  CHECK(after.user_count == before.user_count);
  CHECK(after.first_seen == before.first_seen);
}

TEST_CASE("an issue without a hash goes, with its history") {
  const Fixture fixture;
  const IssueId gone = fixture.issue("a");
  fixture.run("UPDATE issue_hash SET issue_id = " + std::to_string(fixture.issue("b")) +
              " WHERE kind = 0 AND hash = 'a'");
  check_mending(fixture, "issues without a group hash");
  CHECK_FALSE(fixture.store->find_issue(gone).value().has_value());
  // Its coarse hash went where the fine one went.
  CHECK(fixture.number("SELECT issue_id FROM issue_hash WHERE hash = 'coarse a'") == fixture.issue("b"));
}

TEST_CASE("a coarse hash that is not there is named no more") {
  const Fixture fixture;
  fixture.run("DELETE FROM issue_hash WHERE hash = 'coarse a'");
  check_mending(fixture, "coarse hashes that are not there");
}

TEST_CASE("what is left of hashes and issues that are not there goes") {
  const Fixture fixture;
  SUBCASE("hours") {
    fixture.run("INSERT INTO hash_hour (hash_id, hour, count) VALUES (777, 0, 1), (778, 0, 1)");
    check_mending(fixture, "hours of group hashes that are not there");
  }
  SUBCASE("users") {
    fixture.run("INSERT INTO hash_user (hash_id, \"user\") VALUES (777, 1), (777, 2)");
    check_mending(fixture, "users of group hashes that are not there");
  }
  SUBCASE("presences") {
    fixture.run("INSERT INTO hash_presence SELECT 777, release_id, environment_id, 1, 1, 1 FROM hash_presence LIMIT 1");
    check_mending(fixture, "releases and environments of group hashes that are not there");
  }
  SUBCASE("tags") {
    fixture.run("INSERT INTO hash_tag SELECT 777, tag_id, 1, 1 FROM hash_tag LIMIT 1");
    check_mending(fixture, "tags of group hashes that are not there");
  }
  SUBCASE("names of tags") {
    fixture.run("DELETE FROM tag WHERE key = 'number'");
    check_mending(fixture, "tags that are not there");
    CHECK(fixture.number("SELECT count(*) FROM hash_tag_key WHERE key = 'number'") == 0);
  }
  SUBCASE("history") {
    fixture.run("INSERT INTO issue_history (issue_id, at, kind, actor, details) VALUES (777, 1, 'new', '', '{}')");
    check_mending(fixture, "history of issues that are not there");
  }
  SUBCASE("sign-ins") {
    fixture.run("INSERT INTO sign_in_session (session_hash, account_id, expires_at) VALUES ('h', 777, 1)");
    check_mending(fixture, "sign-ins of accounts that are not there");
  }
}

TEST_CASE("what the database derives of group hashes is derived again where it is wrong") {
  const Fixture fixture;
  SUBCASE("a key is missing") { fixture.run("DELETE FROM hash_tag_key WHERE key = 'shop'"); }
  SUBCASE("a key is too much") { fixture.run("INSERT INTO hash_tag_key SELECT id, 'nobody', 1 FROM issue_hash"); }
  SUBCASE("an environment is missing") { fixture.run("DELETE FROM hash_environment"); }
  SUBCASE("an environment is too much") { fixture.run("INSERT INTO hash_environment SELECT id, 777 FROM issue_hash"); }
  SUBCASE("a tag is missing in the server's own table") {
    if (!trapline::tests::is_on_postgres()) return;
    fixture.run("DELETE FROM tagged_hash");
  }
  check_mending(fixture, "keys of tags, and environments, of group hashes");
  for (const char* text : {"has:shop", "environment:prod", "shop:Oslo"}) {
    IssueQuery query;
    query.search = parse_search(text, {}).value();
    CHECK(fixture.store->find_issues(query)->items.size() == 3);
  }
}

TEST_CASE("what was seen in a release or an environment that is not there counts as seen without a name") {
  const Fixture fixture;
  const std::int64_t count = fixture.number("SELECT sum(count) FROM hash_presence");
  fixture.run("DELETE FROM \"release\" WHERE version = 'r1'");
  fixture.run("DELETE FROM environment");
  check_mending(fixture, "releases and environments that are not there");
  CHECK(fixture.number("SELECT sum(count) FROM hash_presence") == count);
  // The store remembered the ids of those names.
  REQUIRE(fixture.store->append(std::vector{fixture.event(101, "a")}));
  const CheckReport after = fixture.check();
  CHECK_MESSAGE(after.faults() == 0, words_of(after));
}

TEST_CASE("a project with events that is not there is made again; of others the rows go") {
  const Fixture fixture;
  const StoredItem item{"1", fixture.project, kNow, UserReport{.message = "m"}};
  REQUIRE(fixture.store->append_items(std::span(&item, 1)));
  SUBCASE("with events") {
    fixture.run("DELETE FROM project");
    check_mending(fixture, "rows of projects that are not there");
    const auto projects = fixture.store->list_projects();
    REQUIRE(projects->size() == 1);
    CHECK(projects->front().name == "recovered-" + std::to_string(fixture.project));
    CHECK(fixture.store->find_events({.limit = 100})->items.size() == 30);
  }
  SUBCASE("without") {
    fixture.run("UPDATE user_report SET project_id = 777");
    fixture.run(
        "INSERT INTO attachment (item_id, project_id, event_id, received_at, filename, content_type, "
        "attachment_type, bytes) VALUES ('i', 777, 'e', 1, 'f', 't', 'a', 'bytes')");
    check_mending(fixture, "rows of projects that are not there");
    CHECK(fixture.number("SELECT count(*) FROM user_report") == 0);
    CHECK(fixture.number("SELECT count(*) FROM attachment") == 0);
    CHECK(fixture.number("SELECT count(*) FROM project") == 1);
  }
}

TEST_CASE("an event that cannot be unpacked is set aside, and its issue can be shown again") {
  const Fixture fixture;
  const std::string first = "(SELECT min(id) FROM event)";
  fixture.run("UPDATE event SET data = 'garbage' WHERE id = " + first);
  CHECK(fixture.check(false, false).faults() == 0);  // only looked for when asked for
  CHECK_FALSE(fixture.store->find_events({.issue_id = fixture.issue("a")}).ok());
  check_mending(fixture, "events that cannot be unpacked");
  CHECK(fixture.store->find_events({.issue_id = fixture.issue("a")})->items.size() == 9);
  const auto aside = fixture.store->list_quarantine(fixture.project);
  REQUIRE(aside->size() == 1);
  CHECK(aside->front().payload == "garbage");
  // It is not counted again when it comes again.
  CHECK(fixture.store->append(std::vector{fixture.event(0, "a")})->duplicates == 1);
}

TEST_CASE("a database that is not there, or has another schema, cannot be checked") {
  const trapline::tests::TemporaryFolder folder;
  CHECK(check_store("sqlite:" + folder.path("none.db")).error().code == "not_found");
  CHECK_FALSE(std::filesystem::exists(folder.path("none.db")));
  CHECK(check_store("mysql:x").error().code == "invalid_database_url");
  const std::string path = folder.path("t.db");
  REQUIRE(open_store("sqlite:" + path));
  sqlite::Connection(path).set_schema_version(999);
  CHECK(check_store("sqlite:" + path).error().code == "schema_too_new");
  sqlite::Connection(path).set_schema_version(3);
  CHECK(check_store("sqlite:" + path).error().code == "schema_too_old");
}

TEST_CASE("a damaged database file is a fault that is not mended") {
  const trapline::tests::TemporaryFolder folder;
  const std::string path = folder.path("t.db");
  { REQUIRE(open_store("sqlite:" + path)); }
  const auto size = std::filesystem::file_size(path);
  SUBCASE("no database at all") { std::filesystem::resize_file(path, 0); }
  SUBCASE("some of its pages"){} {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    if (std::filesystem::file_size(path) == 0) {
      file << std::string(8'192, 'x');
    } else {
      file.seekp(static_cast<std::streamoff>(size / 2));
      file << std::string(20'000, 'x');
    }
  }
  const auto report = check_store("sqlite:" + path, {.repairs = true});
  REQUIRE(report);
  CHECK(report->findings.size() == 1);
  CHECK(report->left() > 0);
}
