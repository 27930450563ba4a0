#include "collector/storage/sql/dictionary_trainer.h"

#include <algorithm>
#include <utility>

#include "collector/storage/sql/payload_dictionaries.h"

namespace trapline::collector::sql {
namespace {

constexpr std::size_t kSamples = 1'000;
constexpr std::size_t kMostSampleBytes = std::size_t{8} << 20;
constexpr std::uint64_t kWindow = 20'000;
/// A window that packs a third worse than the best one asks for a new dictionary.
constexpr double kWorse = 1.33;

}  // namespace

std::string DictionaryTrainer::look_at(std::span<const DigestedEvent> batch,
                                       std::span<const std::string* const> packed) {
  if (!is_gathering_) {
    weigh(batch, packed);
    return {};
  }
  for (const DigestedEvent& event : batch) {
    const bool is_enough = samples_.size() >= kSamples || sample_bytes_ + event.payload.size() > kMostSampleBytes;
    if (!is_enough) {
      sample_bytes_ += event.payload.size();
      samples_.push_back(event.payload);
      continue;
    }
    is_gathering_ = false;
    best_ratio_ = 1.0;
    window_events_ = window_plain_ = window_packed_ = 0;
    sample_bytes_ = 0;
    return train_dictionary(std::exchange(samples_, {}));
  }
  return {};
}

void DictionaryTrainer::weigh(std::span<const DigestedEvent> batch, std::span<const std::string* const> packed) {
  for (std::size_t index = 0; index < batch.size(); ++index) {
    ++window_events_;
    window_plain_ += batch[index].payload.size();
    window_packed_ += packed[index]->size();
  }
  if (window_events_ < kWindow || window_plain_ == 0) return;
  const double ratio = static_cast<double>(window_packed_) / static_cast<double>(window_plain_);
  window_events_ = window_plain_ = window_packed_ = 0;
  is_gathering_ = best_ratio_ < 1.0 && ratio > best_ratio_ * kWorse;
  best_ratio_ = std::min(best_ratio_, ratio);
}

}  // namespace trapline::collector::sql
