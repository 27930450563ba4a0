#include "collector/ingest/key_directory.h"

#include <algorithm>
#include <utility>

namespace trapline::collector {
namespace {

constexpr std::chrono::seconds kLookInterval{1};
/// For another one's look to end.
constexpr std::chrono::seconds kLongestWait{2};

std::string_view host_of(std::string_view origin) {
  const std::size_t scheme_end = origin.find("://");
  std::string_view host = scheme_end == std::string_view::npos ? origin : origin.substr(scheme_end + 3);
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

/// Does "https://shop.example", "shop.example" (any scheme and port) or "*.example" (and what is below) mean it?
bool matches(std::string_view pattern, std::string_view origin) {
  if (pattern == "*" || pattern == origin) return true;
  if (pattern.find("://") != std::string_view::npos) return false;
  const std::string_view host = host_of(origin);
  if (!pattern.starts_with("*.")) return pattern == host;
  const std::string_view ending = pattern.substr(1);
  return host.size() > ending.size() && host.ends_with(ending);
}

}  // namespace

bool ProjectGate::allows_origin(std::string_view origin) const {
  if (allowed_origins.empty() || origin.empty()) return true;
  return std::any_of(allowed_origins.begin(), allowed_origins.end(),
                     [&](const std::string& pattern) { return matches(pattern, origin); });
}

bool ProjectGate::allows_address(std::string_view address) const {
  if (!has_ip_list) return true;
  const auto bytes = parse_address(address);
  return bytes && std::any_of(allowed_ips.begin(), allowed_ips.end(),
                              [&](const AddressRange& range) { return range.contains(*bytes); });
}

Status KeyDirectory::refresh() {
  const auto directory = store_.load_ingest_directory();
  if (!directory) return directory.error();
  auto fresh = std::make_shared<Snapshot>();
  for (const IngestDirectory::Entry& entry : directory->projects) {
    auto gate = std::make_shared<ProjectGate>();
    gate->project_id = entry.project_id;
    gate->require_signature = entry.settings.require_signature;
    gate->allowed_origins = entry.settings.allowed_origins;
    gate->has_ip_list = !entry.settings.allowed_ips.empty();
    for (const std::string& text : entry.settings.allowed_ips) {
      if (const auto range = AddressRange::parse(text)) gate->allowed_ips.push_back(*range);
    }
    gate->rate_limit_per_hour = entry.settings.rate_limit_per_hour;
    fresh->projects.emplace(entry.project_id, std::move(gate));
  }
  for (const ProjectKey& key : directory->keys) {
    const auto gate = fresh->projects.find(key.project_id);
    if (gate == fresh->projects.end()) continue;
    fresh->keys.emplace(key.public_key,
                        std::make_shared<KeyFacts>(KeyFacts{key.public_key, key.secret_key, key.is_active,
                                                            key.rate_limit_per_hour, gate->second}));
  }
  const std::lock_guard lock(mutex_);
  snapshot_ = std::move(fresh);
  return {};
}

std::shared_ptr<const KeyDirectory::Snapshot> KeyDirectory::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

Result<std::shared_ptr<const KeyDirectory::Snapshot>> KeyDirectory::look_again() {
  std::unique_lock lock(mutex_);
  // One asks the database, the others wait for its answer. When none comes, that holds up one door, and not all.
  const bool is_answered = looked_.wait_for(lock, kLongestWait, [&] { return !is_looking_; });
  const auto now = clock_.steady_now();
  const bool may_look = is_answered && (!snapshot_ || now >= next_look_);
  const auto before = snapshot_;
  if (!may_look && before) return before;
  if (!may_look) return Error{"storage", "the database does not answer"};
  next_look_ = now + kLookInterval;
  is_looking_ = true;
  lock.unlock();
  const Looking looking(*this);
  const Status status = refresh();
  if (!status && !before) return status.error();
  return snapshot();
}

KeyDirectory::Looking::~Looking() {
  {
    const std::lock_guard lock(directory_.mutex_);
    directory_.is_looking_ = false;
  }
  directory_.looked_.notify_all();
}

Result<std::shared_ptr<const KeyFacts>> KeyDirectory::find_key(std::string_view key) {
  const std::string wanted(key);
  if (const auto known = snapshot()) {
    if (const auto found = known->keys.find(wanted); found != known->keys.end()) return found->second;
  }
  const auto again = look_again();
  if (!again) return again.error();
  const auto found = (*again)->keys.find(wanted);
  return found != (*again)->keys.end() ? found->second : std::shared_ptr<const KeyFacts>();
}

std::shared_ptr<const KeyFacts> KeyDirectory::known_key(std::string_view key) const {
  const auto known = snapshot();
  if (!known) return nullptr;
  const auto found = known->keys.find(std::string(key));
  return found != known->keys.end() ? found->second : nullptr;
}

bool KeyDirectory::knows_project(ProjectId id) const { return known_project(id) != nullptr; }

std::shared_ptr<const ProjectGate> KeyDirectory::known_project(ProjectId id) const {
  const auto known = snapshot();
  if (!known) return nullptr;
  const auto found = known->projects.find(id);
  return found != known->projects.end() ? found->second : nullptr;
}

Result<bool> KeyDirectory::has_project(ProjectId id) {
  if (const auto known = snapshot(); known && known->projects.contains(id)) return true;
  const auto again = look_again();
  if (!again) return again.error();
  return (*again)->projects.contains(id);
}

}  // namespace trapline::collector
