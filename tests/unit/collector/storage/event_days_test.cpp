/// Events are parted by the day on which they were received; to who asks they are one. Those of SQLite are in files of
/// their own, which a kill or a damaged disk may leave as they should not be.

#include "collector/storage/sqlite/event_days.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/storage/consistency.h"
#include "collector/storage/open_store.h"
#include "collector/storage/time_span.h"
#include "tests/integration/small_disk.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::is_on_postgres;
using trapline::tests::SmallDisk;
using trapline::tests::TemporaryFolder;
using trapline::tests::TestDatabase;

namespace {

namespace fs = std::filesystem;

constexpr UnixMillis kFirstDay = 20'784 * kDayMs;  // 2026-11-27

DigestedEvent event_of(int number, UnixMillis received_at, const std::string& group = "f") {
  DigestedEvent event;
  event.project_id = 1;
  event.event_id = std::string(24, 'a') + std::to_string(10'000'000 + number);
  event.received_at = received_at;
  event.timestamp = received_at;
  event.fingerprint = group;
  event.title = "Title " + group;
  event.payload = R"({"number":)" + std::to_string(number) + "}";
  return event;
}

void append(Store& store, const std::vector<DigestedEvent>& events) {
  const auto outcome = store.append(events);
  REQUIRE_MESSAGE(outcome, (outcome ? "" : outcome.error().message));
}

/// One event of each of `days` days, numbered from 0.
std::unique_ptr<Store> store_of_days(const std::string& url, int days) {
  auto store = open_store(url).value();
  REQUIRE(store->create_project("shop", std::string(32, 'a')));
  for (int day = 0; day < days; ++day) append(*store, {event_of(day, kFirstDay + day * kDayMs + 5)});
  return store;
}

std::vector<std::string> payloads(Store& store, EventQuery query) {
  query.with_payload = true;
  std::vector<std::string> payloads;
  const auto page = store.find_events(query);
  REQUIRE_MESSAGE(page, (page ? "" : page.error().message));
  for (const StoredEvent& stored : page->items) payloads.push_back(stored.event.payload);
  return payloads;
}

/// Nothing at these paths can be written by this thread, as long as it lives. Root may write whatever permissions say,
/// by a capability that it lays down meanwhile.
class ReadOnly {
 public:
  explicit ReadOnly(std::vector<std::string> paths) : paths_(std::move(paths)) {
    for (const std::string& path : paths_) {
      modes_.push_back(fs::status(path).permissions());
      fs::permissions(path, fs::perms::owner_write, fs::perm_options::remove);
    }
    REQUIRE(syscall(SYS_capget, &header_, capabilities_) == 0);
    auto without = capabilities_[0];
    without.effective &= ~(1U << CAP_DAC_OVERRIDE);
    __user_cap_data_struct lowered[2] = {without, capabilities_[1]};
    REQUIRE(syscall(SYS_capset, &header_, lowered) == 0);
  }
  ~ReadOnly() {
    syscall(SYS_capset, &header_, capabilities_);
    for (std::size_t index = 0; index < paths_.size(); ++index) fs::permissions(paths_[index], modes_[index]);
  }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;

