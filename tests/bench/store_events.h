#pragma once

/// The events that bench_store fills a database with: digested ones of 5 projects over 30 days, in order of receipt. As
/// in life few issues have most of the events: the issue of rank r has them in proportion to 1 / (r + 20).

#include <cstdint>
#include <string>
#include <vector>

#include "collector/storage/records.h"
#include "collector/storage/store.h"

namespace trapline::bench {

constexpr int kBenchProjects = 5;
constexpr std::int64_t kBenchDays = 30;

/// xorshift64*: the same numbers in each run.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(next() % end); }
  /// In [0, 1).
  double share() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

 private:
  std::uint64_t state_;
};

class StoreEvents {
 public:
  /// `store` has the projects 1 to 5 and nothing else. Payloads are made and packed once, and used again and again:
  /// what stands in them is not searched.
  /// `seed`: another one than the database was filled with makes events with other ids.
  StoreEvents(collector::Store& store, std::size_t issues, std::uint64_t seed);

  collector::DigestedEvent event(std::int64_t received_at);

  [[nodiscard]] static std::string word(std::size_t number);
  [[nodiscard]] static std::string release_at(std::int64_t received_at);

 private:
  void pack_payloads(collector::Store& store);
  std::size_t pick_issue();
  void describe(collector::DigestedEvent& event, std::size_t issue);
  void add_user(collector::DigestedEvent& event);

  Dice dice_;
  std::vector<double> shares_;  ///< of the issues up to each
  std::vector<std::string> packed_;
};

}  // namespace trapline::bench
