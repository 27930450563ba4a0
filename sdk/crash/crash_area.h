#pragma once

#include <cstddef>

#include "sdk/recorder/layout.h"

namespace trapline::sdk {

/// The areas of a recorder that belong to a crash.
class CrashArea {
 public:
  explicit CrashArea(char* memory) : memory_(memory) {}

  [[nodiscard]] RecorderHeader& header() const { return *reinterpret_cast<RecorderHeader*>(memory_); }
  [[nodiscard]] CrashBlock& block() const { return *reinterpret_cast<CrashBlock*>(memory_ + kCrashAt); }
  [[nodiscard]] CrashThread* threads() const { return reinterpret_cast<CrashThread*>(memory_ + kCrashThreadsAt); }
  [[nodiscard]] char* at(std::size_t place) const { return memory_ + place; }

 private:
  char* memory_;
};

}  // namespace trapline::sdk
