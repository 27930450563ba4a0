#include "collector/storage/archive/day_restore.h"

#include <map>
#include <utility>
#include <vector>

#include "collector/storage/archive/event_lines.h"
#include "collector/storage/time_span.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;
using core::Status;

constexpr std::size_t kRestoredAtOnce = 200;
constexpr std::size_t kRestoredBytesAtOnce = std::size_t{1} << 20;

/// The one that has the name, or else the number.
const Project* find_match(const std::vector<Project>& projects, const std::string& name, ProjectId id) {
  const Project* match = nullptr;
  for (const Project& project : projects) {
    if (project.name == name) return &project;
    if (project.id == id) match = &project;
  }
  return match;
}

/// Which project of the store each of the manifest's is, of those that are asked for.
Result<std::map<ProjectId, ProjectId>> match_projects(Store& store, const DayManifest& manifest,
                                                      const std::optional<std::string>& only) {
  const auto projects = store.list_projects();
  if (!projects) return projects.error();
  std::map<ProjectId, ProjectId> matches;
  for (const auto& [id, count] : manifest.events_by_project()) {
    const auto known = manifest.projects.find(id);
    const std::string name = known == manifest.projects.end() ? std::string() : known->second;
    const Project* match = find_match(*projects, name, id);
    if (only && *only != name && (match == nullptr || match->name != *only)) continue;
    if (match == nullptr) {
      return Error{"no_such_project", "the events of " + day_text(manifest.day) + " are of the project '" + name +
                                          "', which is not there: make it, or name another one with --project"};
    }
    matches[id] = match->id;
  }
  if (only && matches.empty()) {
    return Error{"not_in_archive",
                 "the archive has no events of the project '" + *only + "' of " + day_text(manifest.day)};
  }
  return matches;
}

class DayRestore {
 public:
  DayRestore(Store& store, ObjectStore& objects, const Sealer& sealer, const RestoreRequest& request,
             DayManifest manifest, std::map<ProjectId, ProjectId> projects)
      : store_(store),
        objects_(objects),
        sealer_(sealer),
        request_(request),
        manifest_(std::move(manifest)),
        projects_(std::move(projects)) {}

  Result<RestoreOutcome> run() {
    for (const auto& object : manifest_.objects) total_ += is_wanted(object) ? 2 * object.bytes : 0;
    for (const auto& object : manifest_.objects) {
      if (!is_wanted(object)) continue;
      if (const auto frame = read(object); !frame) return frame.error();
    }
    for (const auto& object : manifest_.objects) {
      if (!is_wanted(object)) continue;
      const auto frame = read(object);
      if (!frame) return frame.error();
      const Status status = for_each_line(*frame, [this](std::string_view line) { return take(line); });
      if (!status) return status.error();
    }
    if (Status status = store_batch(); !status) return status.error();
    return outcome_;
  }

 private:
  [[nodiscard]] bool is_wanted(const DayManifest::Object& object) const {
    for (const auto& [project, count] : object.events) {
      if (projects_.contains(project)) return true;
    }
    return false;
  }

  Result<std::string> read(const DayManifest::Object& object) {
    if (!request_.on_progress(done_, total_)) return Error{"broken_off", "the restore was broken off"};
    done_ += object.bytes;
    return read_object(objects_, sealer_, manifest_.day, object);
  }

  Status take(std::string_view line) {
    auto stored = read_archive_line(line);
    if (!stored) return stored.error();
    DigestedEvent& event = stored->event;
    const auto project = projects_.find(event.project_id);
    if (project == projects_.end()) return {};
    if (start_of(event.received_at, kDayMs) / kDayMs != manifest_.day) {
      return Error{"archive_damaged", "an event of another day is among those of " + day_text(manifest_.day)};
    }
    event.project_id = project->second;
    read_facts(event);
    batch_bytes_ += event.payload.size();
    batch_.push_back(std::move(event));
    const bool is_full = batch_.size() >= kRestoredAtOnce || batch_bytes_ >= kRestoredBytesAtOnce;
    return is_full ? store_batch() : Status{};
  }

  /// Days that are brought back have no index of words.
  void read_facts(DigestedEvent& event) const {
    if (request_.reader == nullptr) return;
    try {
      request_.reader->read_facts(event);
    } catch (const std::exception&) {  // it is stored as it is
    }
    event.texts.clear();
    event.trail_texts.clear();
  }

