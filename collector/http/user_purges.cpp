#include "collector/http/user_purges.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <pthread.h>
#include <spdlog/spdlog.h>

#include "sdk/core/random.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kPurgesKnown = 50;
constexpr std::size_t kPurgeIdBytes = 8;
constexpr int kMostFileSweeps = 100'000;

/// Files of attachments that are gone. What cannot be removed now goes when a collector sweeps.
void sweep_all_files(Store& store) {
  for (int sweeps = 0; sweeps < kMostFileSweeps; ++sweeps) {
    const auto swept = store.sweep_files();
    if (!swept || !*swept) return;
  }
}

Result<ErasureOutcome> with_report(Store& store, ErasureFacts facts, bool is_dry) {
  const auto projects = store.list_projects();
  if (!projects) return projects.error();
  for (const Project& project : *projects) facts.project_names[project.id] = project.name;
  for (const std::string& trouble : store.troubles()) facts.not_looked_at.push_back(trouble);
  ErasureOutcome outcome{std::move(facts), {}, {}};
  if (is_dry) return outcome;
  const auto seed = store.report_seed();
  if (!seed) return seed.error();
  outcome.report = make_erasure_report(outcome.facts, *seed);
  return outcome;
}

/// What an archive that cannot be used has of the user stays, and the report says so.
std::optional<Error> erase_archived(const ArchiveInUse& archive, const PayloadReader& reader, const ErasureWish& wish,
                                    const std::function<bool(int percent)>& on_progress, ErasureFacts& facts) {
  const auto erased = erase_from_archive(archive, wish.user, reader, wish.is_dry, on_progress);
  if (!erased) {
    facts.not_looked_at.push_back("the archive " + archive.objects.place() + ": " + erased.error().message);
    return erased.error();
  }
  for (const auto& [project, count] : erased->events) facts.counts[project].archived += count;
  facts.unreadable += erased->unreadable;
  for (const Error& error : erased->left_out) facts.not_looked_at.push_back(error.message);
  if (erased->left_out.empty()) return std::nullopt;
  return erased->left_out.front();
}

}  // namespace

Result<ErasureOutcome> erase_user(Store& store, const PayloadReader& reader, const ErasureWish& wish,
                                  const core::Clock& clock, const std::function<bool(int percent)>& on_progress,
                                  const std::optional<ArchiveInUse>& archive) {
  // With an archive the store is about half of it.
  const int store_share = archive ? 2 : 1;
  ErasureFacts facts;
  facts.user = wish.user;
  facts.requested_by = wish.requested_by;
  facts.started_at = clock.unix_millis();
  if (!wish.is_dry) {
    // Before anything is erased: without a key there would be no report of it.
    const auto seed = store.report_seed();
    if (!seed) return seed.error();
  }
  const auto erasure = store.begin_erasure(wish.user, reader, wish.is_dry);
  if (!erasure) return erasure.error();
  while (true) {
    const auto step = store.erase_some(**erasure);
    if (!step) return step.error();
    if (!step->has_more) break;
    if (!on_progress(step->percent / store_share)) {
      return Error{"broken_off", "the purge was broken off: run it again, and it erases the rest"};
    }
    // Half of the time is others'.
    if (step->held_writer.count() > 0) std::this_thread::sleep_for(step->held_writer);
  }
  if (!wish.is_dry) sweep_all_files(store);
  facts.counts = (*erasure)->counts();
  facts.unreadable = (*erasure)->unreadable();
  std::optional<Error> archive_error;
  if (archive) {
    archive_error = erase_archived(
        *archive, reader, wish, [&](int percent) { return on_progress(50 + percent / 2); }, facts);
  }
  facts.finished_at = clock.unix_millis();
  auto outcome = with_report(store, std::move(facts), wish.is_dry);
  if (outcome) outcome->archive_error = std::move(archive_error);
  return outcome;
}

Result<UserPurges::Purge> UserPurges::start(const ErasureWish& wish) {
  const std::lock_guard lock(mutex_);
  if (!purges_.empty() && purges_.back().is_running) {
    return Error{"conflict", "a purge is running, " + purges_.back().id + ": start this one when it has ended"};
  }
  if (is_stopping_) return Error{"conflict", "the collector is stopping"};
  if (thread_.joinable()) thread_.join();  // it has ended
  Purge purge;
  purge.id = core::random_hex(kPurgeIdBytes);
  purge.is_dry = wish.is_dry;
  purge.started_at = clock_.unix_millis();
  purges_.push_back(purge);
  if (purges_.size() > kPurgesKnown) purges_.pop_front();
  thread_ = std::thread([this, id = purge.id, wish] { run(id, wish); });
  return purge;
}

void UserPurges::run(const std::string& id, const ErasureWish& wish) {
  pthread_setname_np(pthread_self(), "user-purge");
  const auto tell_progress = [&](int percent) {
    const std::lock_guard lock(mutex_);
    if (Purge* purge = look_up(id)) purge->percent = percent;
    return !is_stopping_;
  };
  Result<ErasureOutcome> outcome = Error{};
  try {
    outcome = erase_user(store_, reader_, wish, clock_, tell_progress, archive_);
  } catch (const std::exception& error) {
    outcome = Error{"internal", error.what()};
  }
  if (!outcome) spdlog::error("the purge {} has failed: {}", id, outcome.error().message);
  if (outcome && outcome->archive_error) {
    spdlog::error("the purge {} has left something in the archive: {}", id, outcome->archive_error->message);
  }
  const std::lock_guard lock(mutex_);
  Purge* purge = look_up(id);
  if (purge == nullptr) return;
  if (outcome) {
    purge->outcome = std::move(*outcome);
    purge->percent = 100;
  } else {
    purge->error = outcome.error();
  }
  purge->is_running = false;
}

UserPurges::Purge* UserPurges::look_up(const std::string& id) {
  const auto found = std::find_if(purges_.begin(), purges_.end(), [&](const Purge& one) { return one.id == id; });
  return found == purges_.end() ? nullptr : &*found;
}

std::optional<UserPurges::Purge> UserPurges::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const Purge* purge = look_up(id);
  if (purge == nullptr) return std::nullopt;
  return *purge;
}

void UserPurges::stop() {
  is_stopping_ = true;
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

}  // namespace trapline::collector