 private:
  std::vector<std::string> paths_;
  std::vector<fs::perms> modes_;
  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct capabilities_[2] = {};
};

void damage(const std::string& path) {
  // The header stays, so that only who reads on sees it.
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  REQUIRE(file);
  file.seekp(100);
  for (int byte = 100; byte < 20'000; ++byte) file.put('\x5a');
}

}  // namespace

TEST_CASE("events of many days are one list, newest first, however it is paged and bounded") {
  const TestDatabase database;
  const auto store = store_of_days(database.url(), 5);
  const std::vector<std::string> all = {R"({"number":4})", R"({"number":3})", R"({"number":2})", R"({"number":1})",
                                        R"({"number":0})"};
  CHECK(payloads(*store, {.limit = 100}) == all);
  const IssueId issue = store->find_issues({})->items.front().id;
  CHECK(payloads(*store, {.issue_id = issue, .limit = 100}) == all);
  CHECK(payloads(*store, {.project_id = 1, .from = kFirstDay + kDayMs, .to = kFirstDay + 3 * kDayMs, .limit = 100}) ==
        std::vector<std::string>{all[2], all[3]});
  std::vector<std::string> paged;
  EventQuery query{.issue_id = issue, .limit = 2};
  query.with_payload = true;
  do {
    const auto page = store->find_events(query).value();
    for (const StoredEvent& stored : page.items) paged.push_back(stored.event.payload);
    query.cursor = page.next_cursor;
  } while (!query.cursor.empty());
  CHECK(paged == all);
}

TEST_CASE("an event's neighbours are found on other days") {
  const TestDatabase database;
  const auto store = store_of_days(database.url(), 3);
  const auto middle = store->find_event(1, event_of(1, 0).event_id).value();
  REQUIRE(middle);
  CHECK(middle->newer_event_id == event_of(2, 0).event_id);
  CHECK(middle->older_event_id == event_of(0, 0).event_id);
}

TEST_CASE("an event that comes again days later is known, also when the time of its first receipt is not") {
  const TestDatabase database;
  const auto store = store_of_days(database.url(), 5);
  DigestedEvent again = event_of(1, kFirstDay + 4 * kDayMs + 7);
  CHECK(store->append(std::vector{again})->duplicates == 1);
  // It happened on the second day: no copy came before the first.
  again.first_possible_receipt = kFirstDay;
  CHECK(store->append(std::vector{again})->duplicates == 1);
  CHECK(store->find_issues({})->items.front().count == 5);
}

TEST_CASE("only days on which a copy of an event may have come are asked for it") {
  const TestDatabase database;
  const auto store = store_of_days(database.url(), 5);
  DigestedEvent other = event_of(1, kFirstDay + 4 * kDayMs + 7);
  // It says that it happened today: another event, whose sender does not make its ids at random.
  other.first_possible_receipt = kFirstDay + 3 * kDayMs;
  CHECK(store->append(std::vector{other})->stored == 1);
}

TEST_CASE("each day's events are in a file of their own, for its owner alone" * doctest::skip(is_on_postgres())) {
  const TestDatabase database;
  const auto store = store_of_days(database.url(), 2);
  CHECK(fs::exists(database.path() + ".days/2026-11-27.db"));
  CHECK(fs::exists(database.path() + ".days/2026-11-28.db"));
  CHECK(fs::status(database.path() + ".days").permissions() == fs::perms::owner_all);
}

TEST_CASE("what a kill left in a day's file and not in the database is taken back, and given again counts once" *
          doctest::skip(is_on_postgres())) {
  const TestDatabase database;
  store_of_days(database.url(), 1);
  {
    sqlite::Connection killed(database.path());
    killed.begin();
    killed.execute(
        "INSERT INTO event (id, project_id, hash_id, event_id, data) "
        "SELECT id + 1, project_id, hash_id, x'bb', data FROM event");
    killed.days().sync();
  }
  CHECK(sqlite::DayFile(database.path() + ".days/2026-11-27.db", sqlite::DayFile::Use::kRead).batch_number() == 2);
  const auto store = open_store(database.url()).value();
  CHECK(store->find_events({.limit = 10})->items.size() == 1);
  append(*store, {event_of(7, kFirstDay + 9)});
  CHECK(store->find_events({.limit = 10})->items.size() == 2);
  CHECK(check_store(database.url(), {.is_deep = true})->faults() == 0);
}

TEST_CASE(
    "what a kill left half done on a disk that is full is taken back when there is room, and can be read meanwhile" *
    doctest::skip(is_on_postgres())) {
  const TemporaryFolder folder;
  const SmallDisk disk(folder.path("disk"), std::size_t{8} << 20);
  if (!disk.is_mounted()) return;
  const std::string path = disk.folder() + "/t.db";
  store_of_days("sqlite:" + path, 1);
  auto killed = std::make_unique<sqlite::Connection>(path);
  killed->begin();
  killed->execute(
      "INSERT INTO event (id, project_id, hash_id, event_id, data) "
      "SELECT id + 1, project_id, hash_id, x'bb', data FROM event");
  killed->days().sync();
  sqlite::DayFile day(path + ".days/2026-11-27.db", sqlite::DayFile::Use::kRead);
  CHECK(day.batch_number() == 2);
  const sqlite::Connection keeps_the_log(path);  // as a kill leaves it
  killed.reset();
  disk.fill();
  const auto store = open_store("sqlite:" + path);
  REQUIRE_MESSAGE(store, (store ? "" : store.error().message));
  CHECK((*store)->find_issues({})->items.size() == 1);
  const std::vector events = {event_of(7, kFirstDay + 9)};
  CHECK_FALSE((*store)->append(events));
  disk.make_room();
  append(**store, events);
  CHECK((*store)->find_events({.limit = 10})->items.size() == 2);
  CHECK(check_store("sqlite:" + path, {.is_deep = true})->faults() == 0);
}

TEST_CASE("a folder made read-only: the error says what to do, and it goes on when it is writable again" *
          doctest::skip(is_on_postgres())) {
  const TemporaryFolder folder;
  const std::string path = folder.path("t.db");
  auto store = store_of_days("sqlite:" + path, 1);
  const std::vector tomorrow = {event_of(7, kFirstDay + kDayMs)};
  {
    const ReadOnly read_only({path + ".days"});
    const auto refused = store->append(tomorrow);
    REQUIRE_FALSE(refused);
    CHECK_MESSAGE(refused.error().message.find("must be there and writable") != std::string::npos,
                  refused.error().message);
    CHECK(payloads(*store, {.limit = 10}).size() == 1);
  }
  append(*store, tomorrow);
  CHECK(payloads(*store, {.limit = 10}).size() == 2);
  store.reset();
  {
    const ReadOnly read_only({folder.path(""), path});
    const auto refused = open_store("sqlite:" + path);
    REQUIRE_FALSE(refused);
    CHECK_MESSAGE(refused.error().message.find("must be there and writable") != std::string::npos,
                  refused.error().message);
  }
  store = open_store("sqlite:" + path).value();
  append(*store, {event_of(8, kFirstDay + kDayMs)});
  CHECK(payloads(*store, {.limit = 10}).size() == 3);
  CHECK(check_store("sqlite:" + path, {.is_deep = true})->faults() == 0);
}

TEST_CASE("events that a kill removed from a day's file and not from the counters are counted again" *
          doctest::skip(is_on_postgres())) {
  const TestDatabase database;
  store_of_days(database.url(), 2);
  {
    sqlite::Connection killed(database.path());
    killed.begin();
    killed.execute("DELETE FROM event WHERE id = (SELECT max(id) FROM event)");
    killed.days().sync();
  }
  const auto store = open_store(database.url()).value();
  const Issue issue = store->find_issues({})->items.front();
  CHECK(issue.count == 2);
  CHECK(issue.stored_count == 1);
  CHECK(check_store(database.url(), {})->faults() == 0);
}

TEST_CASE("a transaction that is not committed leaves no trace in any day" * doctest::skip(is_on_postgres())) {
  const TestDatabase database;
  const auto store = store_of_days(database.url(), 2);
  const auto connection = database.connect();
  {
    const sql::Transaction transaction(*connection);
    connection->execute("DELETE FROM event");
    CHECK_FALSE(connection->prepare("SELECT 1 FROM event").step());
  }
  CHECK(store->find_events({.limit = 10})->items.size() == 2);
}

TEST_CASE("a damaged day is left out and told of, and the rest goes on" * doctest::skip(is_on_postgres())) {
  const TestDatabase database;
  store_of_days(database.url(), 3);
  const std::string path = database.path() + ".days/2026-11-28.db";
  damage(path);
  const auto store = open_store(database.url()).value();
  CHECK(payloads(*store, {.limit = 10}) == std::vector<std::string>{R"({"number":2})", R"({"number":0})"});
  REQUIRE(store->troubles().size() == 1);
  CHECK(store->troubles().front().find("2026-11-28") != std::string::npos);

  SUBCASE("a new event of that day begins a new file, and the damaged one is kept") {
    const std::vector events = {event_of(8, kFirstDay + kDayMs + 9)};
    // The batch in which the damage is seen may fail; the spool gives it again.
    if (!store->append(events)) append(*store, events);
    CHECK(payloads(*store, {.limit = 10}) ==
          std::vector<std::string>{R"({"number":2})", R"({"number":8})", R"({"number":0})"});
    CHECK(fs::exists(path + ".damaged"));
  }
  SUBCASE("a check finds it, and a repair does without it") {
    const auto found = check_store(database.url(), {});
    REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
    CHECK(found->faults() > 0);
    const auto repaired = check_store(database.url(), {.repairs = true});
    CHECK(repaired->left() == 0);
    CHECK(check_store(database.url(), {.is_deep = true})->faults() == 0);
    CHECK(fs::exists(path + ".damaged"));
    CHECK(open_store(database.url()).value()->find_issues({})->items.front().stored_count == 2);
  }
}

TEST_CASE("a day that is written to begins anew, whatever of its file is damaged" * doctest::skip(is_on_postgres())) {
  const TestDatabase database;
  const std::string path = database.path() + ".days/2026-11-27.db";
  auto store = store_of_days(database.url(), 1);
  std::vector<DigestedEvent> many;
  for (int number = 100; number < 400; ++number) many.push_back(event_of(number, kFirstDay + number));
  append(*store, many);
  store.reset();
  const auto spoil = [&](int first_page) {
    for (const char* ending : {"-wal", "-shm"}) fs::remove(path + ending);
    if (first_page == 0) return fs::resize_file(path, 0);
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(first_page * 4'096);
    for (auto byte = fs::file_size(path) - first_page * 4'096; byte > 0; --byte) file.put('\x5a');
  };
  SUBCASE("all of it is gone") { spoil(0); }
  SUBCASE("its tables") { spoil(1); }
  SUBCASE("what is deep in its tables") { spoil(8); }
  store = open_store(database.url()).value();
  const std::vector events = {event_of(8, kFirstDay + 900)};
  int tries = 1;
  for (auto outcome = store->append(events); !outcome; outcome = store->append(events)) {
    REQUIRE_MESSAGE(++tries < 5, outcome.error().message);  // as the spool gives it again
  }
  CHECK(payloads(*store, {.limit = 1}) == std::vector<std::string>{R"({"number":8})"});
  CHECK(store->troubles().size() == 1);
  REQUIRE(check_store(database.url(), {.repairs = true})->left() == 0);
  CHECK(check_store(database.url(), {.is_deep = true})->faults() == 0);
}

TEST_CASE("a day whose file is gone is left out and told of" * doctest::skip(is_on_postgres())) {
  const TestDatabase database;
  store_of_days(database.url(), 3);
  fs::remove(database.path() + ".days/2026-11-28.db");
  const auto store = open_store(database.url()).value();
  CHECK(store->find_events({.limit = 10})->items.size() == 2);
  CHECK(store->troubles().size() == 1);
  CHECK(check_store(database.url(), {.repairs = true})->left() == 0);
}
