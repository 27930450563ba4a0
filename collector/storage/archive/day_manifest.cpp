#include "collector/storage/archive/day_manifest.h"

#include <algorithm>
#include <exception>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "collector/storage/archive/content_hash.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/time_span.h"
#include "sdk/core/random.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;
using core::Status;
using nlohmann::json;

/// Of the manifest and the objects; a later one may tell more.
constexpr int kArchiveFormat = 1;
constexpr std::string_view kArchiveKind = "trapline events";
constexpr std::string_view kEventsFolder = "events/";
constexpr std::string_view kManifestFile = "manifest.json";
constexpr std::string_view kObjectEnd = ".ndjson.zst";
constexpr std::string_view kSealedObjectEnd = ".ndjson.zst.sealed";
constexpr std::size_t kObjectNameBytes = 8;

Error damaged_manifest(std::int64_t day, const std::string& why) {
  return {"archive_damaged", "the archive's manifest of " + day_text(day) + " " + why};
}

/// An object's own file, and none of another folder.
bool is_events_object(std::string_view name) {
  return is_object_name(name) && name.find('/') == std::string_view::npos &&
         (name.ends_with(kObjectEnd) || name.ends_with(kSealedObjectEnd));
}

std::string place_of_object(std::int64_t day, std::string_view name) {
  return archive_folder_of(day) + std::string(name);
}

json object_to_json(const DayManifest::Object& object) {
  json events = json::array();
  for (const auto& [project, count] : object.events) {
    events.push_back({{"project_id", std::to_string(project)}, {"events", count}});
  }
  return {{"name", object.name},
          {"bytes", object.bytes},
          {"sha256", object.sha256},
          {"sealed_with", object.sealed_with ? json(key_id_text(*object.sealed_with)) : json(nullptr)},
          {"projects", std::move(events)}};
}

DayManifest::Object object_of_json(const json& read) {
  DayManifest::Object object;
  object.name = read.at("name").get<std::string>();
  object.bytes = read.at("bytes").get<std::uint64_t>();
  object.sha256 = read.at("sha256").get<std::string>();
  if (!read.at("sealed_with").is_null()) {
    object.sealed_with = static_cast<KeyId>(std::stoul(read.at("sealed_with").get<std::string>(), nullptr, 16));
  }
  for (const json& project : read.at("projects")) {
    object.events[std::stoll(project.at("project_id").get<std::string>())] = project.at("events").get<std::int64_t>();
  }
  return object;
}

/// The days of which something is there, and whether all of it is.
Result<std::map<std::int64_t, bool>> list_days(ObjectStore& objects) {
  const auto names = objects.list(kEventsFolder);
  if (!names) return names.error();
  std::map<std::int64_t, bool> days;
  for (const std::string& name : *names) {
    const std::string_view rest = std::string_view(name).substr(kEventsFolder.size());
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) continue;
    if (const auto day = parse_day(rest.substr(0, slash))) days[*day] |= rest.substr(slash + 1) == kManifestFile;
  }
  return days;
}

}  // namespace

std::map<ProjectId, std::int64_t> DayManifest::events_by_project() const {
  std::map<ProjectId, std::int64_t> sums;
  for (const Object& object : objects) {
    for (const auto& [project, count] : object.events) sums[project] += count;
  }
  return sums;
}

std::int64_t DayManifest::events() const {
  std::int64_t sum = 0;
  for (const auto& [project, count] : events_by_project()) sum += count;
  return sum;
}

std::uint64_t DayManifest::bytes() const {
  std::uint64_t sum = 0;
  for (const Object& object : objects) sum += object.bytes;
  return sum;
}