  Status store_batch() {
    if (batch_.empty()) return {};
    const auto outcome = store_.restore_events(manifest_.day, batch_, request_.kept_until);
    if (!outcome) return outcome.error();
    outcome_.restored += outcome->restored;
    outcome_.known += outcome->known;
    outcome_.left_out += outcome->left_out;
    batch_.clear();
    batch_bytes_ = 0;
    return request_.on_progress(done_, total_) ? Status{} : Status{Error{"broken_off", "the restore was broken off"}};
  }

  Store& store_;
  ObjectStore& objects_;
  const Sealer& sealer_;
  const RestoreRequest& request_;
  const DayManifest manifest_;
  const std::map<ProjectId, ProjectId> projects_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
  std::vector<DigestedEvent> batch_;
  std::size_t batch_bytes_ = 0;
  RestoreOutcome outcome_;
};

Result<DayManifest> manifest_of(ObjectStore& objects, std::int64_t day) {
  auto manifest = read_manifest(objects, day);
  if (!manifest) return manifest.error();
  if (!*manifest) {
    return Error{"not_in_archive", "the archive " + objects.place() + " has no events of " + day_text(day) +
                                       ": trapline-collector archive list shows what it has"};
  }
  return std::move(**manifest);
}

/// The object without what is removed; nothing when it has all of it yet.
Result<std::optional<DayManifest::Object>> rewrite_object(ObjectStore& objects, const Sealer& sealer, std::int64_t day,
                                                          const DayManifest::Object& object,
                                                          const std::function<bool(const StoredEvent&)>& is_removed,
                                                          std::int64_t& removed) {
  const auto frame = read_object(objects, sealer, day, object);
  if (!frame) return frame.error();
  LinePacker packer;
  std::map<ProjectId, std::int64_t> kept;
  const std::int64_t removed_before = removed;
  const Status status = for_each_line(*frame, [&](std::string_view line) -> Status {
    const auto stored = read_archive_line(line);
    if (!stored) return stored.error();
    if (is_removed(*stored)) {
      ++removed;
      return {};
    }
    packer.add(line);
    packer.add("\n");
    ++kept[stored->event.project_id];
    return {};
  });
  if (!status) return status.error();
  if (removed == removed_before) return std::optional<DayManifest::Object>();
  if (kept.empty()) return std::optional(DayManifest::Object{});  // without a name: there is none
  auto written = write_object(objects, sealer, day, packer.finish());
  if (!written) return written.error();
  written->events = std::move(kept);
  return std::optional(std::move(*written));
}

}  // namespace

Result<RestoreOutcome> restore_day(Store& store, ObjectStore& objects, const Sealer& sealer,
                                   const RestoreRequest& request) {
  auto manifest = manifest_of(objects, request.day);
  if (!manifest) return manifest.error();
  auto projects = match_projects(store, *manifest, request.project);
  if (!projects) return projects.error();
  return DayRestore(store, objects, sealer, request, std::move(*manifest), std::move(*projects)).run();
}

Result<RewriteOutcome> rewrite_day(ObjectStore& objects, const Sealer& sealer, std::int64_t day,
                                   const std::function<bool(const StoredEvent&)>& is_removed) {
  auto manifest = manifest_of(objects, day);
  if (!manifest) return manifest.error();
  RewriteOutcome outcome;
  const std::string before = manifest->to_json();
  std::vector<DayManifest::Object> kept;
  for (const DayManifest::Object& object : manifest->objects) {
    auto anew = rewrite_object(objects, sealer, day, object, is_removed, outcome.removed);
    if (!anew) return anew.error();
    outcome.rewritten += anew->has_value() ? 1 : 0;
    if (!*anew) kept.push_back(object);
    if (*anew && !(*anew)->name.empty()) kept.push_back(std::move(**anew));
  }
  manifest->objects = std::move(kept);
  if (outcome.rewritten > 0) {
    const auto there = manifest_of(objects, day);
    if (!there) return there.error();
    if (there->to_json() != before) {
      return Error{"archive_changed", "somebody else has written into the archive of " + day_text(day) +
                                          " meanwhile: run it again, and it does the rest"};
    }
    if (Status status = write_manifest(objects, *manifest); !status) return status.error();
  }
  // Also what an earlier call, or an archiver, has left there when it was killed.
  if (Status status = remove_strays(objects, day, *manifest); !status) return status.error();
  return outcome;
}

}  // namespace trapline::collector
