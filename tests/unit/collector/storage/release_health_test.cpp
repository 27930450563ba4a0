#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;

namespace {

constexpr UnixMillis kHour = 3'600'000;
constexpr UnixMillis kDay = 24 * kHour;

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  ProjectId project = store->create_project("one", std::string(32, 'a'))->id;
  int items = 0;

  template <class Content>
  void put(Content content) {
    const StoredItem item{std::to_string(++items), project, 5, std::move(content)};
    REQUIRE(store->append_items(std::span(&item, 1)));
  }
  std::vector<ReleaseHealth> health(const std::string& environment = "", UnixMillis from = 0,
                                    UnixMillis to = 9 * kDay) {
    return store->list_release_health({project, environment, from, to}).value();
  }
};

/// A session of its own for each `number`.
SessionUpdate session(int number, const std::string& release, SessionStatus status, UnixMillis started = kDay) {
  SessionUpdate update;
  const std::string digits = std::to_string(number);
  update.sid = std::string(32 - digits.size(), '0') + digits;
  update.release = release;
  update.status = status;
  update.started = started;
  return update;
}

}  // namespace

TEST_CASE("every session is counted once at its release, by how it ended") {
  Fixture fixture;
  int number = 0;
  for (const SessionStatus status : {SessionStatus::kOk, SessionStatus::kExited, SessionStatus::kErrored,
                                     SessionStatus::kUnhandled, SessionStatus::kCrashed, SessionStatus::kAbnormal}) {
    fixture.put(session(++number, "a@1", status));
  }
  SessionUpdate with_errors = session(++number, "a@1", SessionStatus::kExited);
  with_errors.errors = 3;
  fixture.put(with_errors);
  fixture.put(session(++number, "a@2", SessionStatus::kCrashed));
  const auto releases = fixture.health();
  REQUIRE(releases.size() == 2);
  CHECK(releases[0].release == "a@1");
  CHECK(releases[0].tally == SessionTally{7, 3, 1, 1});
  CHECK(releases[1].tally == SessionTally{1, 0, 1, 0});
}

TEST_CASE("updates move a session from one state to the other, in any order and however often they come") {
  Fixture fixture;
  SessionUpdate crashed = session(1, "a@1", SessionStatus::kCrashed);
  crashed.sequence = 2;
  SessionUpdate begun = session(1, "a@1", SessionStatus::kOk);
  begun.sequence = 1;
  for (int round = 0; round < 2; ++round) {
    fixture.put(begun);
    fixture.put(crashed);
  }
  REQUIRE(fixture.health().size() == 1);
  CHECK(fixture.health()[0].tally == SessionTally{1, 0, 1, 0});
  // It began earlier than was thought: it is counted there.
  begun.started = kDay - kHour;
  fixture.put(begun);
  CHECK(fixture.health("", kDay).empty());
  CHECK(fixture.health()[0].tally == SessionTally{1, 0, 1, 0});
}

TEST_CASE("sessions that a server has counted are added, once") {
  Fixture fixture;
  SessionCounts counts;
  counts.release = "a@1";
  counts.started = kDay;
  counts.exited = 90;
  counts.errored = 6;
  counts.crashed = 3;
  counts.abnormal = 1;
  const StoredItem item{"i", fixture.project, 5, counts};
  for (int round = 0; round < 2; ++round) REQUIRE(fixture.store->append_items(std::span(&item, 1)));
  CHECK(fixture.health()[0].tally == SessionTally{100, 6, 3, 1});
}

TEST_CASE("users are counted once a release, and as crashed when any of their sessions did") {
  Fixture fixture;
  int number = 0;
  for (const UnixMillis day : {kDay, 2 * kDay}) {
    for (const char* user : {"ann", "bob", ""}) {
      SessionUpdate update = session(++number, "a@1", SessionStatus::kExited, day);
      update.user = user;
      if (update.user == "bob" && day == kDay) update.status = SessionStatus::kCrashed;
      fixture.put(update);
    }
  }
  CHECK(fixture.health()[0].users == 2);
  CHECK(fixture.health()[0].crashed_users == 1);
  CHECK(fixture.health("", 2 * kDay)[0].crashed_users == 0);
}

TEST_CASE("an environment and a span of time narrow what is counted, and hours show when") {
  Fixture fixture;
  int number = 0;
  for (const UnixMillis hour : {kDay, kDay + kHour, kDay + 5 * kHour}) {
    for (const char* environment : {"prod", "test"}) {
      SessionUpdate update = session(++number, "a@1", SessionStatus::kExited, hour + 59'000);
      update.environment = environment;
      fixture.put(update);
    }
  }
  CHECK(fixture.health()[0].tally.sessions == 6);
  CHECK(fixture.health("prod")[0].tally.sessions == 3);
  CHECK(fixture.health("prod", kDay + kHour, kDay + 2 * kHour)[0].tally.sessions == 1);
  CHECK(fixture.health("other").empty());
  const auto hours = fixture.store->list_release_hours({fixture.project, "prod", 0, 9 * kDay}, "a@1");
  REQUIRE(hours->size() == 3);
  CHECK(hours->at(1).hour == kDay + kHour);
  CHECK(hours->at(1).tally.sessions == 1);
  CHECK(fixture.store->list_release_hours({fixture.project, "", 0, 9 * kDay}, "a@2")->empty());
}
