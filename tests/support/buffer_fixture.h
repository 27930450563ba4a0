#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sdk/delivery/sqlite_buffer.h"
#include "tests/support/temporary_folder.h"

namespace trapline::tests {

using namespace trapline::sdk;

inline const std::string kRun(32, 'a');
inline const std::string kOtherRun(32, 'b');

inline NewItem item(int number, std::size_t bytes = 100, bool is_held = false) {
  return {ItemKind::kEvent, "id" + std::to_string(number), is_held,
          "{\"n\":" + std::to_string(number) + ",\"x\":\"" + std::string(bytes, 'x') + "\"}", 0};
}

struct Fixture {
  TemporaryFolder folder;
  LedgerCounters ledger;
  std::vector<std::string> reports;

  std::unique_ptr<EventBuffer> open(const BufferLimits& limits = {}, const std::string& run = kRun) {
    return open_sqlite_buffer(folder.path("events.db"), run, limits, ledger,
                              [this](const std::string& sentence) { reports.push_back(sentence); });
  }
};

inline std::vector<std::string> ids(EventBuffer& buffer) {
  std::vector<std::string> list;
  for (const BufferedItem& one : buffer.take(ItemKind::kEvent, 10'000, SIZE_MAX)) list.push_back(one.event_id);
  return list;
}

}  // namespace trapline::tests
