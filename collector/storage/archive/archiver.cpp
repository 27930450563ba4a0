#include "collector/storage/archive/archiver.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "collector/storage/archive/content_hash.h"
#include "collector/storage/time_span.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Status;

constexpr std::chrono::milliseconds kLongestArchivePause{600'000};
constexpr std::size_t kFirstArchivePage = 20;
constexpr std::size_t kMostOnArchivePage = 500;
/// An object's lines have at most so many times its bytes: who brings it back reads it as a whole.
constexpr std::size_t kMostPlainInObject = 16;

/// What tells an event from all others, in eight bytes: of ten million events two have the same one in a case of
/// 370,000, and then one of them is not archived again when its day is.
std::uint64_t identity_of(const DigestedEvent& event) {
  const std::string hash = sha256_hex(std::to_string(event.project_id) + " " + event.event_id);
  return std::stoull(hash.substr(0, 16), nullptr, 16);
}

}  // namespace

/// A day that is being archived.
struct Archiver::Work {
  std::int64_t day = 0;
  std::optional<DayManifest> before;
  std::deque<DayManifest::Object> to_read;  ///< of `before`
  std::vector<std::uint64_t> known;         ///< hashes of the events there; sorted when all are
  DayManifest manifest;
  std::int64_t last_row = 0;
  std::size_t page_limit = 0;
  std::map<ProjectId, std::int64_t> in_packer;
  std::string frame;  ///< full, and not there yet
  std::int64_t written = 0;
  bool is_read = false;
};

Archiver::Archiver(Store& store, ObjectStore& objects, const Sealer& sealer, ArchiverOptions options)
    : store_(store), objects_(objects), sealer_(sealer), options_(std::move(options)) {}

Archiver::~Archiver() = default;

Status Archiver::work_on(std::int64_t day) {
  if (options_.clock.steady_now() < next_try_) return {};
  Status status = work_ && work_->day == day ? Status{} : begin(day);
  if (status) status = go_on();
  if (status) {
    if (counts_.is_failing.exchange(false)) options_.say("the archive " + objects_.place() + " can be written again");
    pause_ = std::chrono::milliseconds(0);
    return {};
  }
  fail(status.error());
  return status;
}

/// What was damaged on the way there is begun anew; what could not be sent is sent again.
void Archiver::fail(const Error& error) {
  ++counts_.failures;
  counts_.is_failing = true;
  if (error.code != "archive_unavailable" && error.code != "archive_full" && error.code != "archive_refused") {
    work_.reset();
    counts_.is_at_work = false;
  }
  pause_ = std::min(std::max(pause_ * 2, options_.first_pause), kLongestArchivePause);
  next_try_ = options_.clock.steady_now() + pause_;
}

void Archiver::drop_work() {
  work_.reset();
  counts_.is_at_work = false;
  static_cast<void>(packer_.finish());
}

Status Archiver::begin(std::int64_t day) {
  drop_work();  // of a day that was given up
  if (Status status = objects_.remove_unfinished(); !status) return status;
  auto before = read_manifest(objects_, day);
  if (!before) return before.error();
  if (Status status = remove_strays(objects_, day, *before); !status) return status;
  if (Status status = store_.begin_archiving(day); !status) return status;
  work_ = std::make_unique<Work>();
  work_->day = day;
  work_->before = std::move(*before);
  work_->page_limit = kFirstArchivePage;
  if (work_->before) {
    work_->manifest = *work_->before;
    work_->manifest.unreadable = 0;  // they are counted again
    work_->to_read.assign(work_->before->objects.begin(), work_->before->objects.end());
  }
  work_->manifest.day = day;
  counts_.day_events = 0;
  counts_.day_share = 0;
  counts_.is_at_work = true;
  options_.say("the events of " + day_text(day) + " are written to the archive " + objects_.place());
  return {};
}

Status Archiver::go_on() {
  if (!work_->frame.empty()) return put_frame();
  if (!work_->to_read.empty()) return read_known();
  if (!work_->is_read) return read_page();
  return finish();
}

/// What is there of the day already. An object that is damaged is named no more: what the store has of it is written
/// anew.
Status Archiver::read_known() {
  const DayManifest::Object object = work_->to_read.front();
  const auto frame = read_object(objects_, sealer_, work_->day, object);
  Status status;
  if (!frame && frame.error().code != "archive_damaged") return frame.error();
  std::vector<std::uint64_t> found;
  if (frame) {
    status = for_each_line(*frame, [&](std::string_view line) -> Status {
      const auto stored = read_archive_line(line);
      if (!stored) return stored.error();
      found.push_back(identity_of(stored->event));
      return {};
    });
  }
  if (!frame || !status) {
    options_.say((frame ? status.error().message : frame.error().message) + ": it is left out from now on");
    std::erase_if(work_->manifest.objects, [&](const auto& named) { return named.name == object.name; });
  } else {
    work_->known.insert(work_->known.end(), found.begin(), found.end());
  }
  work_->to_read.pop_front();
  if (work_->to_read.empty()) std::sort(work_->known.begin(), work_->known.end());
  return {};
}

