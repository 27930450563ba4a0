/// How the engines go about what people wait for: nothing reads through a table that grows with the events.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "collector/storage/search_parser.h"
#include "collector/storage/sql/event_queries.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/issue_queries.h"
#include "collector/storage/sql/ledger_queries.h"
#include "collector/storage/sql/payload_dictionaries.h"
#include "collector/storage/sql/release_health.h"
#include "collector/storage/sql/search_queries.h"
#include "collector/storage/time_span.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::is_on_postgres;
using trapline::tests::TestDatabase;

namespace {

constexpr UnixMillis kNow = 1795223297698;

/// What a statement was given.
struct Bytes {
  std::string bytes;
};
using Value = std::variant<std::monostate, std::int64_t, std::string, Bytes>;

struct Plan {
  std::string sql;
  std::string text;
};

/// A connection's statement that is explained, with what is bound to it, before it runs.
class ExplainedStatement final : public sql::PreparedStatement {
 public:
  ExplainedStatement(sql::Connection& connection, std::string_view sql, std::vector<Plan>& plans)
      : connection_(connection), sql_(sql), plans_(plans) {}

  void bind_integer(int parameter, std::int64_t value) override { slot(parameter) = value; }
  void bind_text(int parameter, std::string_view text) override { slot(parameter) = std::string(text); }
  void bind_blob(int parameter, std::string_view bytes) override { slot(parameter) = Bytes{std::string(bytes)}; }
  void bind_null(int parameter) override { slot(parameter) = {}; }
  bool step() override {
    if (!statement_) start();
    return statement_->step();
  }
  void reset() override {
    statement_.reset();
    values_.clear();
  }
  [[nodiscard]] std::int64_t integer(int column) const override { return statement_->integer(column); }
  [[nodiscard]] bool is_null(int column) const override { return statement_->is_null(column); }
  [[nodiscard]] std::string_view text(int column) const override { return statement_->text(column); }

 private:
  Value& slot(int parameter) {
    const auto index = static_cast<std::size_t>(parameter);
    if (values_.size() <= index) values_.resize(index + 1);
    return values_[index];
  }

  void bind_to(sql::Statement& statement) const {
    for (const Value& value : values_) {
      if (const auto* number = std::get_if<std::int64_t>(&value)) {
        statement.bind(*number);
      } else if (const auto* text = std::get_if<std::string>(&value)) {
        statement.bind(std::string_view(*text));
      } else if (const auto* blob = std::get_if<Bytes>(&value)) {
        statement.bind_blob(blob->bytes);
      } else {
        statement.bind(std::optional<std::int64_t>());
      }
    }
  }

  void start() {
    Plan& plan = plans_.emplace_back();
    plan.sql = sql_;
    {
      sql::Statement explained = connection_.prepare((is_on_postgres() ? "EXPLAIN " : "EXPLAIN QUERY PLAN ") + sql_);
      bind_to(explained);
      while (explained.step()) plan.text += std::string(explained.text(is_on_postgres() ? 0 : 3)) + "\n";
    }
    statement_.reset(new sql::Statement(connection_.prepare(sql_)));
    bind_to(*statement_);
  }

  sql::Connection& connection_;
  std::string sql_;
  std::vector<Plan>& plans_;
  std::vector<Value> values_;
  std::unique_ptr<sql::Statement> statement_;
};

class ExplainingConnection final : public sql::Connection {
 public:
  explicit ExplainingConnection(std::unique_ptr<sql::Connection> connection) : connection_(std::move(connection)) {
    // What has an index is then read by it, however few rows there are.
    if (is_on_postgres()) connection_->execute("SET enable_seqscan = off");
  }
  ~ExplainingConnection() override { forget_statements(); }

  void execute(const std::string& sql) override { connection_->execute(sql); }
  std::int64_t changes() override { return connection_->changes(); }
  void begin() override { connection_->begin(); }
  std::size_t schema_version() override { return connection_->schema_version(); }
  void set_schema_version(std::size_t version) override { connection_->set_schema_version(version); }
  sql::TextIndex& text_index() override { return connection_->text_index(); }
  void make_event_day(std::int64_t day) override { connection_->make_event_day(day); }
  void remove_event_day(std::int64_t day) override { connection_->remove_event_day(day); }
  bool compact_event_day(std::int64_t day) override { return connection_->compact_event_day(day); }

  std::vector<Plan> plans;

