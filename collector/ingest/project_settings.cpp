#include "collector/ingest/project_settings.h"

#include <algorithm>
#include <charconv>

#include "collector/ingest/address.h"
#include "sdk/core/ascii.h"
#include "sdk/core/random.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kMostNameBytes = 200;
constexpr std::int64_t kMostRetentionDays = 36'500;
constexpr std::size_t kMostEntries = 1'000;
constexpr std::size_t kMostShown = 80;

Error invalid(const std::string& message) { return {"invalid_setting", message}; }

std::string shown(std::string_view text) { return "'" + std::string(text.substr(0, kMostShown)) + "'"; }

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

/// An entry of the list as it is compared: without blanks around it and slashes at its end.
Result<std::string> read_origin(std::string_view text) {
  text = core::trim(text);
  text = text.substr(0, text.find_last_not_of(" \t/") + 1);
  const std::size_t scheme_end = text.find("://");
  const std::string_view host = scheme_end == std::string_view::npos ? text : text.substr(scheme_end + 3);
  // Without a scheme, any port is meant; a page's origin has no path, and a host is never without a name.
  const bool has_odd_port = host.ends_with(':') || (scheme_end == std::string_view::npos && !host.starts_with('[') &&
                                                    host.find(':') != std::string_view::npos);
  const bool is_origin = !host.empty() && scheme_end != 0 && !has_odd_port &&
                         host.find_first_of("/?# \t") == std::string_view::npos && !has_control(text);
  if (is_origin) return std::string(text);
  return invalid("allowed origins are entries such as https://shop.example, shop.example and *.example, not " +
                 shown(text));
}

Result<std::string> read_address(std::string_view text) {
  text = core::trim(text);
  if (AddressRange::parse(text)) return std::string(text);
  return invalid("allowed addresses are entries such as 192.0.2.7 and 10.0.0.0/8, not " + shown(text));
}

/// Replaces `target` by the entries, each as `read` makes it.
Status read_list(const std::vector<std::string>& entries, Result<std::string> (*read)(std::string_view),
                 std::vector<std::string>& target) {
  if (entries.size() > kMostEntries) return invalid("a list has 1,000 entries at most");
  target.clear();
  for (const std::string& entry : entries) {
    auto one = read(entry);
    if (!one) return one.error();
    target.push_back(std::move(*one));
  }
  return {};
}

Status apply(const ProjectChange& change, std::string& name, IngestSettings& settings) {
  if (change.name) {
    if (Status status = check_project_name(*change.name); !status) return status;
    name = *change.name;
  }
  if (change.require_signature) settings.require_signature = *change.require_signature;
  if (change.allowed_origins) {
    Status status = read_list(*change.allowed_origins, read_origin, settings.allowed_origins);
    if (!status) return status;
  }
  if (change.allowed_ips) {
    Status status = read_list(*change.allowed_ips, read_address, settings.allowed_ips);
    if (!status) return status;
  }
  if (change.rate_limit_per_hour) settings.rate_limit_per_hour = *change.rate_limit_per_hour;
  if (change.retention_days) {
    if (*change.retention_days < 0 || *change.retention_days > kMostRetentionDays) {
      return invalid("retention_days is a number of days from 1 to " + std::to_string(kMostRetentionDays) +
                     ", or 0: as long as the collector keeps events of others");
    }
    settings.retention_days = *change.retention_days;
  }
  return {};
}

}  // namespace

Status check_project_name(std::string_view name) {
  const bool is_blank = name.find_first_not_of(' ') == std::string_view::npos;
  if (!is_blank && name.size() <= kMostNameBytes && !has_control(name)) return {};
  return invalid("a project's name has 1 to 200 bytes on one line, with more than blanks in it");
}

Result<std::int64_t> read_rate_limit(std::string_view text) {
  if (text == "none") return std::int64_t{0};
  if (text == "free") return kFreeRateLimitPerHour;
  if (text == "pro") return kProRateLimitPerHour;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number >= 0) return number;
  return invalid("a rate limit is a number of events an hour, or free, pro or none, not " + shown(text));
}

Status change_project(ProjectStore& store, ProjectId project, const ProjectChange& change) {
  return store.change_project(
      project, [&](std::string& name, IngestSettings& settings) { return apply(change, name, settings); });
}

Result<Project> create_project(ProjectStore& store, std::string_view name) {
  if (Status status = check_project_name(name); !status) return status.error();
  return store.create_project(name, core::random_hex(kProjectKeyBytes));
}

Result<ProjectKey> create_key(IngestStore& store, ProjectId project, bool with_secret,
                              std::int64_t rate_limit_per_hour) {
  ProjectKey key;
  key.public_key = core::random_hex(kProjectKeyBytes);
  if (with_secret) key.secret_key = core::random_hex(kProjectKeyBytes);
  key.project_id = project;
  key.rate_limit_per_hour = rate_limit_per_hour;
  return store.create_key(key);
}

}  // namespace trapline::collector
