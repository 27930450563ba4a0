/// The minidump that the helper writes, read back by the format's own rules.

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/crash/crash_run.h"
#include "tests/support/recording_receiver.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using namespace trapline::tests;

namespace {

// Where the format's CONTEXT has them. A leaf function's caller may be in a register only, on a processor with a link
// register: its caller's is on the stack.
#if defined(__aarch64__)
constexpr const char* kProgramCounter = "pc";
constexpr std::size_t kProgramCounterAt = 0x108;
constexpr std::size_t kStackPointerAt = 0x100;
constexpr std::size_t kContextBytes = 912;
constexpr std::uint16_t kArchitecture = 12;
constexpr std::size_t kCallerOnStack = 3;
#else
constexpr const char* kProgramCounter = "rip";
constexpr std::size_t kProgramCounterAt = 0xF8;
constexpr std::size_t kStackPointerAt = 0x98;
constexpr std::size_t kContextBytes = 1232;
constexpr std::uint16_t kArchitecture = 9;
constexpr std::size_t kCallerOnStack = 2;
#endif

class DumpReader {
 public:
  explicit DumpReader(std::string bytes) : bytes_(std::move(bytes)) {
    REQUIRE(bytes_.size() > 32);
    REQUIRE(bytes_.substr(0, 4) == "MDMP");
    for (std::uint32_t stream = 0; stream < number(8); ++stream) {
      const std::size_t entry = number(12) + stream * 12;
      streams_[number(entry)] = number(entry + 8);
      REQUIRE(number(entry + 8) + number(entry + 4) <= bytes_.size());
    }
  }

  template <class Number = std::uint32_t>
  [[nodiscard]] Number number(std::size_t at) const {
    Number value = 0;
    REQUIRE(at + sizeof value <= bytes_.size());
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }
  [[nodiscard]] std::size_t stream(std::uint32_t type) const {
    REQUIRE(streams_.contains(type));
    return streams_.at(type);
  }
  [[nodiscard]] std::string text(std::size_t at) const {
    std::string text;
    for (std::uint32_t index = 0; index < number(at); index += 2) text += bytes_[at + 4 + index];
    return text;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::map<std::uint32_t, std::size_t> streams_;
};

/// The attachment of an envelope: after its header and the item's.
std::string attachment_in(const std::string& envelope) {
  const std::size_t item = envelope.find('\n') + 1;
  const json header = json::parse(envelope.substr(item, envelope.find('\n', item) - item));
  CHECK(header["type"] == "attachment");
  CHECK(header["attachment_type"] == "event.minidump");
  CHECK(header["filename"] == "minidump.dmp");
  return envelope.substr(envelope.find('\n', item) + 1, header["length"].get<std::size_t>());
}

}  // namespace

TEST_CASE("a crash carries a minidump with the signal, all threads and their stacks, and the modules") {
  const TemporaryFolder folder;
  RecordingReceiver receiver;
  Program program{TRAPLINE_CRASH_PROGRAM, receiver.dsn(), folder.path("data"), /*has_helper=*/true};
  program.sends_dump = true;
  CHECK(WTERMSIG(program.run("null-write-worker").status) == SIGSEGV);
  wait_for_events(receiver, 1);
  REQUIRE(program.run("deliver").status == 0);
  const auto events = receiver.events();
  REQUIRE(events.size() == 1);
  REQUIRE(receiver.envelopes().size() == 1);
  const DumpReader dump(attachment_in(receiver.envelopes()[0]));

  const json& thread = events[0]["threads"]["values"][0];
  const json& stack = events[0]["exception"]["values"][0]["stacktrace"];
  const auto pc = std::stoull(stack["registers"][kProgramCounter].get<std::string>(), nullptr, 16);
  const std::size_t exception = dump.stream(6);
  CHECK(dump.number(exception) == thread["id"].get<std::uint32_t>());
  CHECK(dump.number(exception + 8) == SIGSEGV);
  CHECK(dump.number<std::uint64_t>(dump.number(exception + 164) + kProgramCounterAt) == pc);

  CHECK(dump.number(exception + 160) == kContextBytes);
  CHECK(dump.number<std::uint16_t>(dump.stream(7)) == kArchitecture);

  const std::size_t threads = dump.stream(3);
  CHECK(dump.number(threads) >= 3);
  bool has_crashed_thread = false;
  for (std::uint32_t index = 0; index < dump.number(threads); ++index) {
    const std::size_t at = threads + 4 + index * 48;
    const std::uint64_t from = dump.number<std::uint64_t>(at + 24);
    const std::uint64_t size = dump.number(at + 32);
    const std::uint64_t sp = dump.number<std::uint64_t>(dump.number(at + 44) + kStackPointerAt);
    CHECK(from <= sp);
    CHECK(sp < from + size);
    has_crashed_thread = has_crashed_thread || dump.number(at) == thread["id"].get<std::uint32_t>();
    if (dump.number(at) != thread["id"].get<std::uint32_t>()) continue;
    // The caller's address is in the copied stack.
    const json& frames = stack["frames"];
    const auto caller =
        std::stoull(frames[frames.size() - kCallerOnStack]["instruction_addr"].get<std::string>(), nullptr, 16) + 1;
    const std::string wanted(reinterpret_cast<const char*>(&caller), sizeof caller);
    CHECK(dump.bytes().substr(dump.number(at + 36), size).find(wanted) != std::string::npos);
  }
  CHECK(has_crashed_thread);

  const std::size_t modules = dump.stream(4);
  bool has_program = false;
  for (std::uint32_t index = 0; index < dump.number(modules); ++index) {
    const std::size_t at = modules + 4 + index * 108;
    if (dump.text(dump.number(at + 20)) != TRAPLINE_CRASH_PROGRAM) continue;
    has_program = true;
    const auto base = dump.number<std::uint64_t>(at);
    CHECK(base <= pc);
    CHECK(pc < base + dump.number(at + 8));
    CHECK(dump.number(at + 76) == 24);  // "BpEL" and 20 bytes of build id
  }
  CHECK(has_program);
}

TEST_CASE("a crash carries no memory when nobody wants a minidump") {
  const TemporaryFolder folder;
  RecordingReceiver receiver;
  const Program program{TRAPLINE_CRASH_PROGRAM, receiver.dsn(), folder.path("data"), /*has_helper=*/true};
  CHECK(WTERMSIG(program.run("null-write").status) == SIGSEGV);
  REQUIRE(program.run("deliver").status == 0);
  wait_for_events(receiver, 1);
  CHECK(receiver.events().size() == 1);
  CHECK(receiver.envelopes().empty());
}
