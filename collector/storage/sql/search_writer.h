#pragma once

/// What a batch of events adds to what issues are searched by: tags, users and texts, gathered so that each row is
/// written once a batch.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "collector/storage/records.h"
#include "collector/storage/sql/connection.h"
#include "collector/storage/sql/text_index.h"

namespace trapline::collector::sql {

/// What is kept of a project's tags. Values beyond count as kOtherValues, keys beyond are left out.
constexpr std::int64_t kMostTagKeys = 500;
constexpr std::int64_t kMostTagValues = 20'000;
/// Of a key, and of a value; what is longer is cut.
constexpr std::size_t kLongestTag = 200;
constexpr std::string_view kOtherValues;

/// What is indexed of the texts of a group hash and day: a message that is another one in each event must not cost its
/// words each time. Breadcrumbs leave most of it to messages. What was said on another day of the week counts no more.
constexpr std::size_t kMostTextBytes = std::size_t{64} << 10;
constexpr std::size_t kMostTrailBytes = std::size_t{16} << 10;

/// As much of a tag's key or value as is kept.
std::string_view kept_of_tag(std::string_view text);

/// The id of a tag's row: 64 bits of a hash, so that storing it asks nothing (as user_hash()).
std::int64_t tag_id(ProjectId project, std::string_view key, std::string_view value);

/// Tags of one project and key, as far as the writer knows.
class TagKeys {
 public:
  struct Entry {
    std::int64_t values = 0;  ///< how many there are, or a few more
    bool is_left_out = false;
    bool is_full = false;  ///< found so by counting
  };
  explicit TagKeys(Connection& connection) : connection_(connection) {}
  Entry& entry(ProjectId project, std::string_view key);
  /// Whether a further value is to be kept.
  bool has_room(ProjectId project, std::string_view key, Entry& entry);
  void forget() { entries_.clear(); }

 private:
  std::int64_t count_values(ProjectId project, std::string_view key);

  Connection& connection_;
  std::map<std::pair<ProjectId, std::string>, Entry, std::less<>> entries_;
};

/// Remembers 64-bit hashes of what was seen, in as many places as are given (a power of two): what comes to the place
/// of another one replaces it.
class SeenHashes {
 public:
  explicit SeenHashes(std::size_t places) : hashes_(places) {}
  [[nodiscard]] bool contains(std::uint64_t hash) const { return hashes_[place_of(hash)] == hash; }
  void add(std::uint64_t hash) { hashes_[place_of(hash)] = hash; }
  void clear() { std::fill(hashes_.begin(), hashes_.end(), 0); }

 private:
  [[nodiscard]] std::size_t place_of(std::uint64_t hash) const {
    return static_cast<std::size_t>(hash) & (hashes_.size() - 1);
  }
  std::vector<std::uint64_t> hashes_;
};

/// Forgets what events said in weeks that were over before that day (its beginning), each week at once.
void drop_texts_before(Connection& connection, UnixMillis day);

/// Not thread-safe; there is one for the writing connection.
class SearchWriter {
 public:
  explicit SearchWriter(Connection& connection);

  /// The event, which was stored or counted, is borrowed until write().
  /// `seen_at`: when its user was here, for as long as that is remembered. By our own clock, not by a client's.
  void add(std::int64_t hash_id, const DigestedEvent& event, UnixMillis seen_at);
  /// As far as its user goes.
  void add_users(const DigestedEvent& event, UnixMillis seen_at);
  /// At the batch's end, in its transaction.
  void write();
  /// Must be called when a transaction was rolled back, and when others may have deleted rows.
  void forget();

 private:
  /// A tag of a group hash.
  struct TagPlace {
    std::int64_t hash_id = 0;
    ProjectId project_id = 0;
    std::string_view key;
    std::string_view value;
    bool operator==(const TagPlace&) const = default;
  };
  struct TagPlaceHash {
    std::size_t operator()(const TagPlace& place) const {
      constexpr std::size_t kMixing = 0x9E3779B97F4A7C15U;
      const std::hash<std::string_view> hash;
      return ((hash(place.key) * kMixing ^ hash(place.value)) * kMixing) ^ static_cast<std::size_t>(place.hash_id);
    }
  };
  struct TagUse {
    std::int64_t count = 0;
    UnixMillis last_seen = 0;
  };
  struct UserUse {
    ProjectId project_id = 0;
    UserField kind = UserField::kId;
    std::string_view value;
    std::int64_t user = 0;
    UnixMillis last_seen = 0;
  };
  void add_tag(std::int64_t hash_id, const DigestedEvent& event, std::string_view key, std::string_view value);
  void add_texts(std::int64_t hash_id, const DigestedEvent& event);
  void add_text(std::int64_t hash_id, UnixMillis week, std::string_view text, std::size_t& bytes);
  std::string new_words_of(std::int64_t hash_id, UnixMillis week, std::string_view text);
  /// What is added to a row of hash_tag.
  struct TagCount {
    std::int64_t hash_id = 0;
    std::int64_t tag = 0;
    std::int64_t count = 0;
    UnixMillis last_seen = 0;
  };

  void write_tags();
  void count_tag(const TagCount& count);
  void count_tags();
  void write_tag_of_full_key(const TagPlace& place, std::int64_t tag, const TagUse& use);
  void write_tag(const TagPlace& place, std::int64_t tag, const TagUse& use);

  Connection& connection_;
  TagKeys keys_;
  SeenHashes known_tags_;
  std::unordered_map<std::uint64_t, UnixMillis> told_users_;  ///< what event_user says of last_seen
  SeenHashes known_texts_;
  SeenHashes known_words_;
  std::unordered_map<std::uint64_t, std::size_t> text_bytes_;  ///< indexed so far, by hash and day
  // Of this batch:
  std::unordered_map<TagPlace, TagUse, TagPlaceHash> tags_;
  std::vector<TagCount> tag_counts_;  ///< that are yet to be written
  std::unordered_map<std::uint64_t, UserUse> users_;
  std::map<UnixMillis, std::vector<NewText>> texts_;  ///< by week
  std::size_t batch_bytes_;                           ///< of texts, that it has room for
};

}  // namespace trapline::collector::sql
