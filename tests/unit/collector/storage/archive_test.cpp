/// The cold archive: days go there before they go, and come back, on both engines.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/storage/archive/archiver.h"
#include "collector/storage/archive/day_restore.h"
#include "collector/storage/archive/user_archive.h"
#include "collector/storage/consistency.h"
#include "collector/storage/event_json.h"
#include "collector/storage/open_store.h"
#include "collector/storage/search_parser.h"
#include "collector/storage/time_span.h"
#include "tests/support/bucket_server.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::BucketServer;
using trapline::tests::is_on_postgres;
using trapline::tests::ManualClock;
using trapline::tests::TemporaryFolder;
using trapline::tests::TestDatabase;

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kToday = 20'784;  // 2026-11-27
constexpr UnixMillis kNow = kToday * kDayMs + 12 * kHourMs;
constexpr std::int64_t kOldDay = kToday - 91;  // 2026-08-28
const std::string kOldFolder = "events/2026-08-28/";

/// Lets so many calls through, and then none: as if the process had been killed, for who starts anew afterwards.
class DyingObjects final : public ObjectStore {
 public:
  DyingObjects(ObjectStore& objects, int calls) : objects_(objects), calls_left_(calls) {}
  Status put(std::string_view name, std::string_view bytes) override {
    return dies() ? Status{death()} : objects_.put(name, bytes);
  }
  Result<std::optional<std::string>> get(std::string_view name) override {
    if (dies()) return death();
    return objects_.get(name);
  }
  Result<bool> exists(std::string_view name) override {
    if (dies()) return death();
    return objects_.exists(name);
  }
  Result<std::optional<std::string>> get_first(std::string_view name, std::size_t bytes) override {
    if (dies()) return death();
    return objects_.get_first(name, bytes);
  }
  Result<std::vector<Entry>> list_entries(std::string_view prefix) override {
    if (dies()) return death();
    return objects_.list_entries(prefix);
  }
  Status remove(std::string_view name) override { return dies() ? Status{death()} : objects_.remove(name); }
  [[nodiscard]] std::string place() const override { return objects_.place(); }

 private:
  bool dies() { return calls_left_-- <= 0; }
  static Error death() { return {"archive_unavailable", "killed"}; }

  ObjectStore& objects_;
  int calls_left_;
};

/// Whose an event is stands in its user's key.
class NoPayloads : public PayloadReader {
 public:
  [[nodiscard]] UserFields read_user(std::string_view /*payload*/) const override { return {}; }
  void read_facts(DigestedEvent& /*event*/) const override {}
  [[nodiscard]] std::string session_user(ProjectId /*project*/, std::string_view /*user*/) const override { return {}; }
};

/// Payloads that tell of ada.
class AdasPayloads final : public NoPayloads {
 public:
  void read_facts(DigestedEvent& event) const override {
    event.user_fields = {{UserField::kEmail, "ada@example.com"}};
    event.texts = {"words"};
  }
};

struct Fixture {
  TestDatabase database;
  TemporaryFolder folder;
  ManualClock clock{kNow};
  std::vector<EncryptionKey> keys;
  std::unique_ptr<Store> store;
  std::unique_ptr<ObjectStore> objects;
  std::vector<std::string> news;
  int count = 0;

  explicit Fixture(std::vector<EncryptionKey> with_keys = {}) : keys(std::move(with_keys)) {
    open();
    REQUIRE(store->create_project("shop", std::string(32, 'a')));
    fs::create_directory(folder.path("cold"));
    objects = open_objects({.url = folder.path("cold"), .endpoint = "", .region = ""}).value();
  }
  void open() {
    store.reset();
    store = open_store(database.url(), clock, {.files = folder.path("files"), .keys = keys}).value();
  }
  [[nodiscard]] Sealer sealer() const { return Sealer(keys); }
  [[nodiscard]] ArchiverOptions options() {
    ArchiverOptions options{.made_by = "1.2.3", .clock = clock};
    options.say = [this](const std::string& told) { news.push_back(told); };
    return options;
  }