std::string DayManifest::to_json() const {
  json list = json::array();
  for (const Object& object : objects) list.push_back(object_to_json(object));
  json named = json::array();
  for (const auto& [project, count] : events_by_project()) {
    const auto name = projects.find(project);
    named.push_back({{"id", std::to_string(project)},
                     {"name", name == projects.end() ? std::string() : name->second},
                     {"events", count}});
  }
  const json manifest = {{"kind", kArchiveKind},
                         {"format", kArchiveFormat},
                         {"day", day_text(day)},
                         {"made_by", made_by},
                         {"written_at", core::format_timestamp(written_at)},
                         {"events", events()},
                         {"unreadable_events", unreadable},
                         {"first_received_at", core::format_timestamp(first_received_at)},
                         {"last_received_at", core::format_timestamp(last_received_at)},
                         {"projects", std::move(named)},
                         {"objects", std::move(list)}};
  return manifest.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<DayManifest> DayManifest::parse(std::string_view text) {
  DayManifest manifest;
  const auto damaged = [](const std::string& why) {
    return Error{"archive_damaged", "a manifest of the archive " + why};
  };
  try {
    const json read = json::parse(text);
    if (read.at("kind") != kArchiveKind || read.at("format") != kArchiveFormat) {
      return damaged("has the kind " + read.at("kind").dump() + " and the format " + read.at("format").dump() +
                     ", this version knows format " + std::to_string(kArchiveFormat));
    }
    const auto time = [&](const char* name) {
      return core::parse_timestamp(read.at(name).get<std::string>()).value_or(0);
    };
    const auto day = parse_day(read.at("day").get<std::string>());
    if (!day) return damaged("is of no day: " + read.at("day").dump());
    manifest.day = *day;
    manifest.made_by = read.at("made_by").get<std::string>();
    manifest.written_at = time("written_at");
    manifest.first_received_at = time("first_received_at");
    manifest.last_received_at = time("last_received_at");
    manifest.unreadable = read.at("unreadable_events").get<std::int64_t>();
    for (const json& project : read.at("projects")) {
      manifest.projects[std::stoll(project.at("id").get<std::string>())] = project.at("name").get<std::string>();
    }
    for (const json& object : read.at("objects")) {
      manifest.objects.push_back(object_of_json(object));
      if (!is_events_object(manifest.objects.back().name)) {
        return damaged("names '" + manifest.objects.back().name + "', which no archive has");
      }
    }
  } catch (const std::exception& error) {
    return damaged(std::string("cannot be read: ") + error.what());
  }
  return manifest;
}

std::string day_text(std::int64_t day) { return sql::day_text(day); }

std::string archive_folder_of(std::int64_t day) { return std::string(kEventsFolder) + day_text(day) + "/"; }

std::optional<std::int64_t> parse_day(std::string_view text) {
  const auto time = core::parse_timestamp(std::string(text) + "T00:00:00Z");
  if (!time || day_text(start_of(*time, kDayMs) / kDayMs) != text) return std::nullopt;
  return start_of(*time, kDayMs) / kDayMs;
}

Result<std::optional<DayManifest>> read_manifest(ObjectStore& objects, std::int64_t day) {
  const auto text = objects.get(place_of_object(day, kManifestFile));
  if (!text) return text.error();
  if (!*text) return std::optional<DayManifest>();
  auto manifest = DayManifest::parse(**text);
  if (!manifest) return damaged_manifest(day, "is damaged: " + manifest.error().message);
  if (manifest->day != day) return damaged_manifest(day, "is another day's");
  return std::optional(std::move(*manifest));
}

Status write_manifest(ObjectStore& objects, const DayManifest& manifest) {
  return objects.put(place_of_object(manifest.day, kManifestFile), manifest.to_json());
}

Status remove_strays(ObjectStore& objects, std::int64_t day, const std::optional<DayManifest>& manifest) {
  const auto names = objects.list(archive_folder_of(day));
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const std::string file = name.substr(archive_folder_of(day).size());
    if (!is_events_object(file)) continue;
    const bool is_named = manifest && std::any_of(manifest->objects.begin(), manifest->objects.end(),
                                                  [&](const auto& object) { return object.name == file; });
    if (is_named) continue;
    if (Status status = objects.remove(name); !status) return status;
  }
  return {};
}

Status remove_unfinished_days(ObjectStore& objects) {
  const auto days = list_days(objects);
  if (!days) return days.error();
  for (const auto& [day, is_whole] : *days) {
    if (is_whole) continue;
    if (Status status = remove_strays(objects, day, std::nullopt); !status) return status;
  }
  return objects.remove_unfinished();
}

Result<std::vector<std::int64_t>> list_archived_days(ObjectStore& objects) {
  const auto days = list_days(objects);
  if (!days) return days.error();
  std::vector<std::int64_t> whole;
  for (const auto& [day, is_whole] : *days) {
    if (is_whole) whole.push_back(day);
  }
  return whole;
}

Result<std::string> read_object(ObjectStore& objects, const Sealer& sealer, std::int64_t day,
                                const DayManifest::Object& object) {
  const std::string place = place_of_object(day, object.name);
  auto bytes = objects.get(place);
  if (!bytes) return bytes.error();
  const std::string what = "the archive's object " + place + " ";
  if (!*bytes) return Error{"archive_damaged", what + "is missing"};
  if ((*bytes)->size() != object.bytes || sha256_hex(**bytes) != object.sha256) {
    return Error{"archive_damaged", what + "is not what its manifest says: it was damaged, or replaced"};
  }
  if (!object.sealed_with) return std::move(**bytes);
  if (!sealer.has(*object.sealed_with)) {
    return Error{"missing_key", what + "is sealed with the encryption key " + key_id_text(*object.sealed_with) +
                                    ", which was not given (--encryption-key-file)"};
  }
  try {
    std::string opened;
    return std::string(sealer.open(**bytes, place, opened));
  } catch (const std::exception& error) {
    return Error{"archive_damaged", what + "does not open: " + error.what()};
  }
}

Result<DayManifest::Object> write_object(ObjectStore& objects, const Sealer& sealer, std::int64_t day,
                                         std::string frame) {
  DayManifest::Object object;
  object.name = core::random_hex(kObjectNameBytes) + std::string(sealer.is_on() ? kSealedObjectEnd : kObjectEnd);
  const std::string place = place_of_object(day, object.name);
  if (sealer.is_on()) {
    object.sealed_with = sealer.key_id();
    frame = sealer.seal(std::move(frame), place);
  }
  object.bytes = frame.size();
  object.sha256 = sha256_hex(frame);
  if (Status status = objects.put(place, frame); !status) return status.error();
  return object;
}

}  // namespace trapline::collector
