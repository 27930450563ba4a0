#pragma once

#include <set>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/collector_process.h"

namespace trapline::tests {

inline std::string event_id(int number) {
  std::string digits = std::to_string(number);
  return std::string(32 - digits.size(), '0') + digits;
}

/// Ten events of seven kinds.
inline std::string batch_of(int first) {
  nlohmann::json batch = nlohmann::json::array();
  for (int number = first; number < first + 10; ++number) {
    batch.push_back({{"event_id", event_id(number)},
                     {"message", "kind " + std::string(1, static_cast<char>('a' + number % 7))},
                     {"user", {{"id", number % 50}}},
                     {"extra", {{"filler", std::string(1'000, 'x')}}}});
  }
  return batch.dump();
}

/// Sends one batch, which is taken.
inline void send_batch(httplib::Client& client, const std::string& key, int first) {
  const auto answer =
      client.Post("/v1/events", {{"Authorization", "Trapline " + key}}, batch_of(first), "application/json");
  REQUIRE(answer);
  CHECK_MESSAGE(answer->status == 202, answer->body);
}

/// Sends batches until nobody answers. A batch without an answer is sent again in the next round, as clients do.
class Sender {
 public:
  explicit Sender(int first) : next_(first) {}

  void send_until_dead(const CollectorProcess& collector, const std::string& key) {
    const auto client = collector.client();
    while (true) {
      const auto answer =
          client->Post("/v1/events", {{"Authorization", "Trapline " + key}}, batch_of(next_), "application/json");
      if (!answer) return;
      if (answer->status != 202) continue;  // refused, not lost: it is sent again
      for (int number = next_; number < next_ + 10; ++number) acknowledged_.insert(event_id(number));
      next_ += 10;
    }
  }
  [[nodiscard]] const std::set<std::string>& acknowledged() const { return acknowledged_; }

 private:
  int next_;
  std::set<std::string> acknowledged_;
};

}  // namespace trapline::tests
