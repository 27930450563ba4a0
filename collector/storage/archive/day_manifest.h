#pragma once

/// What the archive has of a UTC day: events/2026-01-02/manifest.json, beside the objects that it names. It is written
/// last, so that a day without one was not archived to its end, and objects that it does not name are nobody's.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/archive/object_store.h"
#include "collector/storage/records.h"
#include "collector/storage/sealing.h"

namespace trapline::collector {

struct DayManifest {
  struct Object {
    std::string name;  ///< within the day's folder
    std::uint64_t bytes = 0;
    std::string sha256;
    std::map<ProjectId, std::int64_t> events;
    std::optional<KeyId> sealed_with;
  };

  std::int64_t day = 0;
  std::string made_by;  ///< the collector's version
  UnixMillis written_at = 0;
  UnixMillis first_received_at = 0;
  UnixMillis last_received_at = 0;
  std::int64_t unreadable = 0;                ///< events of the day whose bytes were damaged: they are not there
  std::map<ProjectId, std::string> projects;  ///< names, as they were
  std::vector<Object> objects;

  [[nodiscard]] std::int64_t events() const;
  [[nodiscard]] std::map<ProjectId, std::int64_t> events_by_project() const;
  [[nodiscard]] std::uint64_t bytes() const;

  [[nodiscard]] std::string to_json() const;
  /// Error: "archive_damaged".
  static core::Result<DayManifest> parse(std::string_view text);
};

/// "events/2026-01-02/"
std::string archive_folder_of(std::int64_t day);

/// Nothing: the day is not there, or not whole.
core::Result<std::optional<DayManifest>> read_manifest(ObjectStore& objects, std::int64_t day);
core::Status write_manifest(ObjectStore& objects, const DayManifest& manifest);
/// Removes what lies in the day's folder and is not named: what was broken off has left it there. Without a manifest
/// that is all.
core::Status remove_strays(ObjectStore& objects, std::int64_t day, const std::optional<DayManifest>& manifest);
/// Removes what is of no day's manifest, without looking into the days that have one.
core::Status remove_unfinished_days(ObjectStore& objects);
/// The days that have one, oldest first.
core::Result<std::vector<std::int64_t>> list_archived_days(ObjectStore& objects);

/// An object's frame (event_lines.h), compared with the manifest and opened. Errors: "archive_damaged", "missing_key",
/// and those of ObjectStore.
core::Result<std::string> read_object(ObjectStore& objects, const Sealer& sealer, std::int64_t day,
                                      const DayManifest::Object& object);
/// Stores a frame under a name that there was not before; sealed, if the sealer does. The answer is for a manifest.
core::Result<DayManifest::Object> write_object(ObjectStore& objects, const Sealer& sealer, std::int64_t day,
                                               std::string frame);

/// "2026-01-02", and back: a UTC day by its number since 1970-01-01.
std::string day_text(std::int64_t day);
std::optional<std::int64_t> parse_day(std::string_view text);

}  // namespace trapline::collector
