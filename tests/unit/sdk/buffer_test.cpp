#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include "sdk/delivery/memory_buffer.h"
#include "sdk/delivery/sqlite_buffer.h"
#include "tests/support/buffer_fixture.h"

using namespace trapline::sdk;
using namespace trapline::tests;

TEST_CASE("events stay in order until they are removed, also over a restart") {
  Fixture fixture;
  {
    const auto buffer = fixture.open();
    REQUIRE(buffer);
    CHECK(buffer->add(kRun, 100, {item(1), item(2)}) == Kept::kDurable);
    CHECK(buffer->add(kRun, 200, {item(3)}) == Kept::kDurable);
    CHECK(buffer->drained(kRun).position == 200);
    CHECK(buffer->drained(kRun).events == 3);
  }
  const auto buffer = fixture.open();
  CHECK(ids(*buffer) == std::vector<std::string>{"id1", "id2", "id3"});
  const auto first = buffer->take(ItemKind::kEvent, 1, SIZE_MAX);
  buffer->remove(first, Fate::kDelivered);
  CHECK(ids(*buffer) == std::vector<std::string>{"id2", "id3"});
  CHECK(fixture.ledger.of(Fate::kDelivered) == 1);
  CHECK(buffer->own_events() == 2);
}

TEST_CASE("what is taken at once is bounded by number and bytes, but never less than one") {
  Fixture fixture;
  const auto buffer = fixture.open();
  buffer->add(kRun, 1, {item(1, 1'000), item(2, 1'000), item(3, 1'000)});
  CHECK(buffer->take(ItemKind::kEvent, 2, SIZE_MAX).size() == 2);
  CHECK(buffer->take(ItemKind::kEvent, 10, 1'500).size() == 1);
  CHECK(buffer->take(ItemKind::kEvent, 10, 1).size() == 1);
}

TEST_CASE("the oldest make room: by bytes, by number, by age; each is counted") {
  Fixture fixture;
  SUBCASE("bytes") {
    const auto buffer = fixture.open({.max_bytes = 1 << 20});
    for (int number = 0; number < 400; ++number)
      REQUIRE(buffer->add(kRun, 1, {item(number, 10'000)}) == Kept::kDurable);
    const auto kept = ids(*buffer);
    CHECK(kept.size() < 110);
    CHECK(kept.size() > 60);
    CHECK(kept.back() == "id399");
    CHECK(kept.size() + fixture.ledger.of(Fate::kEvicted) == 400);
    CHECK(std::filesystem::file_size(fixture.folder.path("events.db")) < std::size_t{3} << 20);
  }
  SUBCASE("number") {
    const auto buffer = fixture.open({.max_events = 10});
    for (int number = 0; number < 25; ++number) REQUIRE(buffer->add(kRun, 1, {item(number)}) == Kept::kDurable);
    CHECK(ids(*buffer).size() == 10);
    CHECK(fixture.ledger.of(Fate::kEvicted) == 15);
  }
  SUBCASE("age") {
    const auto buffer = fixture.open({.max_age = 1'000});
    buffer->add(kRun, 1, {item(1)});
    buffer->evict_old(trapline::core::system_clock().unix_millis());
    CHECK(buffer->own_events() == 1);
    buffer->evict_old(trapline::core::system_clock().unix_millis() + 5'000);
    CHECK(buffer->own_events() == 0);
    CHECK(fixture.ledger.of(Fate::kEvicted) == 1);
  }
  CHECK_FALSE(fixture.reports.empty());
}

TEST_CASE("two processes share a file: each sends its own, and takes over what a gone one left") {
  Fixture fixture;
  const auto mine = fixture.open();
  const auto other = fixture.open({}, kOtherRun);
  mine->add(kRun, 1, {item(1)});
  other->add(kOtherRun, 1, {item(2)});
  CHECK(ids(*mine) == std::vector<std::string>{"id1"});
  CHECK(ids(*other) == std::vector<std::string>{"id2"});
  CHECK(mine->other_runs() == std::vector<std::string>{kOtherRun, kOtherRun});
  mine->adopt(kOtherRun, {});
  CHECK(ids(*mine) == std::vector<std::string>{"id1", "id2"});
  CHECK(ids(*other).empty());
  mine->remove(mine->take(ItemKind::kEvent, 10, SIZE_MAX), Fate::kDelivered);
  CHECK(fixture.ledger.of(Fate::kDelivered) == 1);  // the other's is not this process's
}

TEST_CASE("a gone run's counters stay, with what becomes of its events, until a server was told all of them") {
  Fixture fixture;
  fixture.open({}, kOtherRun)->add(kOtherRun, 8, {item(1), item(2), item(3)});
  const auto mine = fixture.open();
  CHECK_FALSE(mine->untold_ledger());
  mine->adopt(kOtherRun, {9, {{Fate::kSampled, 4}, {Fate::kTorn, 1}, {Fate::kTorn, 1}}, "shop@1"});
  mine->adopt(kOtherRun, {9, {{Fate::kSampled, 4}}, "shop@1"});  // a second takeover changes nothing
  CHECK_FALSE(mine->untold_ledger());                            // its events bring them along
  std::vector<BufferedItem> items = mine->take(ItemKind::kEvent, 10, SIZE_MAX);
  CHECK(items.at(0).run_id == kOtherRun);
  REQUIRE(mine->remove({items[0], items[1]}, Fate::kDelivered));
  REQUIRE(mine->remove({items[2]}, Fate::kRejected));
  const auto untold = mine->untold_ledger();
  REQUIRE(untold);
  CHECK(untold->release == "shop@1");
  CHECK(untold->captured == 9);
  CHECK(untold->of(Fate::kSampled) == 4);
  CHECK(untold->of(Fate::kTorn) == 2);
  CHECK(untold->reached() == 3);
  CHECK(untold->captured == untold->reached() + untold->dropped());
  mine->evict_old(0);
  CHECK(mine->untold_ledger());
  CHECK(mine->note_told(kOtherRun, told_by(*untold, 0)));
  CHECK_FALSE(mine->untold_ledger());
  mine->evict_old(0);
  CHECK(mine->ledger(kOtherRun).captured == 0);
  CHECK(mine->other_runs().empty());
}

TEST_CASE("what is evicted is counted for the run that captured it, also where its recorder is lost") {
  Fixture fixture;
  fixture.open({}, kOtherRun)->add(kOtherRun, 8, {item(1), item(2)});
  const auto mine = fixture.open({.max_events = 2});
  mine->add(kRun, 8, {item(3)});
  CHECK(mine->ledger(kOtherRun).of(Fate::kEvicted) == 1);
  CHECK(mine->ledger(kOtherRun).captured == 0);
  CHECK(mine->ledger(kRun).of(Fate::kEvicted) == 0);
  CHECK_FALSE(mine->untold_ledger());
}

TEST_CASE("a module list stays while a process may still name it, though no event does") {
  Fixture fixture;
  const auto mine = fixture.open();
  const auto other = fixture.open({}, kOtherRun);
  const std::int64_t cached = mine->put_images("{\"images\":[1]}");
  other->put_images("{\"images\":[2]}");
  other->evict_old(trapline::core::system_clock().unix_millis());
  CHECK(mine->images(cached) == "{\"images\":[1]}");
}

TEST_CASE("an event that is held waits for its count") {
  Fixture fixture;
  const auto buffer = fixture.open();
  buffer->add(kRun, 1, {item(1), item(2, 10, true)});
  CHECK(ids(*buffer) == std::vector<std::string>{"id1"});
  buffer->finish_repeats({{"id2", 17, 1795223297000}});
  const auto items = buffer->take(ItemKind::kEvent, 10, SIZE_MAX);
  REQUIRE(items.size() == 2);
  CHECK(items[1].repeat_count == 17);
}

TEST_CASE("a damaged file is set aside and a new one begun") {
  Fixture fixture;
  std::ofstream(fixture.folder.path("events.db")) << std::string(100'000, 'x');
  const auto buffer = fixture.open();
  REQUIRE(buffer);
  CHECK(buffer->add(kRun, 1, {item(1)}) == Kept::kDurable);
  int set_aside = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fixture.folder.path(""))) {
    set_aside += entry.path().string().find(".corrupt-") != std::string::npos ? 1 : 0;
  }
  CHECK(set_aside == 1);
  CHECK(fixture.reports.size() == 1);
}

TEST_CASE("a file that is damaged inside is set aside when that shows, and it goes on") {
  Fixture fixture;
  {
    const auto buffer = fixture.open();
    for (int number = 0; number < 50; ++number) REQUIRE(buffer->add(kRun, 1, {item(number, 5'000)}) == Kept::kDurable);
  }
  {
    std::fstream file(fixture.folder.path("events.db"), std::ios::in | std::ios::out | std::ios::binary);
    constexpr std::streamoff kAfterSchema = 16'384;
    file.seekp(kAfterSchema);
    file.write(std::string(200'000, 'x').data(), 200'000);
  }
  auto buffer = fixture.open();
  REQUIRE(buffer);
  bool is_added = false;
  for (int attempt = 0; attempt < 10 && !is_added; ++attempt)
    is_added = buffer->add(kRun, 2, {item(100)}) == Kept::kDurable;
  CHECK(is_added);
  CHECK(ids(*buffer) == std::vector<std::string>{"id100"});
  CHECK_FALSE(fixture.reports.empty());
}

TEST_CASE("the buffer in memory is bounded, the oldest make room") {
  LedgerCounters ledger;
  const auto buffer = make_memory_buffer(10'000, ledger);
  for (int number = 0; number < 20; ++number) buffer->add(kRun, 1, {item(number, 1'000)});
  CHECK(buffer->own_events() == 9);
  CHECK(ledger.of(Fate::kEvicted) == 11);
  CHECK(buffer->lose_volatile() == 9);
  CHECK(ledger.of(Fate::kBufferFailed) == 9);
}

TEST_CASE("a file that cannot be made gives no buffer, and the reason") {
  LedgerCounters ledger;
  std::string told;
  CHECK_FALSE(open_sqlite_buffer("/proc/nowhere/events.db", kRun, {}, ledger,
                                 [&](const std::string& sentence) { told = sentence; }));
  CHECK(told.find("/proc/nowhere") != std::string::npos);
}
