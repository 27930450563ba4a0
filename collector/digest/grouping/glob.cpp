#include "collector/digest/grouping/glob.h"

#include <re2/re2.h>

namespace trapline::collector {
namespace {

constexpr std::size_t kMostPatternBytes = 500;
constexpr std::int64_t kMostCompiledBytes = 1 << 20;

}  // namespace

core::Result<Glob> Glob::compile(std::string_view pattern, Kind kind) {
  const std::string shown(pattern.substr(0, 80));
  if (pattern.size() > kMostPatternBytes) {
    return core::Error{"invalid_pattern",
                       "the pattern '" + shown + "…' is longer than " + std::to_string(kMostPatternBytes) + " bytes"};
  }
  std::string expression;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '*') {
      const bool is_double = at + 1 < pattern.size() && pattern[at + 1] == '*';
      expression += is_double || kind == Kind::kText ? ".*" : "[^/]*";
      while (at + 1 < pattern.size() && pattern[at + 1] == '*') ++at;
      if (is_double && at + 1 < pattern.size() && pattern[at + 1] == '/' && kind == Kind::kPath) {
        expression += "/?";  // "**/x" is also "x"
        ++at;
      }
    } else if (pattern[at] == '?') {
      expression += kind == Kind::kText ? "." : "[^/]";
    } else {
      expression += re2::RE2::QuoteMeta(re2::StringPiece(pattern.data() + at, 1));
    }
  }
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);  // bytes: texts need not be UTF-8
  options.set_dot_nl(true);
  options.set_log_errors(false);
  options.set_max_mem(kMostCompiledBytes);
  Glob glob;
  auto compiled = std::make_shared<const re2::RE2>(expression, options);
  if (!compiled->ok())
    return core::Error{"invalid_pattern", "the pattern '" + shown + "' cannot be used: " + compiled->error()};
  glob.expression_ = std::move(compiled);
  return glob;
}

bool Glob::matches(std::string_view text) const {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *expression_);
}

}  // namespace trapline::collector