Status Archiver::read_page() {
  const auto page = store_.find_events_to_archive({work_->day, work_->last_row, work_->page_limit});
  if (!page) return page.error();
  std::size_t payload_bytes = 0;
  for (const StoredEvent& stored : page->events) {
    payload_bytes += stored.event.payload.size();
    take(stored);
  }
  work_->last_row = page->last_row;
  work_->manifest.unreadable += static_cast<std::int64_t>(page->unreadable);
  work_->is_read = page->is_last;
  if (!page->events.empty()) {
    const std::size_t average = payload_bytes / page->events.size() + 1;
    work_->page_limit = std::clamp<std::size_t>(options_.slice_bytes / average, 1, kMostOnArchivePage);
  }
  const double time = static_cast<double>(page->last_received_at - work_->day * kDayMs);
  counts_.day_share = page->is_last ? 1 : std::clamp(time / static_cast<double>(kDayMs), 0.0, 1.0);
  const bool is_full =
      packer_.bytes() >= options_.object_bytes || packer_.plain_bytes() / kMostPlainInObject >= options_.object_bytes;
  if (is_full || work_->is_read) fill_frame();
  return {};
}

void Archiver::take(const StoredEvent& stored) {
  if (std::binary_search(work_->known.begin(), work_->known.end(), identity_of(stored.event))) return;
  packer_.add(archive_line(stored));
  ++work_->in_packer[stored.event.project_id];
  ++work_->written;
  ++counts_.day_events;
  DayManifest& manifest = work_->manifest;
  const UnixMillis time = stored.event.received_at;
  if (manifest.first_received_at == 0 || time < manifest.first_received_at) manifest.first_received_at = time;
  manifest.last_received_at = std::max(manifest.last_received_at, time);
}

void Archiver::fill_frame() {
  if (!work_->in_packer.empty()) work_->frame = packer_.finish();
}

Status Archiver::put_frame() {
  auto object = write_object(objects_, sealer_, work_->day, work_->frame);
  if (!object) return object.error();
  object->events = std::exchange(work_->in_packer, {});
  counts_.bytes += object->bytes;
  work_->manifest.objects.push_back(std::move(*object));
  work_->frame.clear();
  return {};
}

/// Whether all that the manifest names is there.
Status Archiver::find_objects() {
  for (const DayManifest::Object& object : work_->manifest.objects) {
    const auto is_there = objects_.exists(archive_folder_of(work_->day) + object.name);
    if (!is_there) return is_there.error();
    if (!*is_there) return Error{"archive_changed", "an object of " + day_text(work_->day) + " has vanished"};
  }
  return {};
}

/// Whether the day's manifest is the one that is expected, or none.
Status Archiver::compare_manifest(const std::optional<DayManifest>& expected) {
  const auto there = read_manifest(objects_, work_->day);
  if (!there) return there.error();
  const auto text_of = [](const std::optional<DayManifest>& manifest) {
    return manifest ? manifest->to_json() : std::string();
  };
  if (text_of(*there) == text_of(expected)) return {};
  return Error{"archive_changed", "somebody else has written into the archive of " + day_text(work_->day)};
}

Status Archiver::finish() {
  // Another collector may have been at the same day meanwhile, when this one was taken for dead.
  if (Status status = compare_manifest(work_->before); !status) return status;
  if (Status status = find_objects(); !status) return status;
  const auto projects = store_.list_projects();
  if (!projects) return projects.error();
  DayManifest& manifest = work_->manifest;
  const auto counts = manifest.events_by_project();
  for (const Project& project : *projects) {
    if (counts.contains(project.id)) manifest.projects[project.id] = project.name;
  }
  manifest.made_by = options_.made_by;
  manifest.written_at = options_.clock.unix_millis();
  if (Status status = write_manifest(objects_, manifest); !status) return status;
  // Somebody who rewrote the day in that moment has removed what the manifest did not name yet: then it is not whole.
  if (Status status = find_objects(); !status) return status;
  if (Status status = compare_manifest(manifest); !status) return status;
  const std::int64_t day = work_->day;
  const auto is_whole = store_.end_archiving(day);
  if (!is_whole) return is_whole.error();
  const std::int64_t written = work_->written;
  std::string said = "the events of " + day_text(day) + " are in the archive: " + std::to_string(manifest.events()) +
                     " events in " + std::to_string(manifest.objects.size()) + " objects, " +
                     std::to_string(manifest.bytes()) + " bytes";
  if (manifest.unreadable > 0) said += "; " + std::to_string(manifest.unreadable) + " are damaged and not there";
  if (!*is_whole) said += "; others came meanwhile, which are yet to be written";
  work_.reset();
  counts_.is_at_work = false;
  counts_.events += static_cast<std::uint64_t>(written);
  if (*is_whole) ++counts_.days;
  options_.say(said);
  return {};
}

}  // namespace trapline::collector
