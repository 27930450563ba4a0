#pragma once

/// All that is stored of one user, to be told to them or erased (docs/operating.md, "A user's rights").

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "collector/storage/items.h"
#include "collector/storage/records.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// What an event tells of its user.
using UserFields = std::vector<std::pair<UserField, std::string>>;

/// Whose data: of whom at least one of the values is told.
struct UserSelector {
  UserFields values;
  std::optional<ProjectId> project;  ///< none: all projects

  /// E-mail addresses are the same in any case of their ASCII letters, IP addresses in any way to write them.
  [[nodiscard]] bool matches(UserField field, std::string_view value) const;
  [[nodiscard]] bool matches_any(const UserFields& fields) const;
  /// By the key that users are told apart by: "id:42", "email:ada@example.com", ….
  [[nodiscard]] bool matches_key(std::string_view key) const;
  /// Whether a text without a kind is one of the values.
  [[nodiscard]] bool matches_text(std::string_view text) const;
};

/// "id", "email", "username" and "ip" of "email:ada@example.com". Errors: "invalid_user".
core::Result<std::pair<UserField, std::string>> parse_user_value(std::string_view text);
/// The same backwards.
std::string user_value_text(const std::pair<UserField, std::string>& value);

/// What only digestion knows of payloads (digest/stored_payload.h). Any thread.
class PayloadReader {
 public:
  virtual ~PayloadReader() = default;
  /// What a stored payload says of its user. Throws std::exception when it is no JSON object.
  [[nodiscard]] virtual UserFields read_user(std::string_view payload) const = 0;
  /// Fills in what a stored event is searched by, from its payload, and how many it counts for. Throws as read_user().
  virtual void read_facts(DigestedEvent& event) const = 0;
  /// The name under which the project's sessions keep a private user. Empty: that is not known.
  [[nodiscard]] virtual std::string session_user(ProjectId project, std::string_view user) const = 0;
};

/// Whether the stored event is one of the user's. Throws as PayloadReader::read_user().
bool tells_of(const UserSelector& user, const PayloadReader& reader, const DigestedEvent& event);

/// What there was of the user in one project.
struct ErasedCounts {
  std::int64_t events = 0;
  std::int64_t attachments = 0;
  std::int64_t feedback = 0;
  std::int64_t sessions = 0;  ///< of both kinds
  std::int64_t quarantined = 0;
  std::int64_t names = 0;   ///< what events told of the user, by which issues are searched
  std::int64_t issues = 0;  ///< that had such events
  std::int64_t issues_deleted = 0;
  std::int64_t archived = 0;  ///< events in the cold archive
  bool operator==(const ErasedCounts&) const = default;
};
ErasedCounts& operator+=(ErasedCounts& sum, const ErasedCounts& more);

struct ErasureStep {
  bool has_more = true;
  int percent = 0;                          ///< of the whole, about
  std::chrono::microseconds held_writer{};  ///< for how long nobody else could write
};

/// An erasure under way (UserStore). One thread at a time.
class UserErasure {
 public:
  virtual ~UserErasure() = default;
  [[nodiscard]] virtual const std::map<ProjectId, ErasedCounts>& counts() const = 0;
  /// Events and reports whose bytes are damaged, so that nobody knows whose they are.
  [[nodiscard]] virtual std::int64_t unreadable() const = 0;
};

/// What an issue is searched by: that somebody with this value was seen.
struct UserName {
  ProjectId project_id = 0;
  UserField field = UserField::kId;
  std::string value;
  UnixMillis last_seen = 0;
};

/// Something that is stored of the user; attachments with their bytes.
using UserRecord = std::variant<StoredEvent, StoredItem, QuarantinedEvent, UserName>;

/// A walk through all of them (UserStore). One thread at a time.
class UserWalk {
 public:
  virtual ~UserWalk() = default;
};

struct UserPage {
  std::vector<UserRecord> records;  ///< may be none, though there are more
  bool is_last = false;
  int percent = 0;
};

/// The rights of those of whom events tell. Part of Store.
class UserStore {
 public:
  virtual ~UserStore() = default;

  /// To be gone on with by erase_some(). `reader` must outlive it. `is_dry`: counts what would be erased, and changes
  /// nothing.
  virtual core::Result<std::unique_ptr<UserErasure>> begin_erasure(const UserSelector& user,
                                                                   const PayloadReader& reader, bool is_dry) = 0;
  /// One small step: others can hardly tell. To be called until there is no more. What was broken off, by a kill too,
  /// is done by beginning anew. What comes in meanwhile is kept.
  virtual core::Result<ErasureStep> erase_some(UserErasure& erasure) = 0;

  /// The same of what the user may ask to see.
  virtual core::Result<std::unique_ptr<UserWalk>> begin_walk(const UserSelector& user, const PayloadReader& reader) = 0;
  virtual core::Result<UserPage> walk_on(UserWalk& walk) = 0;

  /// 32 random bytes that the database keeps, made when they are asked for first: what reports of erasures are signed
  /// with. All collectors on the database have the same.
  virtual core::Result<std::string> report_seed() = 0;
};

}  // namespace trapline::collector
