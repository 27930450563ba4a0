#include "sdk/stack/macos/frame_walk.h"

#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/macos/stand_in_kernel.h"

using trapline::sdk::FrameRegisters;
using trapline::sdk::FrameWalk;
using trapline::tests::stand_in_memory;

namespace {

using Addresses = std::vector<std::uintptr_t>;

Addresses walk(const FrameRegisters& registers) {
  FrameWalk frames(registers);
  Addresses found;
  while (const auto address = frames.next()) found.push_back(*address);
  return found;
}

/// Two frames on the stack, the outer one the last: what main() and the function it called have pushed.
void push_two_frames() {
  stand_in_memory() = {};
  stand_in_memory().words = {{0xF000, 0xF100}, {0xF008, 0x2345}, {0xF100, 0}, {0xF108, 0x3456}};
}

}  // namespace

TEST_CASE("a stack is walked from frame to frame to its end") {
  push_two_frames();
  CHECK(walk({.pc = 0x1234, .sp = 0xEF00, .fp = 0xF000, .link = 0}) == Addresses{0x1235, 0x2345, 0x3456});
}

TEST_CASE("the caller of a function without a frame is known by the link register") {
  push_two_frames();
  CHECK(walk({.pc = 0x1234, .sp = 0xEF00, .fp = 0xF000, .link = 0x4567}) == Addresses{0x1235, 0x4567, 0x2345, 0x3456});
}

TEST_CASE("a link register that says what the frame says adds nothing") {
  push_two_frames();
  CHECK(walk({.pc = 0x1234, .sp = 0xEF00, .fp = 0xF000, .link = 0x2345}) == Addresses{0x1235, 0x2345, 0x3456});
}

TEST_CASE("a link register that holds anything else is not believed") {
  push_two_frames();
  CHECK(walk({.pc = 0x1234, .sp = 0xEF00, .fp = 0xF000, .link = 0x123456}) == Addresses{0x1235, 0x2345, 0x3456});
}

TEST_CASE("signatures in the upper bits of addresses are left out") {
  push_two_frames();
  stand_in_memory().words[0xF008] = 0xABCD000000002345;
  CHECK(walk({.pc = 0x1234, .sp = 0xEF00, .fp = 0xF000, .link = 0x1230000000004567}) ==
        Addresses{0x1235, 0x4567, 0x2345, 0x3456});
}

TEST_CASE("a call to an address without code is followed back by the link register, or by what the call has pushed") {
  push_two_frames();
  CHECK(walk({.pc = 0xDEAD0000, .sp = 0xEF00, .fp = 0xF000, .link = 0x4567}) ==
        Addresses{0xDEAD0001, 0x4567, 0x2345, 0x3456});
  stand_in_memory().words[0xEF00] = 0x5678;
  CHECK(walk({.pc = 0xDEAD0000, .sp = 0xEF00, .fp = 0xF000, .link = 0}) ==
        Addresses{0xDEAD0001, 0x5678, 0x2345, 0x3456});
}

TEST_CASE("a frame pointer that is none ends the walk") {
  push_two_frames();
  CHECK(walk({.pc = 0x1234, .sp = 0xEF00, .fp = 0x17, .link = 0}) == Addresses{0x1235});
  CHECK(walk({.pc = 0x1234, .sp = 0xEF00, .fp = 0xE000, .link = 0}) == Addresses{0x1235});  // below the stack pointer
  CHECK(walk({.pc = 0x1234, .sp = 0xEF00, .fp = 0x7FFFFFF8, .link = 0}) == Addresses{0x1235});  // not there
}

TEST_CASE("frames that go round in a circle end the walk") {
  stand_in_memory() = {};
  stand_in_memory().words = {{0xF000, 0xF000}, {0xF008, 0x2345}};
  CHECK(walk({.pc = 0x1234, .sp = 0xEF00, .fp = 0xF000, .link = 0}) == Addresses{0x1235, 0x2345});
}
