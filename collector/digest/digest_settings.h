#pragma once

/// How a project wants its events digested. As JSON, each part optional:
///
///   {"scrubbing": {"enabled": true, "keys": ["…"], "allowed_keys": ["…"], "patterns": [{"name": "…", "expression":
///   "…"}],
///                  "keeps_user": false, "keeps_ip_addresses": false},
///    "grouping": {"version": 2, "previous_version": 1, "rules": [{"match": {…}, "fingerprint": […], "title": "…"}]},
///    "owners": "the text of a CODEOWNERS file",
///    "storm": {"events_per_hour": 0}}
///
/// A storm: when a project comes near that many events an hour (0: never; not set: what its rate limit lets in), what
/// its loudest issues send is counted but not kept, so that the quiet ones find room.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/digest/code_owners.h"
#include "collector/digest/grouping/group_keys.h"
#include "collector/digest/grouping/grouping_rules.h"
#include "sdk/core/result.h"
#include "sdk/core/scrubber.h"

namespace trapline::collector {

/// Immutable once read; may be shared by threads.
struct DigestSettings {
  std::shared_ptr<const core::Scrubber> scrubber;  ///< null: scrubbing is off
  bool keeps_ip_addresses = false;
  int grouping_version = kNewestGrouping;
  int previous_grouping_version = 0;  ///< 0: none
  std::vector<GroupingRule> rules;
  CodeOwners owners;
  std::optional<std::int64_t> storm_events_per_hour;

  /// What a project has that has set nothing.
  static DigestSettings defaults();
  /// Errors: "invalid_settings" and those of its parts, saying what is wrong. Unknown names are errors, too: a switch
  /// that is misspelt must not look as if it were on.
  static core::Result<DigestSettings> read(std::string_view text);
};

/// The settings' JSON `before`, with the parts that `change` has in place of its own. A new grouping version takes the
/// one before as its previous_version unless `change` says otherwise. Errors as DigestSettings::read().
core::Result<std::string> change_settings(std::string_view before, std::string_view change);

}  // namespace trapline::collector
