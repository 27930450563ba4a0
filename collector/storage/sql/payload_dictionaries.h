#pragma once

/// The zstd dictionaries that events are compressed with. Events of one store have much in common (modules, stacks,
/// contexts), and an event alone is too short to show it: with a dictionary trained on a thousand of them, a 9 KB event
/// takes 0.9 KB instead of 2.0 KB, in the same time (tests/bench/README.md).

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <zstd.h>

#include "collector/storage/sealing.h"

namespace trapline::collector::sql {

/// One dictionary, ready for use. Immutable; its contexts may be shared by threads.
class PayloadDictionary {
 public:
  /// Throws std::runtime_error when the bytes are no dictionary.
  explicit PayloadDictionary(std::string_view bytes);

  [[nodiscard]] std::uint32_t id() const { return id_; }
  [[nodiscard]] const ZSTD_CDict* compressing() const { return compressing_.get(); }
  [[nodiscard]] const ZSTD_DDict* decompressing() const { return decompressing_.get(); }

 private:
  struct Free {
    void operator()(ZSTD_CDict* dictionary) const { ZSTD_freeCDict(dictionary); }
    void operator()(ZSTD_DDict* dictionary) const { ZSTD_freeDDict(dictionary); }
  };
  std::uint32_t id_ = 0;
  std::unique_ptr<ZSTD_CDict, Free> compressing_;
  std::unique_ptr<ZSTD_DDict, Free> decompressing_;
};

/// A dictionary's bytes from what was gathered, at most 128 KiB; empty when the samples are too few or too alike for
/// zstd to make one. Takes about 0.1 s for 1,000 events.
std::string train_dictionary(const std::vector<std::string>& samples);

/// Those of one store: the one for new events, and all others as they are needed. Thread-safe. Shared pointers, since a
/// new dictionary may take over while events are being compressed with the old one.
class PayloadDictionaries {
 public:
  /// `sealer`, which must outlive this, opens what the events and dictionaries were sealed with.
  explicit PayloadDictionaries(const Sealer& sealer) : sealer_(sealer) {}
  [[nodiscard]] const Sealer& sealer() const { return sealer_; }

  void add(std::shared_ptr<const PayloadDictionary> dictionary, bool is_current);
  /// Null when there is none yet.
  [[nodiscard]] std::shared_ptr<const PayloadDictionary> current() const;
  /// Null when it has not been added.
  [[nodiscard]] std::shared_ptr<const PayloadDictionary> find(std::uint32_t id) const;

 private:
  const Sealer& sealer_;
  mutable std::mutex mutex_;
  std::shared_ptr<const PayloadDictionary> current_;                                ///< guarded by mutex_
  std::map<std::uint32_t, std::shared_ptr<const PayloadDictionary>> dictionaries_;  ///< guarded by mutex_
};

}  // namespace trapline::collector::sql
