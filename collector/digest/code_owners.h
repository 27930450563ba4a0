#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collector/digest/event_reader.h"
#include "collector/digest/grouping/glob.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// Whose an issue is, by a file in CODEOWNERS' syntax (https://docs.github.com/articles/about-code-owners): a pattern
/// and its owners a line, the last line that matches wins, "#" begins a comment. A pattern with a slash in front or
/// inside is counted from the repository's root: since clients give paths with whatever is above it, it may begin at
/// any folder. Besides paths, "tags.<name>:<glob>", "module:<glob>" and "url:<glob>" say what to look at.
class CodeOwners {
 public:
  /// Errors: "invalid_owners", naming the line.
  static core::Result<CodeOwners> parse(std::string_view text);

  /// The first owner of the line that wins; empty when none does. Looks at the app's frames, the innermost first: the
  /// first frame that has an owner decides.
  [[nodiscard]] std::string owner_of(const ReadEvent& event) const;

  [[nodiscard]] bool empty() const { return lines_.empty(); }

 private:
  enum class What { kPath, kTag, kModule, kUrl };
  struct Line {
    What what = What::kPath;
    std::string tag;
    Glob glob;
    std::string owner;  ///< empty: nobody, though an earlier line names somebody
  };
  [[nodiscard]] const Line* last_match(What what, std::string_view text, std::string_view tag) const;

  std::vector<Line> lines_;
};

}  // namespace trapline::collector
