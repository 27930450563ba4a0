/// What is PostgreSQL's alone; what both engines do is in the files beside, which run on both.

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "collector/storage/postgres/news.h"
#include "collector/storage/postgres/statement_text.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using postgres::read_notification;
using postgres::to_notifications;
using postgres::to_postgres;
using trapline::tests::is_on_postgres;
using trapline::tests::TestDatabase;

namespace {

DigestedEvent event_of(ProjectId project, int number, const std::string& fingerprint) {
  DigestedEvent event;
  event.project_id = project;
  event.event_id = std::string(28, 'a') + std::to_string(1000 + number);
  event.received_at = 1795223297698;
  event.timestamp = event.received_at;
  event.fingerprint = fingerprint;
  event.title = "title";
  event.payload = "{}";
  return event;
}

/// Keeps what it is told.
class Notes {
 public:
  void take(const OthersNews& news) {
    const std::lock_guard lock(mutex_);
    for (const IssueChange& change : news.outcome.changes) changes_.push_back(change);
    for (const IssuePlace& place : news.outcome.counted_on) counted_on_.push_back(place.issue_id);
    for (const ProjectId project : news.deleted) deleted_.push_back(project);
    for (const QuotaUse& use : news.used) used_.push_back(use);
    changed_.notify_all();
  }
  /// Does something again and again, as what is told before somebody listens is lost, until the condition comes true:
  /// whether it does before the deadline.
  template <class Action, class Condition>
  bool wait(Action action, Condition condition) {
    for (int tries = 0; tries < 200; ++tries) {
      action();
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return condition(*this); })) return true;
    }
    return false;
  }
  std::vector<IssueChange> changes_;
  std::vector<IssueId> counted_on_;
  std::vector<ProjectId> deleted_;
  std::vector<QuotaUse> used_;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace

TEST_CASE("statements are turned into PostgreSQL's, and what is quoted stays as it is") {
  CHECK(to_postgres("SELECT a FROM t WHERE b = ? AND c = ?") == "SELECT a FROM t WHERE b = $1 AND c = $2");
  CHECK(to_postgres("?2 ?1 ? ?2") == "$2 $1 $3 $2");
  CHECK(to_postgres("'what?' || \"a?\" || ?") == "'what?' || \"a?\" || $1");
  CHECK(to_postgres(R"(a LIKE ? ESCAPE '\')") == R"(a ILIKE $1 ESCAPE '\')");
  CHECK(to_postgres("'x LIKE y'") == "'x LIKE y'");
  CHECK(to_postgres("'open ?") == "'open ?");
}

