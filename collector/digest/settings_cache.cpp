#include "collector/digest/settings_cache.h"

#include <spdlog/spdlog.h>

namespace trapline::collector {
namespace {

constexpr std::chrono::seconds kLifetime{3};

}  // namespace

core::Result<std::shared_ptr<const DigestSettings>> SettingsCache::find(ProjectId project) {
  const auto now = std::chrono::steady_clock::now();
  Entry& entry = entries_[project];
  if (entry.settings && now - entry.read_at < kLifetime) return entry.settings;
  const auto text = store_.digest_settings(project);
  if (!text) return text.error();
  entry.read_at = now;
  if (entry.settings && entry.text == *text) return entry.settings;
  auto settings = DigestSettings::read(*text);
  if (!settings) {
    spdlog::error("the digest settings of project {} cannot be read, its events get the defaults: {}", project,
                  settings.error().message);
  }
  entry.text = *text;
  entry.settings = std::make_shared<const DigestSettings>(settings ? std::move(*settings) : DigestSettings::defaults());
  return entry.settings;
}

}  // namespace trapline::collector