  DigestedEvent event(std::int64_t day, const std::string& group, ProjectId project = 1) {
    DigestedEvent event;
    event.project_id = project;
    event.event_id = std::string(24, 'a') + std::to_string(10'000'000 + ++count);
    event.received_at = day * kDayMs + kHourMs + count / 3;
    event.timestamp = event.received_at - 17;
    event.level = Level::kFatal;
    event.platform = "native";
    event.environment = "prod";
    event.release = "1.0";
    event.transaction = "/buy";
    event.server_name = "web-1";
    event.user = "id:" + std::to_string(count % 7);
    event.fingerprint = group;
    event.coarse_fingerprint = "coarse " + group;
    event.title = "E: \"" + group + "\",\"payload\":";
    event.type = "E";
    event.value = group;
    event.culprit = "main";
    event.tags = {{"os", "linux"}, {"ümlaut", "a,b"}};
    event.payload = "{\n\t\"number\":" + std::to_string(count) + ",\r\n \"payload\":{\"x\": 1.50}}";
    return event;
  }
  std::vector<DigestedEvent> events(std::int64_t day, int number, const std::string& group, ProjectId project = 1) {
    std::vector<DigestedEvent> events;
    for (int left = number; left > 0; --left) events.push_back(event(day, group, project));
    return events;
  }
  void append(const std::vector<DigestedEvent>& events) const {
    const auto outcome = store->append(events);
    REQUIRE_MESSAGE(outcome, (outcome ? "" : outcome.error().message));
  }

  /// Retention and archiving as a collector does them, until nothing is left to do.
  void keep_house(Archiver& archiver, RetentionPolicy policy = {.days = 90}) const {
    for (int steps = 0; steps < 20'000; ++steps) {
      policy.has_archive = true;
      policy.archive_fails = archiver.is_failing();
      const auto step = store->retain(policy);
      REQUIRE_MESSAGE(step, (step ? "" : step.error().message));
      if (step->to_archive && !archiver.work_on(*step->to_archive)) return;
      if (!step->to_archive && !step->has_more) return;
    }
    FAIL("house keeping does not come to an end");
  }
  /// What the database takes now: one that was just opened does not answer what it measured a moment ago.
  [[nodiscard]] std::int64_t measure() {
    open();
    return store->retain({.days = 0}).value().bytes_used;
  }
  void archive_and_drop(RetentionPolicy policy = {.days = 90}) {
    const Sealer with_keys = sealer();
    Archiver archiver(*store, *objects, with_keys, options());
    keep_house(archiver, policy);
    REQUIRE_FALSE(archiver.is_failing());
  }
  Result<RestoreOutcome> restore(std::int64_t day = kOldDay, UnixMillis kept_until = 0) const {
    return restore_day(*store, *objects, sealer(), {.day = day, .kept_until = kept_until});
  }

  /// All events of a day, as the API shows them, with all of their bytes.
  [[nodiscard]] std::map<std::string, std::string> shown(std::int64_t day) const {
    std::map<std::string, std::string> events;
    EventQuery query{.from = day * kDayMs, .to = (day + 1) * kDayMs, .limit = 100};
    do {
      const auto page = store->find_events(query).value();
      for (const StoredEvent& stored : page.items) {
        const auto whole = store->find_event(stored.event.project_id, stored.event.event_id).value().value();
        events[stored.event.event_id] = event_to_json(whole, true, true);
      }
      query.cursor = page.next_cursor;
    } while (!query.cursor.empty());
    return events;
  }
  [[nodiscard]] std::vector<std::string> archived_ids(std::int64_t day = kOldDay) const {
    std::vector<std::string> ids;
    const auto manifest = read_manifest(*objects, day).value().value();
    for (const auto& object : manifest.objects) {
      const auto frame = read_object(*objects, sealer(), day, object);
      REQUIRE_MESSAGE(frame, (frame ? "" : frame.error().message));
      REQUIRE(for_each_line(*frame, [&](std::string_view line) -> Status {
        ids.push_back(read_archive_line(line).value().event.event_id);
        return {};
      }));
    }
    return ids;
  }
  [[nodiscard]] std::vector<std::string> names_there() const { return objects->list("events/").value(); }
  void check_is_sound() const {
    const auto report =
        check_store(database.url(), {.is_deep = true, .store = {.files = folder.path("files"), .keys = keys}});
    REQUIRE_MESSAGE(report, (report ? "" : report.error().message));
    for (const CheckFinding& finding : report->findings) {
      CHECK_MESSAGE(finding.faults == 0, finding.what, ": ",
                    (finding.examples.empty() ? "" : finding.examples.front()));
    }
  }
};

Issue issue_of(const Fixture& fixture, const std::string& group) {
  const auto issues = fixture.store->find_issues({.limit = 100}).value();
  for (const Issue& issue : issues.items) {
    if (issue.value == group) return issue;
  }
  FAIL("there is no issue of ", group);
  return {};
}

}  // namespace

