#include "collector/http/export.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

namespace trapline::collector {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
/// For one piece: a filter that lets hardly anything through must not hold a thread until it has found enough.
constexpr int kPagesAtOnce = 32;
constexpr std::size_t kExportedAtOnce = 100;
/// An event's payload has up to 512 KiB: of such no page holds as many as of small ones.
constexpr std::size_t kPageBytes = std::size_t{256} << 10;
constexpr std::size_t kMostPayloads = 50;
constexpr std::size_t kFirstPayloads = 10;

/// Projects' names, each asked for once; empty of one that is gone.
class ProjectNames {
 public:
  explicit ProjectNames(ProjectStore& store) : store_(store) {}

  Result<std::string> find(ProjectId id) {
    const auto known = names_.find(id);
    if (known != names_.end()) return known->second;
    const auto project = store_.find_project(id);
    if (!project) return project.error();
    return names_[id] = *project ? (*project)->name : std::string();
  }

 private:
  ProjectStore& store_;
  std::map<ProjectId, std::string> names_;
};

IssueQuery issues_of(const ExportFilter& filter) {
  IssueQuery query;
  query.project_id = filter.project_id;
  query.status = filter.status;
  query.search = filter.search;
  query.environment = filter.environment;
  query.release = filter.release;
  query.sort = IssueSort::kId;
  query.limit = kExportedAtOnce;
  return query;
}

class IssueExport : public Export {
 public:
  IssueExport(Store& store, ExportFormat format, const ExportFilter& filter)
      : store_(store), format_(format), projects_(store), query_(issues_of(filter)) {
    query_.level = filter.level;
    query_.from = filter.from;
    query_.to = filter.to;
    query_.with_environments = format == ExportFormat::kNdjson;
  }

 private:
  [[nodiscard]] std::string header() const override { return issue_header(format_); }

  Result<bool> add_page(std::string& lines) override {
    auto page = store_.find_issues(query_);
    if (!page) return page.error();
    for (const Issue& issue : page->items) {
      const auto project = projects_.find(issue.project_id);
      if (!project) return project.error();
      lines += issue_line(format_, issue, *project);
      count_row();
    }
    query_.cursor = std::move(page->next_cursor);
    return !query_.cursor.empty();
  }

  Store& store_;
  const ExportFormat format_;
  ProjectNames projects_;
  IssueQuery query_;
};

class EventExport : public Export {
 public:
  EventExport(Store& store, ExportFormat format, const ExportFilter& filter)
      : store_(store),
        format_(format),
        filter_(filter),
        projects_(store),
        goes_by_issue_(filter.status.has_value() || filter.search.kind != SearchNode::Kind::kAll ||
                       !filter.search.parts.empty()),
        issues_query_(issues_of(filter)) {
    query_.project_id = filter.project_id;
    query_.from = filter.from;
    query_.to = filter.to;
    query_.with_payload = format == ExportFormat::kNdjson;
    query_.limit = query_.with_payload ? kFirstPayloads : kExportedAtOnce;
    if (!goes_by_issue_) query_.issue_id = filter.issue_id;
  }

 private:
  [[nodiscard]] std::string header() const override { return event_header(format_); }

  Result<bool> add_page(std::string& lines) override {
    if (goes_by_issue_ && !query_.issue_id) return begin_issue();
    auto page = store_.find_events(query_);
    if (!page) return page.error();
    std::size_t payload_bytes = 0;
    for (const StoredEvent& stored : page->items) {
      payload_bytes += stored.event.payload.size();
      if (!is_wanted(stored.event)) continue;
      const auto project = projects_.find(stored.event.project_id);
      if (!project) return project.error();
      lines += event_line(format_, stored, *project);
      count_row();
    }
    query_.cursor = std::move(page->next_cursor);
    fit_next_page(page->items.size(), payload_bytes);
    const bool is_at_end = query_.cursor.empty();
    if (is_at_end && goes_by_issue_) query_.issue_id.reset();
    return !is_at_end || goes_by_issue_;
  }

  /// Goes on to the next issue that is wanted; false when there is none.
  Result<bool> begin_issue() {
    if (issues_.empty() && !knows_all_issues_) {
      auto page = store_.find_issues(issues_query_);
      if (!page) return page.error();
      for (const Issue& issue : page->items) {
        if (!filter_.issue_id || issue.id == *filter_.issue_id) issues_.push_back(issue.id);
      }
      issues_query_.cursor = std::move(page->next_cursor);
      knows_all_issues_ = issues_query_.cursor.empty();
    }
    if (issues_.empty()) return !knows_all_issues_;
    query_.issue_id = issues_.front();
    issues_.pop_front();
    return true;
  }

  [[nodiscard]] bool is_wanted(const DigestedEvent& event) const {
    return (!filter_.level || event.level == *filter_.level) &&
           (filter_.environment.empty() || event.environment == filter_.environment) &&
           (filter_.release.empty() || event.release == filter_.release);
  }

  void fit_next_page(std::size_t events, std::size_t payload_bytes) {
    if (!query_.with_payload || events == 0) return;
    const std::size_t average = payload_bytes / events + 1;
    query_.limit = std::clamp<std::size_t>(kPageBytes / average, 1, kMostPayloads);
  }

  Store& store_;
  const ExportFormat format_;
  const ExportFilter filter_;
  ProjectNames projects_;
  const bool goes_by_issue_;
  IssueQuery issues_query_;
  std::deque<IssueId> issues_;  ///< of the current page, those whose events come next
  bool knows_all_issues_ = false;
  EventQuery query_;
};

}  // namespace

Result<BodySource::Piece> Export::next() {
  Piece piece;
  if (!std::exchange(has_begun_, true)) piece.bytes = header();
  for (int page = 0; page < kPagesAtOnce && piece.bytes.size() < kPieceBytes && !piece.is_last; ++page) {
    const auto has_more = add_page(piece.bytes);
    if (!has_more) return has_more.error();
    piece.is_last = !*has_more;
  }
  return piece;
}

std::unique_ptr<Export> export_issues(Store& store, ExportFormat format, const ExportFilter& filter) {
  return std::make_unique<IssueExport>(store, format, filter);
}

std::unique_ptr<Export> export_events(Store& store, ExportFormat format, const ExportFilter& filter) {
  return std::make_unique<EventExport>(store, format, filter);
}

}  // namespace trapline::collector
