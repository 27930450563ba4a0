#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sdk/core/result.h"

namespace trapline::core {

/// A rule of the user's: what `expression` (RE2's syntax, https://github.com/google/re2/wiki/Syntax) matches is
/// replaced with "[<name>]".
struct ScrubPattern {
  std::string name;
  std::string expression;
};

/// The user's patterns, compiled. RE2 matches in linear time, whatever the pattern. Thread-safe.
class ScrubPatterns {
 public:
  /// Errors: "invalid_pattern", naming the rule and what RE2 says.
  static core::Result<ScrubPatterns> compile(const std::vector<ScrubPattern>& patterns);
  ScrubPatterns();
  ~ScrubPatterns();
  ScrubPatterns(ScrubPatterns&&) noexcept;
  ScrubPatterns& operator=(ScrubPatterns&&) noexcept;

  [[nodiscard]] bool empty() const { return compiled_.empty(); }

  /// Replaces every match in `text` and calls `hit` with the name of each rule that had one.
  void apply(std::string& text, const std::function<void(const std::string&)>& hit) const;

 private:
  struct Compiled;
  std::vector<std::unique_ptr<Compiled>> compiled_;
};

}  // namespace trapline::core
