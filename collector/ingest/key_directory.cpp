#include "collector/ingest/key_directory.h"

namespace trapline::collector {
namespace {

constexpr std::chrono::seconds kLifetime{5};
/// Above this the cache is emptied: unknown keys are remembered too, and anybody can send those.
constexpr std::size_t kMostEntries = 10'000;

/// The value for `key` from `entries`, or from `ask` where it is not there or too old.
template <class Entries, class Key, class Ask>
auto look_up(std::mutex& mutex, Entries& entries, const Key& key, std::chrono::steady_clock::time_point now, Ask ask)
    -> decltype(ask()) {
  {
    const std::lock_guard lock(mutex);
    const auto found = entries.find(key);
    if (found != entries.end() && found->second.until > now) return found->second.value;
  }
  auto answer = ask();
  if (!answer) return answer.error();
  const std::lock_guard lock(mutex);
  if (entries.size() >= kMostEntries) entries.clear();
  entries.insert_or_assign(key, typename Entries::mapped_type{*answer, now + kLifetime});
  return answer;
}

}  // namespace

Result<std::optional<ProjectId>> KeyDirectory::project_of(std::string_view key) {
  return look_up(mutex_, projects_by_key_, std::string(key), clock_.steady_now(),
                 [&]() -> Result<std::optional<ProjectId>> {
                   const auto project = store_.find_project_by_key(key);
                   if (!project) return project.error();
                   return *project ? std::optional<ProjectId>((*project)->id) : std::nullopt;
                 });
}

Result<bool> KeyDirectory::has_project(ProjectId id) {
  return look_up(mutex_, known_projects_, id, clock_.steady_now(), [&]() -> Result<bool> {
    const auto project = store_.find_project(id);
    if (!project) return project.error();
    return project->has_value();
  });
}

}  // namespace trapline::collector
