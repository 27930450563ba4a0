#include "collector/storage/sql/issue_overview.h"

#include <charconv>

#include "collector/storage/time_span.h"

namespace trapline::collector::sql {
namespace {

/// More than are shown: a client whose clock is ahead must not push out what is shown.
constexpr std::size_t kDaysKept = kSparklineDays + 2;

/// Each batch reads and writes them.
constexpr std::size_t kMostEnvironments = 100;

constexpr std::string_view kDaysOfIssue =
    "SELECT hour, hash_hour.count FROM issue_hash JOIN hash_hour ON hash_id = issue_hash.id "
    "WHERE issue_id = ?1 AND hour >= (SELECT last_seen FROM issue WHERE id = ?1) - ?2";
constexpr std::string_view kPresencesOfIssue = R"(
  SELECT version, name, min(hash_presence.first_seen), max(hash_presence.last_seen)
  FROM issue_hash JOIN hash_presence ON hash_id = issue_hash.id
  JOIN "release" ON "release".id = release_id JOIN environment ON environment.id = environment_id
  WHERE issue_id = ?1 GROUP BY release_id, version, name ORDER BY release_id)";

/// Takes a number and the sign behind it off the text.
std::optional<std::int64_t> take_number(std::string_view& text, char sign) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != sign) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return number;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

// A name may have the line's end in it.
void append_name(std::string& text, std::string_view name) {
  for (const char c : name) {
    if (c == '\n' || c == '\\') text += '\\';
    text += c == '\n' ? 'n' : c;
  }
}

std::string name_of(std::string_view line) {
  std::string name;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const bool is_escaped = line[at] == '\\' && at + 1 < line.size();
    if (is_escaped) ++at;
    name += is_escaped && line[at] == 'n' ? '\n' : line[at];
  }
  return name;
}

}  // namespace

void IssueOverview::add_events(UnixMillis time, std::int64_t count) {
  days_[start_of(time, kDayMs) / kDayMs] += count;
  const std::int64_t oldest = days_.rbegin()->first - static_cast<std::int64_t>(kDaysKept);
  days_.erase(days_.begin(), days_.upper_bound(oldest));
}

void IssueOverview::add_presence(std::string_view release, std::string_view environment, UnixMillis first_seen,
                                 UnixMillis last_seen) {
  if (!environment.empty() && environments_.size() < kMostEnvironments && !environments_.contains(environment)) {
    environments_.emplace(environment);
  }
  if (release.empty()) return;
  if (first_release_.release.empty() || first_seen < first_release_.seen) {
    first_release_ = {std::string(release), first_seen};
  }
  if (last_release_.release.empty() || last_seen >= last_release_.seen) {
    last_release_ = {std::string(release), last_seen};
  }
}

/// A line of days, "20785:3 20784:12 "; one for each of the releases, "1795223297698 shop@1.2", which has nothing
/// behind the blank when there is none; and one for each environment.
std::string IssueOverview::to_text() const {
  std::string text;
  for (const auto& [day, count] : days_) text += std::to_string(day) + ':' + std::to_string(count) + ' ';
  for (const End* end : {&first_release_, &last_release_}) {
    text += '\n' + std::to_string(end->seen) + ' ';
    append_name(text, end->release);
  }
  for (const std::string& environment : environments_) append_name(text += '\n', environment);
  return text;
}

std::optional<IssueOverview> IssueOverview::parse(std::string_view text) {
  if (text.empty()) return std::nullopt;
  IssueOverview overview;
  for (std::string_view days = take_line(text); !days.empty();) {
    const auto day = take_number(days, ':');
    const auto count = take_number(days, ' ');
    if (!day || !count) return std::nullopt;
    overview.days_[*day] = *count;
  }
  for (End* end : {&overview.first_release_, &overview.last_release_}) {
    std::string_view line = take_line(text);
    const auto seen = take_number(line, ' ');
    if (!seen) return std::nullopt;
    *end = {name_of(line), *seen};
  }
  while (!text.empty()) overview.environments_.insert(name_of(take_line(text)));
  return overview;
}

IssueOverview IssueOverview::read(Connection& connection, IssueId issue) {
  IssueOverview overview;
  {
    Statement rows = connection.prepare(kDaysOfIssue);
    rows.bind(issue, static_cast<UnixMillis>(kDaysKept) * kDayMs);
    while (rows.step()) overview.add_events(rows.integer(0), rows.integer(1));
  }
  Statement rows = connection.prepare(kPresencesOfIssue);
  rows.bind(issue);
  while (rows.step()) overview.add_presence(rows.text(0), rows.text(1), rows.integer(2), rows.integer(3));
  return overview;
}

bool IssueOverview::agrees_with(const IssueOverview& other) const {
  const bool has_all = environments_.size() < kMostEnvironments;  // else these may be others of those that there are
  return days_ == other.days_ && (!has_all || environments_ == other.environments_) &&
         first_release_.seen == other.first_release_.seen && last_release_.seen == other.last_release_.seen;
}

void IssueOverview::show(Issue& issue, UnixMillis now, bool with_environments) const {
  const std::int64_t today = start_of(now, kDayMs) / kDayMs;
  for (std::size_t place = 0; place < kSparklineDays; ++place) {
    const auto day = days_.find(today - static_cast<std::int64_t>(kSparklineDays - 1 - place));
    issue.daily_counts[place] = day == days_.end() ? 0 : day->second;
  }
  issue.first_release = first_release_.release;
  issue.last_release = last_release_.release;
  if (with_environments) issue.environments.assign(environments_.begin(), environments_.end());
}

}  // namespace trapline::collector::sql
