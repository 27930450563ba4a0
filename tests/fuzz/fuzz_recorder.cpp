/// Whatever bytes a recorder's ring, rows and breadcrumbs hold: they are read within their bounds, in bounded time.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/recorder/breadcrumb_ring.h"
#include "sdk/recorder/event_ring.h"
#include "sdk/recorder/fields.h"

namespace {

void read_row(std::string_view row) {
  std::size_t sum = 0;
  trapline::sdk::FieldReader fields(row);
  while (const auto field = fields.next()) {
    for (const char c : field->key) sum += static_cast<unsigned char>(c);
    for (const char c : field->value) sum += static_cast<unsigned char>(c);
    const auto breadcrumb = trapline::sdk::read_breadcrumb(*field);
    for (const char c : breadcrumb.data) sum += static_cast<unsigned char>(c);
  }
  volatile std::size_t kept = sum;
  static_cast<void>(kept);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kPositions = 2 * sizeof(std::uint64_t);
  if (size < kPositions + 8) return 0;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::memcpy(&from, data, sizeof from);
  std::memcpy(&to, data + sizeof from, sizeof to);
  const std::size_t bytes = (size - kPositions) / 8 * 8;
  std::vector<char> memory(data + kPositions, data + kPositions + bytes);
  const std::string_view view(memory.data(), memory.size());

  trapline::sdk::EventRingReader events(view, from, to);
  while (const auto record = events.next()) read_row(record->payload);
  trapline::sdk::BreadcrumbRing::read(view, from, to, read_row);
  read_row(view);

  // The same with whole records in it, one of them damaged.
  trapline::sdk::RingControl control;
  trapline::sdk::EventRing ring(control, memory.data(), memory.size());
  for (std::size_t at = 0; at + 16 < size && at < 256; at += 16) {
    const auto room = ring.reserve(data[at] % 64);
    if (room.payload == nullptr) break;
    std::memset(room.payload, data[at], data[at] % 64);
    ring.commit(room, trapline::sdk::RecordKind::kEvent, 0);
  }
  memory[from % memory.size()] ^= static_cast<char>(to);
  trapline::sdk::EventRingReader damaged(view, control.tail, control.head);
  while (const auto record = damaged.next()) read_row(record->payload);
  return 0;
}
