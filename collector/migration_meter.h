#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "collector/storage/migrate_store.h"

namespace trapline::collector {

/// 1234567 as "1,234,567".
std::string with_separators(std::int64_t number);

/// Shows how far a move is: a bar that is drawn over itself on a terminal, else a line now and then.
class MigrationMeter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  MigrationMeter(std::ostream& output, bool is_terminal) : output_(output), is_terminal_(is_terminal) {}

  /// May be called as often as there is news: what would come too soon is left out.
  void show(const MigrationProgress& progress, Time now);
  /// What comes next begins on a line of its own.
  void end();

 private:
  [[nodiscard]] std::string line(const MigrationProgress& progress, Time now) const;

  std::ostream& output_;
  bool is_terminal_;
  std::optional<MigrationProgress> first_;  ///< of the stage
  Time begin_{};                            ///< of the stage
  Time shown_{};
  bool is_in_line_ = false;
};

}  // namespace trapline::collector
