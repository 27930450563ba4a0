#include "sdk/recorder/event_ring.h"

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace trapline::sdk;

namespace {

constexpr std::size_t kCapacity = 4096;

struct Ring {
  RingControl control;
  std::vector<std::uint64_t> memory = std::vector<std::uint64_t>(kCapacity / 8);
  EventRing ring{control, reinterpret_cast<char*>(memory.data()), kCapacity};

  [[nodiscard]] std::string_view bytes() const { return {reinterpret_cast<const char*>(memory.data()), kCapacity}; }
  bool write(std::string text) {
    text.resize((text.size() + 7) / 8 * 8);  // payloads are a multiple of 8 bytes
    const auto room = ring.reserve(text.size());
    if (room.payload == nullptr) return false;
    std::memcpy(room.payload, text.data(), text.size());
    ring.commit(room, RecordKind::kEvent, 0);
    return true;
  }
  /// Takes the next record out; empty when there is none.
  std::string read() {
    const auto record = ring.peek(ring.tail());
    if (!record) return {};
    std::string text(record->payload);
    ring.release(record->next_position);
    return text.c_str();  // without the padding
  }
  [[nodiscard]] std::vector<std::string> left() const {
    EventRingReader reader(bytes(), ring.tail(), ring.head());
    std::vector<std::string> texts;
    while (const auto record = reader.next()) texts.emplace_back(std::string(record->payload).c_str());
    return texts;
  }
};

}  // namespace

TEST_CASE("records come out in order, lap after lap, whatever their lengths") {
  Ring ring;
  for (int number = 0; number < 1'000; ++number) {
    const std::string text = std::to_string(number) + std::string(static_cast<std::size_t>(number * 37 % 800), 'x');
    REQUIRE(ring.write(text));
    if (number % 3 == 0) ring.ring.rewind_if_empty();
    REQUIRE(ring.read() == text);
  }
  CHECK(ring.read().empty());
}

TEST_CASE("a full ring takes nothing more, and everything again once it was read") {
  Ring ring;
  int written = 0;
  while (ring.write("record " + std::to_string(written))) ++written;
  CHECK(written > 50);
  CHECK_FALSE(ring.write("one more"));
  for (int number = 0; number < written; ++number) CHECK(ring.read() == "record " + std::to_string(number));
  CHECK(ring.write("again"));
}

TEST_CASE("a record larger than a quarter of the ring is refused") {
  Ring ring;
  CHECK_FALSE(ring.write(std::string(kCapacity / 4, 'x')));
  CHECK(ring.write(std::string(ring.ring.largest_payload(), 'x')));
}

TEST_CASE("what a process left in its ring is found, but not what it had only begun to write") {
  Ring ring;
  REQUIRE(ring.write("first"));
  const auto torn = ring.ring.reserve(300);
  std::memcpy(torn.payload, "half", 4);
  REQUIRE(ring.write("third"));
  CHECK(ring.left() == std::vector<std::string>{"first", "third"});
}

TEST_CASE("a record is never read when a byte of it is damaged, and the others still are") {
  for (std::size_t damaged = 0; damaged < 64; ++damaged) {
    CAPTURE(damaged);
    Ring ring;
    REQUIRE(ring.write("a record of 32 bytes, no more!!!"));
    REQUIRE(ring.write("second"));
    reinterpret_cast<char*>(ring.memory.data())[damaged] ^= 0x40;
    CHECK(ring.left() == std::vector<std::string>{"second"});
  }
}

TEST_CASE("positions of no sense are read as an empty ring, in bounded time") {
  Ring ring;
  REQUIRE(ring.write("a record"));
  for (const std::uint64_t from : {UINT64_MAX, UINT64_MAX - 23, UINT64_MAX / 2 + 1, std::uint64_t{100}}) {
    for (const std::uint64_t head : {UINT64_MAX, std::uint64_t{0}, std::uint64_t{64}}) {
      EventRingReader reader(ring.bytes(), from, head);
      CHECK_FALSE(reader.next());
    }
  }
  EventRingReader of_nothing({}, 0, 100);
  CHECK_FALSE(of_nothing.next());
}

TEST_CASE("records of an earlier lap are not read again") {
  Ring ring;
  for (int number = 0; number < 100; ++number) {
    REQUIRE(ring.write("record " + std::to_string(number)));
    ring.read();
  }
  CHECK(ring.left().empty());
}

TEST_CASE("many threads write and one reads: every record once, each whole") {
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  Ring ring;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kThreads; ++writer) {
    writers.emplace_back([&ring, writer] {
      for (int number = 0; number < kEach;) {
        if (ring.write(std::to_string(writer) + ":" + std::to_string(number))) {
          ++number;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  std::vector<int> next(kThreads);
  for (int total = 0; total < kThreads * kEach;) {
    const std::string text = ring.read();
    if (text.empty()) {
      ring.ring.rewind_if_empty();
      continue;
    }
    ++total;
    const int writer = text[0] - '0';
    REQUIRE(text == std::to_string(writer) + ":" + std::to_string(next[static_cast<std::size_t>(writer)]++));
  }
  for (std::thread& writer : writers) writer.join();
}
