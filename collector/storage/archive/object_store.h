#pragma once

/// Objects under names, in a folder or a bucket: where the cold archive is, and attachments may be. Not thread-safe;
/// each user opens one.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/clock.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// Parts of letters, digits, '-', '_' and '.', none of which begins with '.', with '/' between them: what is the same
/// in a path, in a URL and in a signature.
bool is_object_name(std::string_view name);

/// Errors, all with what to do: "archive_refused" (wrong key, no rights), "archive_missing" (no such bucket, or a
/// folder that is none), "archive_full", "archive_unavailable" for what may pass.
class ObjectStore {
 public:
  /// Larger objects are not read: no archive has them.
  static constexpr std::size_t kMostBytes = std::size_t{1} << 30;

  struct Entry {
    std::string name;
    core::UnixMillis written_at = 0;  ///< by the store's clock
  };

  ObjectStore() = default;
  virtual ~ObjectStore() = default;
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;

  /// Whole and lasting when it returns; replaces what had the name. After an error there may be what was before.
  virtual core::Status put(std::string_view name, std::string_view bytes) = 0;
  /// Nothing when there is none.
  virtual core::Result<std::optional<std::string>> get(std::string_view name) = 0;
  /// The first bytes of it, fewer when it has not so many.
  virtual core::Result<std::optional<std::string>> get_first(std::string_view name, std::size_t bytes) = 0;
  virtual core::Result<bool> exists(std::string_view name) = 0;
  /// Those whose names begin with the prefix ("events/2026-01-02/"), in alphabetical order.
  virtual core::Result<std::vector<Entry>> list_entries(std::string_view prefix) = 0;
  /// Their names.
  core::Result<std::vector<std::string>> list(std::string_view prefix);
  /// Does nothing when there is none.
  virtual core::Status remove(std::string_view name) = 0;
  /// Removes what writing that was broken off has left behind under no object's name. Whoever is writing just now has
  /// to do so again.
  virtual core::Status remove_unfinished() { return {}; }
  /// For messages; never with a secret.
  [[nodiscard]] virtual std::string place() const = 0;
};

/// Who one is to a bucket.
struct BucketCredentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  ///< empty: none
};

struct ArchiveAddress {
  std::string url;       ///< a folder, "s3://BUCKET" or "s3://BUCKET/PREFIX"
  std::string endpoint;  ///< of the bucket's server, "http://127.0.0.1:9000"; empty: Amazon's of the region
  std::string region;    ///< empty: us-east-1
  BucketCredentials credentials = {};
  std::string option = "--archive";  ///< that it was given by, for messages: others are named as this and "-endpoint"
  /// Asked while something is sent or waited for: true breaks it off with "archive_unavailable".
  std::function<bool()> is_cancelled = [] { return false; };
};

/// Does not yet look whether it is there. "invalid_archive": the address makes no sense, or a bucket has no
/// credentials.
core::Result<std::unique_ptr<ObjectStore>> open_objects(const ArchiveAddress& address);

}  // namespace trapline::collector
