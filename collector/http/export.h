#pragma once

/// Issues or events, all that a filter lets through, as text of any length: read from the store page by page, so that
/// an export takes the memory of one page, whatever its size.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "collector/http/body_source.h"
#include "collector/http/export_format.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// Every set field narrows.
struct ExportFilter {
  std::optional<ProjectId> project_id;
  std::optional<IssueId> issue_id;    ///< events of this issue; of no meaning for issues
  std::optional<IssueStatus> status;  ///< of the issue
  Search search;                      ///< what the issue is searched for
  std::optional<Level> level;         ///< of the issue's newest event; of events, their own, and so the next two
  std::string environment;
  std::string release;
  std::optional<UnixMillis> from;  ///< issues: seen last at or after; events: received then
  std::optional<UnixMillis> to;    ///< issues: seen first before; events: received then
};

/// Not thread-safe. Borrows the store. What comes in while it runs may be in it or not; what was there before is in it
/// once.
class Export : public BodySource {
 public:
  /// Looks at some pages of the store, no more than fill some 64 KiB.
  Result<Piece> next() final;

  /// Written so far.
  [[nodiscard]] std::int64_t rows() const { return rows_; }

 protected:
  [[nodiscard]] virtual std::string header() const = 0;
  /// Adds the lines of the next page, if there are any; false when there is none after it.
  virtual Result<bool> add_page(std::string& lines) = 0;
  void count_row() { ++rows_; }

 private:
  bool has_begun_ = false;
  std::int64_t rows_ = 0;
};

/// Issues, those made last first.
std::unique_ptr<Export> export_issues(Store& store, ExportFormat format, const ExportFilter& filter);

/// Events, those received last first; when their issues are searched for, or must have a status, issue after issue.
std::unique_ptr<Export> export_events(Store& store, ExportFormat format, const ExportFilter& filter);

}  // namespace trapline::collector