TEST_CASE("a day that is too old is archived, goes, and comes back byte by byte") {
  Fixture fixture;
  fixture.append(fixture.events(kOldDay, 250, "f"));
  fixture.append(fixture.events(kOldDay, 30, "g"));
  fixture.append(fixture.events(kToday, 5, "f"));
  const auto before = fixture.shown(kOldDay);
  REQUIRE(before.size() == 280);
  fixture.archive_and_drop();
  CHECK(fixture.shown(kOldDay).empty());
  CHECK(issue_of(fixture, "f").stored_count == 5);
  CHECK(fixture.archived_ids().size() == 280);

  const auto outcome = fixture.restore(kOldDay, kNow + 7 * kDayMs);
  REQUIRE_MESSAGE(outcome, (outcome ? "" : outcome.error().message));
  CHECK(outcome->restored == 280);
  CHECK(fixture.shown(kOldDay) == before);
  for (const auto& [group, count] : {std::pair("f", 255), std::pair("g", 30)}) {
    CHECK(issue_of(fixture, group).count == count);
    CHECK(issue_of(fixture, group).stored_count == count);
  }
  CHECK(issue_of(fixture, "f").user_count == 7);
  fixture.check_is_sound();

  CHECK(fixture.restore()->known == 280);
  CHECK(issue_of(fixture, "f").stored_count == 255);
  fixture.check_is_sound();
}

TEST_CASE("what was brought back stays for as long as was asked, and goes then without being archived again") {
  Fixture fixture;
  fixture.append(fixture.events(kOldDay, 10, "f"));
  fixture.archive_and_drop();
  const auto names = fixture.names_there();
  REQUIRE(fixture.restore(kOldDay, kNow + 7 * kDayMs));
  fixture.archive_and_drop();
  CHECK_MESSAGE(fixture.shown(kOldDay).size() == 10, fixture.news.back());
  fixture.clock.advance(std::chrono::hours(7 * 24 + 1));
  fixture.archive_and_drop();
  CHECK(fixture.shown(kOldDay).empty());
  CHECK(fixture.names_there() == names);
  fixture.check_is_sound();
}

TEST_CASE("events that were brought back are found by their users, who were forgotten meanwhile") {
  Fixture fixture;
  fixture.append(fixture.events(kOldDay, 5, "f"));
  fixture.archive_and_drop();
  const auto found = [&] {
    IssueQuery query;
    query.search = parse_search("user.email:ada@example.com", {kNow, {}}).value();
    return fixture.store->find_issues(query)->items.size();
  };
  CHECK(found() == 0);
  const AdasPayloads reader;
  REQUIRE(restore_day(*fixture.store, *fixture.objects, fixture.sealer(),
                      {.day = kOldDay, .kept_until = kNow + kDayMs, .reader = &reader}));
  CHECK(found() == 1);
  fixture.archive_and_drop();
  CHECK(found() == 1);
  fixture.check_is_sound();
}