 protected:
  std::unique_ptr<sql::PreparedStatement> make_statement(std::string_view sql) override {
    return std::make_unique<ExplainedStatement>(*connection_, sql, plans);
  }
  void apply_deadline() override {}

 private:
  std::unique_ptr<sql::Connection> connection_;
};

/// Whether SQLite's table of days (sqlite/event_table.cpp) answers by an index of theirs, or in bounds of ids.
bool is_by_index_of_days(const std::string& line) {
  const std::string plan = " VIRTUAL TABLE INDEX ";
  const std::size_t at = line.find(plan);
  return at != std::string::npos && (std::stoi(line.substr(at + plan.size())) & 0b101111) != 0;
}

/// The tables that grow with events, all of which are read in `plan`; empty: none.
std::string scanned_table(const std::string& plan) {
  const std::string scan = is_on_postgres() ? "Seq Scan on " : "SCAN ";
  for (std::size_t at = plan.find(scan); at != std::string::npos; at = plan.find(scan, at + 1)) {
    const std::size_t begin = at + scan.size();
    const std::string line = plan.substr(begin, plan.find('\n', begin) - begin);
    const std::string table = line.substr(0, line.find(' '));
    const bool is_by_order = table == "issue" && line.find("USING INDEX") != std::string::npos;
    const bool grows = table == "issue" || table == "issue_hash" || table.starts_with("event") ||
                       table.starts_with("hash_") || table == "tag";
    if (grows && !is_by_order && !is_by_index_of_days(line)) return table;
  }
  return {};
}

struct Fixture {
  TestDatabase database;
  std::unique_ptr<ExplainingConnection> connection;
  Sealer sealer;
  sql::PayloadDictionaries dictionaries{sealer};

  Fixture() {
    const auto store = open_store(database.url()).value();
    REQUIRE(store->create_project("p", std::string(32, 'a')));
    std::vector<DigestedEvent> batch;
    // More than what is a list in a query.
    for (int number = 0; number < 2'050; ++number) {
      DigestedEvent& event = batch.emplace_back();
      event.project_id = 1;
      event.event_id = std::string(24, 'a') + std::to_string(10'000'000 + number);
      event.received_at = event.timestamp = kNow + number;
      event.fingerprint = event.title = "issue " + std::to_string(number);
      event.payload = "{}";
      event.release = number == 0 ? "rare" : "1.0";
      event.environment = number == 0 ? "rare" : "prod";
      event.tags = {{"common", "yes"}, {"each", std::to_string(number)}};
      event.user = "id:" + std::to_string(number);
      event.user_fields = {{UserField::kEmail, std::to_string(number) + "@example.com"}, {UserField::kUsername, "u"}};
      event.texts = {number == 0 ? "rare words" : "common words"};
    }
    REQUIRE(store->append(batch));
    connection = std::make_unique<ExplainingConnection>(database.connect());
  }

  void check(const std::string& what) {
    CHECK_FALSE(connection->plans.empty());
    for (const Plan& plan : connection->plans) {
      const std::string table = scanned_table(plan.text);
      CHECK_MESSAGE(table.empty(), what << " reads all of " << table << ":\n" << plan.sql << "\n" << plan.text);
    }
    connection->plans.clear();
  }
  std::size_t find(const IssueQuery& query, const std::string& what) {
    const auto page = sql::find_issues(*connection, query, kNow);
    check(what);
    return page.items.size();
  }
};

}  // namespace

TEST_CASE("a table that is read as a whole is found out") {
  const Fixture fixture;
  for (const std::string sql : {"SELECT count(*) FROM issue_hash WHERE title = 'x'",
                                "SELECT 1 FROM hash_tag WHERE count > 7", "SELECT 1 FROM issue WHERE title = 'x'"}) {
    fixture.connection->prepare(sql).step();
    CAPTURE(fixture.connection->plans.back().text);
    CHECK_FALSE(scanned_table(fixture.connection->plans.back().text).empty());
  }
}

TEST_CASE("lists of issues are read by an index, in every order and with every filter") {
  Fixture fixture;
  for (const IssueSort sort : {IssueSort::kLastSeen, IssueSort::kFirstSeen, IssueSort::kCount, IssueSort::kUserCount}) {
    for (int filter = 0; filter < 8; ++filter) {
      CAPTURE(filter);
      IssueQuery query;
      query.sort = sort;
      query.with_environments = true;
      if (filter == 1) query.project_id = 1;
      if (filter == 2) query.status = IssueStatus::kUnresolved;
      if (filter == 3) query.level = Level::kError;
      if (filter == 4) query.environment = "prod";
      if (filter == 5) query.release = "rare";
      if (filter == 6) query.from = kNow;
      if (filter == 7) query.cursor = std::to_string(kNow) + ".1000";
      fixture.find(query, "filter " + std::to_string(filter));
    }
  }
}

