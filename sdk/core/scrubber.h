#pragma once

/// Removes secrets and personal data from events, the same way in the SDK and in the collector. Works on the event's
/// JSON text in one pass: what is private is replaced in place ("[email]", "[card]", "[token]", "[removed]"), all else
/// is copied as it stands.
///
/// Every string is looked at (text_scrubber.h), and a string that itself is JSON is scrubbed as JSON, one level deep.
/// Values under sensitive names go as a whole (sensitive_keys.h), also where a name and its value are a pair in a list
/// (["Cookie", "…"]). Left alone: the event's own ids, times, versions and addresses; in stack frames, function names
/// and paths except for a home folder's user name.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/json_outline.h"
#include "sdk/core/result.h"
#include "sdk/core/scrub_patterns.h"
#include "sdk/core/sensitive_keys.h"
#include "sdk/core/text_scrubber.h"

namespace trapline::core {

struct ScrubOptions {
  TextRules rules;
  std::vector<std::string> further_keys;  ///< names of values that are secret, besides the built-in ones
  std::vector<std::string> allowed_keys;  ///< names that never are
  std::vector<ScrubPattern> patterns;
  bool keeps_user = false;  ///< the event's `user` object stays as it is
};

/// Thread-safe.
class Scrubber {
 public:
  /// Errors: "invalid_pattern".
  static Result<Scrubber> create(const ScrubOptions& options = {});

  /// The event without what is private, with notes in `_meta`
  /// (https://develop.sentry.dev/sdk/foundations/envelopes/event-payloads/#meta-data) that say where which rule hit.
  /// `json` must be one JSON object; what is not well-formed, or nested deeper than 1,024 levels, is the error
  /// "invalid_json", and then nothing of it may be used. `outline`, when given, is that of
  /// `json`.
  [[nodiscard]] Result<std::string> scrub_event(std::string_view json, JsonOutline* outline = nullptr) const;

  /// Only home folders' user names go: for lists of modules and the like, JSON or not.
  [[nodiscard]] static std::string scrub_paths(std::string_view text);

  /// A text by itself, such as a comment.
  [[nodiscard]] std::string scrub_text(std::string_view text) const;

 private:
  explicit Scrubber(const ScrubOptions& options)
      : rules_(options.rules), keys_(options.further_keys, options.allowed_keys), keeps_user_(options.keeps_user) {}

  TextRules rules_;
  SensitiveKeys keys_;
  std::shared_ptr<const ScrubPatterns> patterns_;  ///< shared by copies
  bool keeps_user_ = false;
};

}  // namespace trapline::core