TEST_CASE("a day that was brought back goes first when there is no room") {
  Fixture fixture;
  fixture.append(fixture.events(kOldDay, 10, "f"));
  fixture.append(fixture.events(kToday - 1, 10, "f"));
  fixture.archive_and_drop();
  REQUIRE(fixture.restore(kOldDay, kNow + 7 * kDayMs));
  const std::int64_t used = fixture.measure();
  RetentionPolicy policy{.days = 90, .most_bytes = used + used / 100, .has_archive = true};
  for (int steps = 0; !fixture.shown(kOldDay).empty(); ++steps) {
    REQUIRE(steps < 1'000);
    REQUIRE(fixture.store->retain(policy));
  }
  CHECK(fixture.shown(kToday - 1).size() == 10);
  fixture.check_is_sound();
}

TEST_CASE("lines are those of an export, with what a restore needs more") {
  Fixture fixture;
  fixture.append({fixture.event(kOldDay, "f")});
  const auto shown = fixture.shown(kOldDay);
  fixture.archive_and_drop();
  const auto manifest = read_manifest(*fixture.objects, kOldDay).value().value();
  REQUIRE(manifest.objects.size() == 1);
  std::vector<std::string> lines;
  REQUIRE(for_each_line(*read_object(*fixture.objects, {}, kOldDay, manifest.objects.front()),
                        [&](std::string_view line) -> Status {
                          lines.emplace_back(line);
                          return {};
                        }));
  REQUIRE(lines.size() == 1);
  auto line = nlohmann::json::parse(lines.front());
  auto exported = nlohmann::json::parse(shown.begin()->second);
  for (const char* neighbour : {"newer_event_id", "older_event_id"}) exported.erase(neighbour);
  CHECK(line.at("archive").at("fingerprint") == "f");
  line.erase("archive");
  CHECK(line == exported);

  const auto text = nlohmann::json::parse(**fixture.objects->get(kOldFolder + "manifest.json"));
  CHECK(text.at("day") == "2026-08-28");
  CHECK(text.at("made_by") == "1.2.3");
  CHECK(text.at("events") == 1);
  CHECK(text.at("projects") == nlohmann::json{{{"id", "1"}, {"name", "shop"}, {"events", 1}}});
  CHECK(text.at("first_received_at") == text.at("last_received_at"));
}

TEST_CASE("large days are parted into objects of bounded size") {
  Fixture fixture;
  auto events = fixture.events(kOldDay, 60, "f");
  for (DigestedEvent& event : events) {
    std::string noise;
    for (int letter = 0; letter < 2'000; ++letter) noise += static_cast<char>('a' + rand() % 26);
    event.payload = "{\"noise\":\"" + noise + "\"}";
  }
  fixture.append(events);
  const Sealer sealer;
  ArchiverOptions options = fixture.options();
  options.object_bytes = 1;
  options.slice_bytes = 20'000;
  Archiver archiver(*fixture.store, *fixture.objects, sealer, options);
  fixture.keep_house(archiver);
  const auto manifest = read_manifest(*fixture.objects, kOldDay).value().value();
  CHECK(manifest.objects.size() > 2);
  CHECK(manifest.events() == 60);
  CHECK(archiver.counts().days == 1);
  CHECK(archiver.counts().events == 60);
  CHECK(archiver.counts().bytes == manifest.bytes());
  CHECK(fixture.restore()->restored == 60);
  fixture.check_is_sound();
}

TEST_CASE("killed at any point, archiving is done again, and each event is there once") {
  bool was_whole = false;
  for (int calls = 0; !was_whole; ++calls) {
    REQUIRE(calls < 40);
    Fixture fixture;
    fixture.append(fixture.events(kOldDay, 60, "f"));
    const auto before = fixture.shown(kOldDay);
    const Sealer sealer;
    {
      DyingObjects dying(*fixture.objects, calls);
      ArchiverOptions options = fixture.options();
      options.object_bytes = 1;
      Archiver archiver(*fixture.store, dying, sealer, options);
      fixture.keep_house(archiver);
      was_whole = !archiver.is_failing();
    }
    if (!was_whole) CHECK(fixture.shown(kOldDay) == before);
    fixture.open();
    fixture.archive_and_drop();
    CHECK(fixture.shown(kOldDay).empty());
    auto ids = fixture.archived_ids();
    std::sort(ids.begin(), ids.end());
    CHECK(ids.size() == 60);
    CHECK(std::unique(ids.begin(), ids.end()) == ids.end());
    const auto manifest = read_manifest(*fixture.objects, kOldDay).value().value();
    CHECK(fixture.names_there().size() == manifest.objects.size() + 1);  // nothing is left over
    REQUIRE(fixture.restore());
    CHECK(fixture.shown(kOldDay) == before);
    fixture.check_is_sound();
  }
}

TEST_CASE("killed between the manifest and the store's word of it, nothing is written twice") {
  Fixture fixture;
  fixture.append(fixture.events(kOldDay, 20, "f"));
  const Sealer sealer;
  Archiver archiver(*fixture.store, *fixture.objects, sealer, fixture.options());
  while (!read_manifest(*fixture.objects, kOldDay).value()) REQUIRE(archiver.work_on(kOldDay));
  const auto names = fixture.names_there();
  // As if the store had not heard of it.
  REQUIRE(fixture.store->begin_archiving(kOldDay));
  fixture.archive_and_drop();
  CHECK(fixture.names_there() == names);
  CHECK(fixture.archived_ids().size() == 20);
}

TEST_CASE("an event that comes in while its day is archived, or after that, is archived, too") {
  Fixture fixture;
  fixture.append(fixture.events(kToday - 1, 50, "f"));
  const Sealer sealer;
  ArchiverOptions options = fixture.options();
  options.slice_bytes = 100;
  Archiver archiver(*fixture.store, *fixture.objects, sealer, options);
  for (int slices = 0; slices < 3; ++slices) REQUIRE(archiver.work_on(kToday - 1));
  DigestedEvent late = fixture.event(kToday - 1, "f");
  late.received_at = (kToday - 1) * kDayMs + 1;  // before what was read already
  fixture.append({late});
  while (!read_manifest(*fixture.objects, kToday - 1).value()) REQUIRE(archiver.work_on(kToday - 1));
  CHECK_FALSE(*fixture.store->end_archiving(kToday - 1));

  fixture.clock.advance(std::chrono::hours(24 * 91));
  fixture.keep_house(archiver);
  CHECK(fixture.shown(kToday - 1).empty());
  CHECK(fixture.archived_ids(kToday - 1).size() == 51);
  CHECK(fixture.restore(kToday - 1)->restored == 51);
  fixture.append({fixture.event(kToday - 1, "f")});
  fixture.archive_and_drop();
  CHECK(fixture.archived_ids(kToday - 1).size() == 52);
  fixture.check_is_sound();
}

TEST_CASE("a manifest that is missing makes the day one that is not archived") {
  Fixture fixture;
  fixture.append(fixture.events(kOldDay, 5, "f"));
  const Sealer sealer;
  {
    DyingObjects dying(*fixture.objects, 5);
    Archiver archiver(*fixture.store, dying, sealer, fixture.options());
    fixture.keep_house(archiver);
  }
  REQUIRE(fixture.names_there().size() == 1);
  const auto stray = fixture.names_there();
  CHECK(fixture.restore().error().code == "not_in_archive");
  CHECK(list_archived_days(*fixture.objects)->empty());
  fixture.archive_and_drop();
  CHECK(list_archived_days(*fixture.objects).value() == std::vector{kOldDay});
  const auto names = fixture.names_there();
  CHECK(std::find(names.begin(), names.end(), stray.front()) == names.end());
}

TEST_CASE("an object that is damaged or missing is refused before any event is stored") {
  Fixture fixture;
  for (int part = 0; part < 3; ++part) fixture.append(fixture.events(kOldDay, 20, "f"));
  const Sealer sealer;
  ArchiverOptions options = fixture.options();
  options.object_bytes = 1;
  options.slice_bytes = 1'000;
  Archiver archiver(*fixture.store, *fixture.objects, sealer, options);
  fixture.keep_house(archiver);
  const auto manifest = read_manifest(*fixture.objects, kOldDay).value().value();
  REQUIRE(manifest.objects.size() > 1);
  const std::string last = kOldFolder + manifest.objects.back().name;
  std::string bytes = **fixture.objects->get(last);
  std::string damaged = bytes;
  damaged[damaged.size() / 2] ^= 1;
  REQUIRE(fixture.objects->put(last, damaged));
  CHECK(fixture.restore().error().code == "archive_damaged");
  CHECK(fixture.restore().error().message.find(last) != std::string::npos);
  CHECK(fixture.shown(kOldDay).empty());
  REQUIRE(fixture.objects->remove(last));
  CHECK(fixture.restore().error().message.find("is missing") != std::string::npos);
  CHECK(fixture.shown(kOldDay).empty());
  REQUIRE(fixture.objects->put(last, bytes));
  CHECK(fixture.restore()->restored == 60);
}

TEST_CASE("a restore that is broken off goes on where it was") {
  Fixture fixture;
  fixture.append(fixture.events(kOldDay, 500, "f"));
  const auto before = fixture.shown(kOldDay);
  fixture.archive_and_drop();
  int calls = 0;
  const auto broken = restore_day(*fixture.store, *fixture.objects, fixture.sealer(),
                                  {.day = kOldDay, .on_progress = [&](std::uint64_t done, std::uint64_t total) {
                                     CHECK(done <= total);
                                     return ++calls < 4;
                                   }});
  CHECK(broken.error().code == "broken_off");
  CHECK(fixture.shown(kOldDay).size() == 400);
  fixture.check_is_sound();
  const auto outcome = fixture.restore();
  CHECK(outcome->restored == 100);
  CHECK(outcome->known == 400);
  CHECK(fixture.shown(kOldDay) == before);
  fixture.check_is_sound();
}

TEST_CASE("as long as the archive cannot be written days stay, and only above the limit of bytes they do not") {
  Fixture fixture;
  fixture.append(fixture.events(kOldDay, 100, "f"));
  fixture.append(fixture.events(kToday - 1, 100, "f"));
  DyingObjects dead(*fixture.objects, 0);
  const Sealer sealer;
  Archiver archiver(*fixture.store, dead, sealer, fixture.options());
  fixture.keep_house(archiver);
  CHECK(archiver.is_failing());
  CHECK(archiver.counts().failures == 1);
  CHECK(archiver.work_on(kOldDay));  // not again at once
  CHECK(archiver.counts().failures == 1);
  fixture.clock.advance(std::chrono::seconds(16));
  CHECK_FALSE(archiver.work_on(kOldDay));
  CHECK(fixture.shown(kOldDay).size() == 100);

  const std::int64_t used = fixture.measure();
  RetentionPolicy policy{.days = 90, .most_bytes = used + used / 100, .has_archive = true, .archive_fails = true};
  for (int steps = 0; steps < 50; ++steps) {
    const auto step = fixture.store->retain(policy).value();
    CHECK((step.has_more || step.to_archive == kOldDay));
    CHECK_FALSE(step.goes_unarchived);
  }
  CHECK(fixture.shown(kOldDay).size() == 100);
  policy.most_bytes = used / 4;
  policy.days = 0;
  bool goes_unarchived = false;
  for (int steps = 0; steps < 200 && !goes_unarchived; ++steps) {
    const auto step = fixture.store->retain(policy).value();
    goes_unarchived = step.goes_unarchived;
    if (goes_unarchived && !step.news.empty()) CHECK(step.news.find("LOST") != std::string::npos);
  }
  CHECK(goes_unarchived);
}

TEST_CASE("before a day is thinned, and before a project's own events go earlier, it is archived") {
  Fixture fixture;
  REQUIRE(fixture.store->create_project("short", std::string(32, 'b')));
  REQUIRE(fixture.store->change_project(2, [](std::string&, IngestSettings& settings) {
    settings.retention_days = 7;
    return Status{};
  }));
  fixture.append(fixture.events(kToday - 8, 20, "f", 1));
  fixture.append(fixture.events(kToday - 8, 20, "f", 2));
  fixture.archive_and_drop();
  CHECK(fixture.shown(kToday - 8).size() == 20);
  CHECK(fixture.archived_ids(kToday - 8).size() == 40);

  fixture.append(fixture.events(kToday - 2, 400, "f"));
  const std::int64_t used = fixture.measure();
  const Sealer sealer;
  Archiver archiver(*fixture.store, *fixture.objects, sealer, fixture.options());
  RetentionPolicy policy{.days = 90, .most_bytes = used + used / 33, .has_archive = true};
  for (int steps = 0; fixture.shown(kToday - 2).size() == 400; ++steps) {
    REQUIRE(steps < 2'000);
    const auto step = fixture.store->retain(policy).value();
    CHECK_FALSE(step.goes_unarchived);
    if (step.to_archive) REQUIRE(archiver.work_on(*step.to_archive));
  }
  CHECK(fixture.archived_ids(kToday - 2).size() == 400);
}

TEST_CASE("an encrypted store's archive is sealed, and opens with the key alone") {
  const auto key = [](char digit) { return EncryptionKey::parse(std::string(64, digit)).value(); };
  Fixture fixture({key('1')});
  auto events = fixture.events(kOldDay, 10, "f");
  for (DigestedEvent& event : events) event.payload = "{\"secret\":\"Zq7#marker%Xw2\"}";
  fixture.append(events);
  const auto before = fixture.shown(kOldDay);
  fixture.archive_and_drop();
  for (const std::string& name : fixture.names_there()) {
    const std::string bytes = **fixture.objects->get(name);
    CHECK(bytes.find("\x28\xB5\x2F\xFD") == std::string::npos);  // no zstd frame in the clear
    CHECK((name.ends_with("manifest.json") || name.ends_with(".sealed")));
  }
  const auto manifest = read_manifest(*fixture.objects, kOldDay).value().value();
  CHECK(manifest.objects.front().sealed_with == key('1').id());
  const auto without = restore_day(*fixture.store, *fixture.objects, Sealer({key('2')}), {.day = kOldDay});
  CHECK(without.error().code == "missing_key");
  CHECK(without.error().message.find(key_id_text(key('1').id())) != std::string::npos);
  CHECK(fixture.restore()->restored == 10);
  CHECK(fixture.shown(kOldDay) == before);
}

TEST_CASE("sealed objects do not open in each other's place") {
  const Sealer sealer({EncryptionKey::parse(std::string(64, '1')).value()});
  Fixture fixture;
  LinePacker packer;
  packer.add("x\n");
  auto object = write_object(*fixture.objects, sealer, kOldDay, packer.finish()).value();
  CHECK(read_object(*fixture.objects, sealer, kOldDay, object));
  REQUIRE(fixture.objects->put("events/2026-08-29/" + object.name, **fixture.objects->get(kOldFolder + object.name)));
  CHECK(read_object(*fixture.objects, sealer, kOldDay + 1, object).error().code == "archive_damaged");
}

TEST_CASE("in another database issues are made anew and counted once, also when the restore is broken off") {
  Fixture source;
  source.append(source.events(kOldDay, 500, "f"));
  source.append(source.events(kOldDay, 3, "g"));
  source.archive_and_drop();
  Fixture target;
  target.append(target.events(kToday, 2, "g"));
  int calls = 0;
  CHECK_FALSE(restore_day(*target.store, *source.objects, {},
                          {.day = kOldDay, .on_progress = [&](std::uint64_t, std::uint64_t) { return ++calls < 4; }}));
  target.check_is_sound();
  REQUIRE(restore_day(*target.store, *source.objects, {}, {.day = kOldDay}));
  for (const auto& [group, count] : {std::pair("f", 500), std::pair("g", 5)}) {
    CHECK(issue_of(target, group).count == count);
    CHECK(issue_of(target, group).stored_count == count);
  }
  target.check_is_sound();
}

TEST_CASE("events go to the project that has the name, or the number, and to no other") {
  Fixture source;
  REQUIRE(source.store->create_project("blog", std::string(32, 'b')));
  source.append(source.events(kOldDay, 4, "f", 1));
  source.append(source.events(kOldDay, 6, "f", 2));
  source.archive_and_drop();
  Fixture target;  // "shop" alone
  const auto all = restore_day(*target.store, *source.objects, {}, {.day = kOldDay});
  CHECK(all.error().code == "no_such_project");
  CHECK(all.error().message.find("blog") != std::string::npos);
  CHECK(restore_day(*target.store, *source.objects, {}, {.day = kOldDay, .project = "shop"})->restored == 4);
  CHECK(restore_day(*target.store, *source.objects, {}, {.day = kOldDay, .project = "nobody"}).error().code ==
        "not_in_archive");
  REQUIRE(target.store->create_project("x", std::string(32, 'x')));
  REQUIRE(target.store->create_project("blog", std::string(32, 'b')));
  CHECK(restore_day(*target.store, *source.objects, {}, {.day = kOldDay, .project = "blog"})->restored == 6);
  CHECK(target.store->find_events({.project_id = 3, .limit = 100})->items.size() == 6);
}

TEST_CASE("a day is rewritten without the events that somebody names, and nothing of them is left") {
  const Sealer sealer({EncryptionKey::parse(std::string(64, '1')).value()});
  Fixture fixture({EncryptionKey::parse(std::string(64, '1')).value()});
  fixture.append(fixture.events(kOldDay, 20, "f"));
  fixture.append(fixture.events(kOldDay, 50, "g"));
  ArchiverOptions options = fixture.options();
  options.object_bytes = 1;
  Archiver archiver(*fixture.store, *fixture.objects, sealer, options);
  fixture.keep_house(archiver);
  const auto before = read_manifest(*fixture.objects, kOldDay).value().value();
  REQUIRE(before.objects.size() > 1);
  const auto is_of_user = [](const StoredEvent& stored) {
    return stored.event.user == "id:3" && stored.event.payload.find("\n") != std::string::npos;
  };
  bool is_done = false;
  for (int calls = 0; !is_done; ++calls) {
    REQUIRE(calls < 60);
    DyingObjects dying(*fixture.objects, calls);
    is_done = rewrite_day(dying, sealer, kOldDay, is_of_user).ok();
    REQUIRE(read_manifest(*fixture.objects, kOldDay)->has_value());
    CHECK(fixture.archived_ids().size() >= 60);  // what it names can be read at any time
  }
  const auto after = read_manifest(*fixture.objects, kOldDay).value().value();
  CHECK(after.events() == 60);
  CHECK(fixture.archived_ids().size() == 60);
  CHECK(fixture.names_there().size() == after.objects.size() + 1);
  CHECK(rewrite_day(*fixture.objects, sealer, kOldDay, is_of_user)->removed == 0);
  CHECK(fixture.restore()->restored == 60);
  const auto all = rewrite_day(*fixture.objects, sealer, kOldDay, [](const StoredEvent&) { return true; });
  CHECK(all->removed == 60);
  CHECK(fixture.names_there() == std::vector{kOldFolder + "manifest.json"});
  CHECK(fixture.restore()->restored == 0);
}

TEST_CASE("who is erased while a day is being archived is not in the archive afterwards") {
  Fixture fixture;
  fixture.append(fixture.events(kOldDay, 70, "f"));
  Archiver archiver(*fixture.store, *fixture.objects, {}, fixture.options());
  for (int slices = 0; slices < 2; ++slices) REQUIRE(archiver.work_on(kOldDay));
  const NoPayloads reader;
  const UserSelector user{{{UserField::kId, "3"}}, std::nullopt};
  const auto erasure = fixture.store->begin_erasure(user, reader, false).value();
  CHECK(fixture.store->begin_erasure(user, reader, false).error().code == "conflict");
  CHECK(fixture.store->begin_erasure(user, reader, true));
  while (fixture.store->erase_some(*erasure)->has_more) {
  }
  const Sealer sealer;
  const ArchiveInUse archive{*fixture.objects, sealer, nullptr, [&] { archiver.drop_work(); }};
  REQUIRE(erase_from_archive(archive, user, reader, false, [](int) { return true; }));
  fixture.keep_house(archiver);
  CHECK(fixture.archived_ids().size() == 60);
  const auto found = erase_from_archive(archive, user, reader, true, [](int) { return true; });
  REQUIRE(found);
  CHECK(found->events.empty());
}

TEST_CASE("what archiving that was killed has left behind goes when a user is erased") {
  Fixture fixture;
  fixture.append(fixture.events(kOldDay, 60, "f"));
  const Sealer sealer;
  {
    ArchiverOptions options = fixture.options();
    options.object_bytes = 1;
    Archiver archiver(*fixture.store, *fixture.objects, sealer, options);
    while (fixture.names_there().empty()) REQUIRE(archiver.work_on(kOldDay));
  }
  REQUIRE_FALSE(read_manifest(*fixture.objects, kOldDay).value());
  const std::string half_written = fixture.folder.path("cold/" + archive_folder_of(kOldDay) + ".part-0011");
  std::ofstream(half_written) << "half an object";
  const UserSelector user{{{UserField::kId, "3"}}, std::nullopt};
  const ArchiveInUse archive{*fixture.objects, sealer};
  REQUIRE(erase_from_archive(archive, user, NoPayloads(), true, [](int) { return true; }));
  CHECK(fs::exists(half_written));
  REQUIRE(erase_from_archive(archive, user, NoPayloads(), false, [](int) { return true; }));
  CHECK(fixture.names_there().empty());
  CHECK_FALSE(fs::exists(half_written));
}

TEST_CASE("of several collectors on one database one archives, and another when that one is gone") {
  if (!is_on_postgres()) return;
  Fixture fixture;
  fixture.append(fixture.events(kOldDay, 5, "f"));
  const RetentionPolicy policy{.days = 90, .has_archive = true};
  CHECK(fixture.store->retain(policy)->to_archive == kOldDay);
  const auto other = open_store(fixture.database.url(), fixture.clock).value();
  CHECK_FALSE(other->retain(policy)->to_archive);
  fixture.store.reset();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (other->retain(policy)->to_archive != kOldDay) REQUIRE(std::chrono::steady_clock::now() < deadline);
}

TEST_CASE("a bucket serves as well as a folder") {
  BucketServer server;
  Fixture fixture;
  fixture.objects =
      open_objects({.url = "s3://cold/trapline",
                    .endpoint = server.endpoint(),
                    .region = std::string(BucketServer::kRegion),
                    .credentials = {std::string(BucketServer::kAccessKey), std::string(BucketServer::kSecretKey), ""}})
          .value();
  fixture.append(fixture.events(kOldDay, 100, "f"));
  const auto before = fixture.shown(kOldDay);
  server.fail_next(2, 503);
  fixture.archive_and_drop();
  CHECK(fixture.restore()->restored == 100);
  CHECK(fixture.shown(kOldDay) == before);
  CHECK(server.wrong_signatures() == 0);
}

TEST_CASE("a manifest that makes no sense is refused") {
  for (const char* text : {"", "{}", "[]", R"({"kind":"trapline events","format":2,"day":"2026-01-02"})",
                           R"({"kind":"trapline events","format":1,"day":"2026-13-02"})"}) {
    CHECK_MESSAGE(DayManifest::parse(text).error().code == "archive_damaged", text);
  }
  DayManifest manifest;
  manifest.day = kOldDay;
  manifest.objects.push_back({"../../etc/passwd", 1, "x", {{1, 1}}, {}});
  CHECK(DayManifest::parse(manifest.to_json()).error().message.find("which no archive has") != std::string::npos);
}

TEST_CASE("lines that make no sense are refused") {
  for (const char* line : {"", "{", "{}", "{\"payload\":1}", "{\"archive\":{},\"payload\":{}}"}) {
    CHECK_MESSAGE(read_archive_line(line).error().code == "archive_damaged", line);
  }
  Fixture fixture;
  StoredEvent stored;
  stored.event = fixture.event(kOldDay, "f");
  std::string line = archive_line(stored);
  line.pop_back();
  REQUIRE(read_archive_line(line));
  CHECK(read_archive_line(line).value().event.payload == stored.event.payload);
  line.insert(line.size() - 1, " ");
  CHECK(read_archive_line(line).error().message.find("another length") != std::string::npos);
  const auto nothing = [](std::string_view) { return Status{}; };
  CHECK(for_each_line("no frame", nothing).error().code == "archive_damaged");
  LinePacker packer;
  packer.add("half a line");
  const std::string frame = packer.finish();
  CHECK(for_each_line(frame, nothing).error().message.find("ends in the middle") != std::string::npos);
  CHECK_FALSE(for_each_line(frame.substr(0, frame.size() / 2), nothing));
}
