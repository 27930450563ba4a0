#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "collector/storage/records.h"

namespace trapline::collector::sql {

/// Decides when events need a new dictionary: when there is none, and when they have become so different that the one
/// there is no longer does its work. Gathers samples, at most 8 MB, only while it wants to train. Not thread-safe.
class DictionaryTrainer {
 public:
  explicit DictionaryTrainer(bool has_dictionary) : is_gathering_(!has_dictionary) {}

  /// Looks at events as they are stored. Answers the bytes of a new dictionary when it is time for one, else nothing.
  std::string look_at(std::span<const DigestedEvent> batch, std::span<const std::string* const> packed);
  /// The bytes could not be used: gathers once more.
  void start_again() { is_gathering_ = true; }

 private:
  void weigh(std::span<const DigestedEvent> batch, std::span<const std::string* const> packed);

  bool is_gathering_;
  std::vector<std::string> samples_;
  std::size_t sample_bytes_ = 0;
  // How well packing does, over a window of events, against the best window so far.
  std::uint64_t window_events_ = 0;
  std::uint64_t window_plain_ = 0;
  std::uint64_t window_packed_ = 0;
  double best_ratio_ = 1.0;
};

}  // namespace trapline::collector::sql
