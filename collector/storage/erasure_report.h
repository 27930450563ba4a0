#pragma once

/// A report of what was erased at a user's wish: a JSON object {"report", "public_key", "signature"}. The signature is
/// Ed25519 over a fixed line and the report's members in the order of their names, without blanks, so that it can be
/// checked by anybody who has the public key, however the file was laid out since. It names no user: of each value that
/// was given it has a hash, keyed by what the database alone knows.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/user_rights.h"
#include "sdk/core/result.h"

namespace trapline::collector {

struct ErasureFacts {
  UserSelector user;
  std::string requested_by;
  UnixMillis started_at = 0;
  UnixMillis finished_at = 0;
  std::map<ProjectId, ErasedCounts> counts;
  std::map<ProjectId, std::string> project_names;
  std::int64_t unreadable = 0;
  std::vector<std::string> not_looked_at;  ///< parts of the database that could not be read, in words
};

/// `seed`: UserStore::report_seed().
std::string make_erasure_report(const ErasureFacts& facts, std::string_view seed);

/// 64 hex digits.
std::string report_public_key(std::string_view seed);

/// 64 hex digits: what a report has of the value.
std::string report_user_hash(const std::pair<UserField, std::string>& value, std::string_view seed);

/// The report's members as they were signed. Errors: "malformed", "other_key" when it was signed with another key than
/// this, "forged" when it is not what was signed.
core::Result<std::string> verify_erasure_report(std::string_view text, std::string_view public_key);

}  // namespace trapline::collector
