#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sdk/core/result.h"

namespace re2 {
class RE2;
}

namespace trapline::collector {

/// A pattern as people write it: "*" stands for any text, "**" too, "?" for one character; all else for itself. In
/// paths, a single "*" stops at "/". It must match as a whole. Matching is linear in the text's length (RE2).
/// Thread-safe; copies share the compiled pattern.
class Glob {
 public:
  enum class Kind { kText, kPath };

  /// Errors: "invalid_pattern" when it is longer than 500 bytes, or too large compiled.
  static core::Result<Glob> compile(std::string_view pattern, Kind kind = Kind::kText);

  [[nodiscard]] bool matches(std::string_view text) const;

 private:
  std::shared_ptr<const re2::RE2> expression_;
};

}  // namespace trapline::collector
