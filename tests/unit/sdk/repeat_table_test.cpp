#include "sdk/client/repeat_table.h"

#include <vector>

#include <doctest/doctest.h>

using namespace trapline::sdk;

namespace {

constexpr trapline::core::UnixMillis kNow = 1795223297000;

struct Table {
  std::vector<RepeatSlot> memory = std::vector<RepeatSlot>(RepeatTable::kSlots);
  RepeatTable table{reinterpret_cast<char*>(memory.data()), std::chrono::milliseconds(5'000)};
  std::uint8_t next_id = 0;

  RepeatDecision count(std::uint64_t key, trapline::core::UnixMillis now = kNow) {
    EventIdBytes id{};
    id[0] = ++next_id;
    return table.count(key, now, id);
  }
};

}  // namespace

TEST_CASE("of identical errors the first goes out, the second waits for the count, powers of ten are samples") {
  Table table;
  std::vector<int> sent;
  int counted = 0;
  CHECK(table.count(10) == RepeatDecision::kSend);
  CHECK(table.count(10) == RepeatDecision::kHold);
  for (int number = 3; number <= 1'500; ++number) {
    const RepeatDecision decision = table.count(10);
    if (decision == RepeatDecision::kSend) sent.push_back(number);
    counted += decision == RepeatDecision::kCount ? 1 : 0;
  }
  CHECK(sent == std::vector<int>{10, 100, 1'000});
  const auto finished = table.table.finish(kNow + 5'000, false);
  REQUIRE(finished.size() == 1);
  CHECK(finished[0].held_id[0] == 2);
  CHECK(finished[0].count == static_cast<std::uint64_t>(counted) + 1);
  CHECK(counted + 1 + 1 + 3 == 1'500);
}

TEST_CASE("another error is another one, and a new window begins anew") {
  Table table;
  CHECK(table.count(2) == RepeatDecision::kSend);
  CHECK(table.count(4) == RepeatDecision::kSend);
  CHECK(table.count(2, kNow + 5'000) == RepeatDecision::kSend);
  CHECK(table.count(2, kNow + 5'001) == RepeatDecision::kHold);
  CHECK(table.table.next_end() == kNow + 10'000);
  CHECK(table.table.finish(kNow + 9'999, false).empty());
  CHECK(table.table.finish(kNow + 9'999, true).size() == 1);
  CHECK(table.table.next_end() == 0);
}

TEST_CASE("a clock that jumps back ends the window instead of stretching it") {
  Table table;
  table.count(2);
  table.count(2);
  CHECK(table.table.finish(kNow - 3'600'000, false).size() == 1);
  CHECK(table.count(2, kNow - 3'600'000) == RepeatDecision::kSend);
}

TEST_CASE("when the event to be held could not be written, the next one is held") {
  Table table;
  table.count(2);
  CHECK(table.count(2) == RepeatDecision::kHold);
  table.table.forget_held(2);
  CHECK(table.count(2) == RepeatDecision::kHold);
}

TEST_CASE("a full table sends what it cannot gather") {
  Table table;
  int held = 0;
  for (std::uint64_t key = 2; key < 2'000; key += 2) {
    CHECK(table.count(key) == RepeatDecision::kSend);
    held += table.count(key) == RepeatDecision::kHold ? 1 : 0;
  }
  CHECK(held > 100);
  CHECK(held <= static_cast<int>(RepeatTable::kSlots));
}

TEST_CASE("the counts of a process that is gone are read from its memory") {
  Table table;
  for (int number = 0; number < 7; ++number) table.count(2);
  const auto left = RepeatTable::read(reinterpret_cast<const char*>(table.memory.data()));
  REQUIRE(left.size() == 1);
  CHECK(left[0].count == 6);
}