TEST_CASE("news fit into what the server takes, come back whole, and nobody hears himself") {
  OthersNews news;
  constexpr IssueId kLarge = 9'000'000'000'000'000'000;
  for (int number = 0; number < 1'000; ++number) {
    news.outcome.counted_on.push_back({kLarge + number, kLarge});
    news.outcome.changes.push_back({kLarge + number, kLarge, IssueChangeKind::kRegressed});
  }
  news.deleted = {1, 2};
  news.used = {{std::string(32, 'k'), kLarge}, {"project 1", -3}};
  std::size_t counted_on = 0;
  std::size_t changes = 0;
  std::size_t deleted = 0;
  std::vector<QuotaUse> used;
  for (const std::string& text : to_notifications("a", news)) {
    CHECK(text.size() < 8'000);
    CHECK_FALSE(read_notification("a", text));
    const auto read = read_notification("b", text);
    REQUIRE(read);
    counted_on += read->outcome.counted_on.size();
    changes += read->outcome.changes.size();
    deleted += read->deleted.size();
    used.insert(used.end(), read->used.begin(), read->used.end());
  }
  CHECK(counted_on == 1'000);
  CHECK(changes == 1'000);
  CHECK(deleted == 2);
  CHECK(used == news.used);
  CHECK(to_notifications("a", {}).empty());
  CHECK_FALSE(read_notification("a", "not ours"));
  CHECK_FALSE(read_notification("a", R"({"from":"b","counted_on":[1]})"));
}

TEST_CASE("what one collector stores and changes is told to the others on the same server") {
  if (!is_on_postgres()) return;
  const TestDatabase database;
  const auto here = open_store(database.url()).value();
  const auto there = open_store(database.url()).value();
  REQUIRE(here->claim("here"));
  REQUIRE(there->claim("there"));
  const ProjectId project = here->create_project("p", std::string(32, 'a'))->id;
  Notes heard_here;
  Notes heard_there;
  here->listen([&](const OthersNews& news) { heard_here.take(news); });
  there->listen([&](const OthersNews& news) { heard_there.take(news); });
  int number = 0;
  const auto store_here = [&] { REQUIRE(here->append(std::vector{event_of(project, ++number, "f")})); };
  const auto store_there = [&] {
    ++number;
    REQUIRE(there->append(std::vector{event_of(project, number, "g" + std::to_string(number))}));
  };
  REQUIRE(heard_there.wait(store_here, [](const Notes& notes) { return !notes.counted_on_.empty(); }));
  CHECK(heard_there.counted_on_.front() == here->find_issues({})->items.at(0).id);
  REQUIRE(heard_here.wait(store_there, [](const Notes& notes) { return !notes.changes_.empty(); }));
  CHECK(heard_here.changes_.front().kind == IssueChangeKind::kNew);
  CHECK(heard_here.counted_on_.size() == heard_here.changes_.size());  // and nothing of its own
  REQUIRE(here->tell_use(std::vector<QuotaUse>{{"k", 7}}));
  CHECK(heard_there.wait([] {}, [](const Notes& notes) { return notes.used_ == std::vector<QuotaUse>{{"k", 7}}; }));
  REQUIRE(here->delete_project(project));
  CHECK(heard_there.wait([] {}, [&](const Notes& notes) { return notes.deleted_ == std::vector{project}; }));
  here->stop_listening();
  there->stop_listening();
}

TEST_CASE("what failed and was not waited for is undone, and the connection works on") {
  if (!is_on_postgres()) return;
  const TestDatabase database;
  const auto connection = database.connect();
  connection->execute("CREATE TABLE number (id BIGINT PRIMARY KEY)");
  const auto insert = [&] { connection->prepare("INSERT INTO number (id) VALUES (?)").bind(1).run(); };
  {
    const sql::Transaction transaction(*connection);
    insert();
    insert();  // the second one fails, and nobody asks
  }
  {
    sql::Transaction transaction(*connection);
    insert();
    insert();
    CHECK_THROWS_AS(transaction.commit(), sql::DatabaseError);
  }
  sql::Transaction transaction(*connection);
  insert();
  CHECK(connection->changes() == 1);
  transaction.commit();
  sql::Statement rows = connection->prepare("SELECT count(*), sum(id), sum(-id * 123456789012) FROM number");
  REQUIRE(rows.step());
  CHECK(rows.integer(0) == 1);
  CHECK(rows.integer(1) == 1);
  CHECK(rows.integer(2) == -123456789012);
}

TEST_CASE("who could not begin to write because others took too long can write when they are done") {
  if (!is_on_postgres()) return;
  const TestDatabase database;
  const auto slow = database.connect();
  const auto waiting = database.connect();
  waiting->execute("CREATE TABLE number (id BIGINT PRIMARY KEY); SET lock_timeout = '20ms'");
  {
    sql::Transaction held(*slow);
    CHECK_THROWS_AS(waiting->begin(), sql::DatabaseError);
    CHECK_FALSE(waiting->is_lost());
    held.commit();
  }
  sql::Transaction transaction(*waiting);
  waiting->prepare("INSERT INTO number (id) VALUES (?)").bind(1).run();
  transaction.commit();
  waiting->execute("BEGIN");
  CHECK(waiting->is_lost());  // nobody is at work with it, and it is not as it should be
}

TEST_CASE("a name of a spool is taken again after the server was away") {
  trapline::tests::PostgresServer server;
  const auto here = open_store(server.url()).value();
  REQUIRE(here->claim("spool"));
  server.kill();
  CHECK_FALSE(here->create_project("p", std::string(32, 'a')));
  server.start();
  const auto other = open_store(server.url()).value();
  bool is_back = false;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!is_back && std::chrono::steady_clock::now() < deadline) {
    is_back = here->create_project("p", std::string(32, 'a')).ok();
  }
  REQUIRE(is_back);
  CHECK(other->claim("spool").error().code == "database_in_use");
  CHECK(other->create_project("q", std::string(32, 'b')));
}

TEST_CASE("no message about a URL repeats the password in it") {
  for (const char* url : {"postgres://u:se%zzcret@127.0.0.1:1/d", "postgres://u:secret@[::1/d",
                          "postgre://u:secret@h/d", "postgres://u:secret@127.0.0.1:1/d"}) {
    const auto opened = open_store(url);
    REQUIRE_FALSE(opened);
    CHECK_MESSAGE(opened.error().message.find("cret") == std::string::npos, opened.error().message);
  }
}

TEST_CASE("issues that another collector has merged are found by the next event") {
  const TestDatabase database;
  const auto here = open_store(database.url()).value();
  const auto there = open_store(database.url()).value();
  const ProjectId project = here->create_project("p", std::string(32, 'a'))->id;
  REQUIRE(here->append(std::vector{event_of(project, 1, "f"), event_of(project, 2, "g")}));
  const auto issues = here->find_issues({})->items;
  REQUIRE(issues.size() == 2);
  REQUIRE(there->merge_issues(issues[0].id, std::vector{issues[1].id}, "somebody"));
  REQUIRE(here->append(std::vector{event_of(project, 3, "f"), event_of(project, 4, "g")}));
  const auto merged = here->find_issues({})->items;
  REQUIRE(merged.size() == 1);
  CHECK(merged[0].count == 4);
  CHECK(merged[0].stored_count == 4);
}