TEST_CASE("searches read no table as a whole, whether they find few or many") {
  Fixture fixture;
  for (const std::string text : {"is:unresolved",
                                 "assigned:me",
                                 "level:>=error",
                                 "times_seen:>1",
                                 "users:>1",
                                 "firstSeen:-24h",
                                 "release:1.0",
                                 "release:rare",
                                 "release:1.*",
                                 "release:>0.1",
                                 "has:release",
                                 "environment:prod",
                                 "environment:r*",
                                 "common:yes",
                                 "each:7",
                                 "each:7*",
                                 "each:*",
                                 "has:each",
                                 "!has:each",
                                 "user.email:7@example.com",
                                 "user.email:7*",
                                 "user.username:u",
                                 "has:user.email",
                                 "user:u",
                                 "rare",
                                 "common",
                                 "\"common words\"",
                                 "(common:yes OR each:7) !release:rare \"rare words\""}) {
    for (const bool is_of_project : {false, true}) {
      IssueQuery query;
      query.search = parse_search(text, {kNow, "ada@example.com"}).value();
      if (is_of_project) query.project_id = 1;
      fixture.find(query, text);
    }
  }
}

TEST_CASE("an issue's page and its events are read by an index") {
  Fixture fixture;
  sql::Connection& connection = *fixture.connection;
  const IssueId id = sql::find_issues(connection, {}, kNow).items.at(0).id;
  fixture.connection->plans.clear();
  REQUIRE(sql::find_issue(connection, id, kNow));
  fixture.check("the issue");
  sql::count_by_hour(connection, id, kNow - 1'000'000, kNow + 1'000'000);
  fixture.check("its hours");
  CHECK(sql::list_issue_tags(connection, id).size() == 2);
  fixture.check("its tags");
  sql::list_hashes(connection, id);
  sql::list_history(connection, id);
  fixture.check("its hashes and history");
  EventQuery query;
  query.issue_id = id;
  const auto events = sql::find_events(connection, fixture.dictionaries, query);
  REQUIRE(events.items.size() == 1);
  fixture.check("its events");
  query.from = kNow;
  query.to = kNow + 1'000'000;
  sql::find_events(connection, fixture.dictionaries, query);
  fixture.check("its events in a time");
  REQUIRE(sql::find_event(connection, fixture.dictionaries, 1, events.items[0].event.event_id));
  fixture.check("an event");
}

TEST_CASE("what stats are made of and lists of events are read by an index") {
  Fixture fixture;
  sql::Connection& connection = *fixture.connection;
  sql::sum_ledger(connection, 1, kNow - 30 * kDayMs, kNow);
  fixture.check("the ledger of 30 days");
  for (const int filter : {0, 1, 2}) {
    EventQuery query;
    query.with_payload = false;
    if (filter > 0) query.project_id = 1;
    if (filter > 1) query.from = kNow - kDayMs;
    sql::find_events(connection, fixture.dictionaries, query);
    fixture.check("events, filter " + std::to_string(filter));
  }
  ReleaseHealthQuery health;
  health.project_id = 1;
  health.from = kNow - 30 * kDayMs;
  health.to = kNow;
  sql::list_release_health(connection, health);
  fixture.check("health of releases");
  sql::list_release_hours(connection, health, "1.0");
  fixture.check("hours of a release");
}

TEST_CASE("completions are read by an index") {
  Fixture fixture;
  for (const auto of : {CompletionQuery::Of::kTagKeys, CompletionQuery::Of::kTagValues, CompletionQuery::Of::kReleases,
                        CompletionQuery::Of::kEnvironments, CompletionQuery::Of::kUsers}) {
    for (const bool is_of_project : {false, true}) {
      CompletionQuery query;
      query.of = of;
      if (is_of_project) query.project_id = 1;
      query.key = "each";
      query.user_field = static_cast<int>(UserField::kEmail);
      query.prefix = "7";
      sql::complete_search(*fixture.connection, query);
      fixture.check("a completion");
    }
  }
}
