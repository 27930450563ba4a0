#include "collector/digest/digest_settings.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include <nlohmann/json.hpp>

#include "sdk/core/bounded_json.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;
using core::Status;
using nlohmann::json;

constexpr std::size_t kMostSettingsBytes = std::size_t{256} << 10;
constexpr std::size_t kMostRules = 200;
constexpr std::size_t kMostNames = 500;

Error invalid(const std::string& what) { return {"invalid_settings", what}; }

Status check_names(const json& part, std::string_view where, std::initializer_list<std::string_view> names) {
  if (!part.is_object()) return invalid(std::string(where) + " must be a JSON object");
  for (const auto& [name, value] : part.items()) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return invalid("there is no setting '" + name.substr(0, 60) + "' in " + std::string(where));
    }
  }
  return {};
}

template <class T>
Status take(const json& part, const char* name, T& into) {
  const auto found = part.find(name);
  if (found == part.end()) return {};
  const bool is_right = std::is_same_v<T, bool> ? found->is_boolean() : found->is_number_integer();
  if (!is_right)
    return invalid(std::string("'") + name + "' must be " +
                   (std::is_same_v<T, bool> ? "true or false" : "a whole number"));
  if constexpr (!std::is_same_v<T, bool>) {
    // get() would cut what does not fit.
    const bool fits = found->is_number_unsigned() ? std::in_range<T>(found->get<std::uint64_t>())
                                                  : std::in_range<T>(found->get<std::int64_t>());
    if (!fits) return invalid(std::string("'") + name + "' is too large a number");
  }
  into = found->get<T>();
  return {};
}

Status take_names(const json& part, const char* name, std::vector<std::string>& into) {
  const auto found = part.find(name);
  if (found == part.end()) return {};
  const bool is_right = found->is_array() && found->size() <= kMostNames &&
                        std::all_of(found->begin(), found->end(), [](const json& one) { return one.is_string(); });
  if (!is_right) return invalid(std::string("'") + name + "' must be a list of at most 500 texts");
  into = found->get<std::vector<std::string>>();
  return {};
}

Status read_scrubbing(const json& part, DigestSettings& settings) {
  if (Status status = check_names(part, "scrubbing",
                                  {"enabled", "keys", "allowed_keys", "patterns", "keeps_user", "keeps_ip_addresses"});
      !status)
    return status;
  bool is_enabled = true;
  core::ScrubOptions options;
  for (const Status& status :
       {take(part, "enabled", is_enabled), take(part, "keeps_user", options.keeps_user),
        take(part, "keeps_ip_addresses", settings.keeps_ip_addresses), take_names(part, "keys", options.further_keys),
        take_names(part, "allowed_keys", options.allowed_keys)}) {
    if (!status) return status;
  }
  const json patterns = part.value("patterns", json::array());
  if (!patterns.is_array() || patterns.size() > kMostRules) return invalid("'patterns' must be a list of at most 200");
  for (const json& pattern : patterns) {
    const bool is_right = pattern.is_object() && pattern.value("name", json()).is_string() &&
                          pattern.value("expression", json()).is_string();
    if (!is_right) return invalid(R"(each of 'patterns' is {"name": "…", "expression": "…"})");
    options.patterns.push_back({pattern["name"], pattern["expression"]});
  }
  options.rules.ip_addresses = !settings.keeps_ip_addresses;
  auto scrubber = core::Scrubber::create(options);
  if (!scrubber) return scrubber.error();
  settings.scrubber = is_enabled ? std::make_shared<const core::Scrubber>(std::move(*scrubber)) : nullptr;
  settings.keeps_ip_addresses = settings.keeps_ip_addresses || !is_enabled;
  return {};
}

Status read_grouping(const json& part, DigestSettings& settings) {
  if (Status status = check_names(part, "grouping", {"version", "previous_version", "rules"}); !status) return status;
  if (Status status = take(part, "version", settings.grouping_version); !status) return status;
  if (Status status = take(part, "previous_version", settings.previous_grouping_version); !status) return status;
  const auto is_version = [](int version) { return version >= kOldestGrouping && version <= kNewestGrouping; };
  const bool are_versions = is_version(settings.grouping_version) &&
                            (settings.previous_grouping_version == 0 || is_version(settings.previous_grouping_version));
  if (!are_versions)
    return invalid("there are grouping versions " + std::to_string(kOldestGrouping) + " to " +
                   std::to_string(kNewestGrouping));
  const json rules = part.value("rules", json::array());
  if (!rules.is_array() || rules.size() > kMostRules) return invalid("'rules' must be a list of at most 200");
  for (const json& rule : rules) {
    auto read = GroupingRule::read(rule);
    if (!read) return read.error();
    settings.rules.push_back(std::move(*read));
  }
  return {};
}

Result<json> parse_object(std::string_view text) {
  if (text.size() > kMostSettingsBytes) return invalid("the settings may have 256 KiB");
  json parsed = core::parse_bounded_json(text);
  if (!parsed.is_object()) return invalid("the settings must be a JSON object");
  return parsed;
}

}  // namespace

DigestSettings DigestSettings::defaults() { return read("{}").value(); }

Result<DigestSettings> DigestSettings::read(std::string_view text) {
  const auto parsed = parse_object(text);
  if (!parsed) return parsed.error();
  DigestSettings settings;
  if (Status status = check_names(*parsed, "the settings", {"scrubbing", "grouping", "owners", "storm"}); !status)
    return status.error();
  if (Status status = read_scrubbing(parsed->value("scrubbing", json::object()), settings); !status)
    return status.error();
  if (Status status = read_grouping(parsed->value("grouping", json::object()), settings); !status)
    return status.error();
  const json owners = parsed->value("owners", json(""));
  if (!owners.is_string()) return invalid("'owners' is the text of a CODEOWNERS file");
  auto read_owners = CodeOwners::parse(owners.get_ref<const std::string&>());
  if (!read_owners) return read_owners.error();
  settings.owners = std::move(*read_owners);
  const json storm = parsed->value("storm", json::object());
  if (Status status = check_names(storm, "storm", {"events_per_hour"}); !status) return status.error();
  std::int64_t events_per_hour = 0;
  if (Status status = take(storm, "events_per_hour", events_per_hour); !status) return status.error();
  if (events_per_hour < 0) return invalid("'events_per_hour' is 0 or more");
  if (storm.contains("events_per_hour")) settings.storm_events_per_hour = events_per_hour;
  return settings;
}

Result<std::string> change_settings(std::string_view before, std::string_view change) {
  auto settings = parse_object(before);
  if (!settings) return settings.error();
  const auto changed = parse_object(change);
  if (!changed) return changed.error();
  const int version_before =
      DigestSettings::read(before) ? DigestSettings::read(before)->grouping_version : kNewestGrouping;
  for (const auto& [name, value] : changed->items()) {
    if (value.is_object() && (*settings)[name].is_object()) {
      for (const auto& [inner, inner_value] : value.items()) (*settings)[name][inner] = inner_value;
    } else {
      (*settings)[name] = value;
    }
  }
  std::string text = settings->dump(-1, ' ', false, json::error_handler_t::replace);
  const auto read = DigestSettings::read(text);
  if (!read) return read.error();
  const bool has_new_version = read->grouping_version != version_before;
  const bool names_previous = changed->contains("grouping") && (*changed)["grouping"].contains("previous_version");
  if (!has_new_version || names_previous) return text;
  (*settings)["grouping"]["previous_version"] = version_before;
  return settings->dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace trapline::collector
