#include "sdk/core/scrub_patterns.h"

#include <algorithm>

#include <re2/re2.h>

#include "sdk/core/ascii.h"

namespace trapline::core {

struct ScrubPatterns::Compiled {
  std::string name;
  std::string replacement;
  re2::RE2 expression;

  Compiled(const ScrubPattern& pattern, const re2::RE2::Options& options)
      : name(pattern.name), replacement("[" + pattern.name + "]"), expression(pattern.expression, options) {}
};

ScrubPatterns::ScrubPatterns() = default;
ScrubPatterns::~ScrubPatterns() = default;
ScrubPatterns::ScrubPatterns(ScrubPatterns&&) noexcept = default;
ScrubPatterns& ScrubPatterns::operator=(ScrubPatterns&&) noexcept = default;

Result<ScrubPatterns> ScrubPatterns::compile(const std::vector<ScrubPattern>& patterns) {
  constexpr std::int64_t kMostMemory = std::int64_t{1} << 20;  // bytes an expression may compile to
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMostMemory);
  ScrubPatterns compiled;
  for (const ScrubPattern& pattern : patterns) {
    const bool has_good_name = !pattern.name.empty() && pattern.name.size() <= 64 &&
                               std::all_of(pattern.name.begin(), pattern.name.end(), [](char c) {
                                 return is_alnum(c) || c == '_' || c == '-' || c == '.' || c == ' ';
                               });
    if (!has_good_name) {
      return Error{"invalid_pattern", "the scrub rule's name '" + pattern.name +
                                          "' must have 1 to 64 letters, digits, blanks, dots, dashes or underscores"};
    }
    compiled.compiled_.push_back(std::make_unique<Compiled>(pattern, options));
    const re2::RE2& expression = compiled.compiled_.back()->expression;
    if (!expression.ok()) {
      return Error{"invalid_pattern", "the scrub rule '" + pattern.name + "' has an expression that cannot be used: " +
                                          expression.error() + "; the syntax is RE2's"};
    }
    if (re2::RE2::FullMatch("", expression)) {
      return Error{"invalid_pattern",
                   "the scrub rule '" + pattern.name + "' matches the empty text, so it would match everywhere"};
    }
  }
  return compiled;
}

void ScrubPatterns::apply(std::string& text, const std::function<void(const std::string&)>& hit) const {
  for (const auto& pattern : compiled_) {
    if (re2::RE2::GlobalReplace(&text, pattern->expression, pattern->replacement) > 0) {
      hit(pattern->name);
    }
  }
}

}  // namespace trapline::core
