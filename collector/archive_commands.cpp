#include "collector/archive_commands.h"

#include <iostream>
#include <optional>
#include <set>
#include <vector>

#include "collector/commands.h"
#include "collector/digest/stored_payload.h"
#include "collector/progress_bar.h"
#include "collector/storage/archive/day_restore.h"
#include "collector/storage/time_span.h"

namespace trapline::collector {
namespace {

constexpr std::int64_t kMostKeepDays = 36'500;

Result<std::int64_t> read_day(std::string_view option, const std::string& text) {
  const auto day = parse_day(text);
  if (day) return *day;
  return Error{"invalid_parameter", std::string(option) + " takes a day such as 2026-01-02, not '" + text + "'"};
}

/// The days that are asked for and there.
Result<std::vector<std::int64_t>> days_of(ObjectStore& objects, const ArchiveWishes& wishes) {
  const auto from = read_day("--day", wishes.day);
  if (!from) return from.error();
  const auto to = wishes.to.empty() ? from : read_day("--to", wishes.to);
  if (!to) return to.error();
  if (*to < *from) return Error{"invalid_parameter", "--to " + wishes.to + " is before --day " + wishes.day};
  if (*to == *from) return std::vector{*from};
  const auto all = list_archived_days(objects);
  if (!all) return all.error();
  std::vector<std::int64_t> days;
  for (const std::int64_t day : *all) {
    if (day >= *from && day <= *to) days.push_back(day);
  }
  if (!days.empty()) return days;
  return Error{"not_in_archive", "the archive " + objects.place() + " has no day from " + wishes.day + " to " +
                                     wishes.to + ": trapline-collector archive list shows what it has"};
}

Status restore_one(const Config& config, Store& store, ObjectStore& objects, const ArchiveWishes& wishes,
                   std::int64_t day) {
  const Sealer sealer(config.keys);
  const StoredPayloadReader reader(std::nullopt);
  RestoreOutcome outcome;
  {
    ProgressBar bar;
    const auto restored = restore_day(store, objects, sealer,
                                      {.day = day,
                                       .project = wishes.project,
                                       .kept_until = core::system_clock().unix_millis() + wishes.keep_days * kDayMs,
                                       .reader = &reader,
                                       .on_progress = [&bar](std::uint64_t done, std::uint64_t total) {
                                         bar.show(done, total);
                                         return true;
                                       }});
    if (!restored) return restored.error();
    outcome = *restored;
  }
  std::cout << day_text(day) << ": " << outcome.restored << " events are back";
  if (outcome.known > 0) std::cout << ", " << outcome.known << " were there";
  if (outcome.left_out > 0) std::cout << ", " << outcome.left_out << " are of projects that were deleted meanwhile";
  std::cout << '\n';
  return {};
}

}  // namespace

Status restore_from_archive(const Config& config, const ArchiveWishes& wishes) {
  if (wishes.keep_days < 0 || wishes.keep_days > kMostKeepDays) {
    return Error{"invalid_parameter", "--keep-days takes a number of days, 0 or more"};
  }
  auto objects = open_objects(config.archive);
  if (!objects) return objects.error();
  const auto days = days_of(**objects, wishes);
  if (!days) return days.error();
  auto store = open_configured_store(config);
  if (!store) return store.error();
  for (const std::int64_t day : *days) {
    if (Status status = restore_one(config, **store, **objects, wishes, day); !status) return status;
  }
  if (wishes.keep_days > 0) {
    std::cout << "Retention leaves what is back alone for " << wishes.keep_days
              << " days, unless the database needs the room.\n";
  }
  return {};
}

ArchiveCommand::ArchiveCommand(CLI::App& program) {
  CLI::App* command = program.add_subcommand("archive", "The cold archive of events that are kept no more");
  command->require_subcommand(1);
  list_ = command->add_subcommand("list", "Show the days that are in the archive");
  list_->footer(
      "A line has the day, its events, bytes and objects, the keys that these are sealed with, and the projects.\n\n"
      "Examples:\n"
      "  trapline-collector archive list --archive /mnt/cold\n"
      "  AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… trapline-collector archive list --archive s3://cold/trapline \\\n"
      "      --archive-endpoint https://s3.example.com --archive-region eu-central-1");
}

Status ArchiveCommand::list(const Config& config) {
  auto objects = open_objects(config.archive);
  if (!objects) return objects.error();
  const auto days = list_archived_days(**objects);
  if (!days) return days.error();
  for (const std::int64_t day : *days) {
    const auto manifest = read_manifest(**objects, day);
    if (!manifest) return manifest.error();
    if (!*manifest) continue;
    std::cout << day_text(day) << "  " << (*manifest)->events() << " events  " << (*manifest)->bytes() << " bytes in "
              << (*manifest)->objects.size() << " objects";
    std::set<KeyId> keys;
    for (const auto& object : (*manifest)->objects) {
      if (object.sealed_with) keys.insert(*object.sealed_with);
    }
    for (const KeyId key : keys) std::cout << "  sealed with " << key_id_text(key);
    for (const auto& [project, count] : (*manifest)->events_by_project()) {
      const auto name = (*manifest)->projects.find(project);
      std::cout << "  " << (name == (*manifest)->projects.end() ? std::to_string(project) : name->second) << ": "
                << count;
    }
    std::cout << '\n';
  }
  return {};
}

}  // namespace trapline::collector
