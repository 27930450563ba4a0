#include "collector/export_command.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string_view>

#include <unistd.h>

#include "collector/commands.h"
#include "collector/http/export.h"
#include "collector/output_file.h"
#include "collector/storage/search_parser.h"
#include "sdk/core/clock.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kProgressInterval{200};

Error refused(std::string_view option, std::string_view value, std::string_view takes) {
  return {"invalid_parameter",
          std::string(option) + " takes " + std::string(takes) + ", not '" + std::string(value) + "'"};
}

Result<std::optional<UnixMillis>> read_time(std::string_view option, const std::string& text) {
  std::optional<UnixMillis> time;
  if (text.empty()) return time;
  time = core::parse_timestamp(text);
  if (!time) time = core::parse_timestamp(text + "T00:00:00Z");
  if (!time) return refused(option, text, "a time such as 2026-11-21 or 2026-11-21T09:30:00Z");
  return time;
}

/// What was written on the command line, as what it means.
Result<ExportFilter> read_filter(Store& store, const ExportWishes& wishes) {
  ExportFilter filter;
  if (wishes.project) {
    const auto project = find_project_by_name(store, *wishes.project);
    if (!project) return project.error();
    filter.project_id = project->id;
  }
  filter.issue_id = wishes.issue;
  filter.environment = wishes.environment;
  filter.release = wishes.release;
  filter.status = parse_issue_status(wishes.status);
  if (!wishes.status.empty() && !filter.status) {
    return refused("--status", wishes.status, "unresolved, resolved, ignored or archived");
  }
  filter.level = parse_level(wishes.level);
  if (!wishes.level.empty() && !filter.level) {
    return refused("--level", wishes.level, "fatal, error, warning, info or debug");
  }
  const auto from = read_time("--from", wishes.from);
  if (!from) return from.error();
  const auto to = read_time("--to", wishes.to);
  if (!to) return to.error();
  filter.from = *from;
  filter.to = *to;
  if (filter.from && filter.to && *filter.from >= *filter.to) {
    return refused("--to", wishes.to, "a time after that of --from");
  }
  if (wishes.query.empty()) return filter;
  auto search = parse_search(wishes.query, {.now = core::system_clock().unix_millis(), .me = {}});
  if (!search) return search.error();
  filter.search = *std::move(search);
  return filter;
}

/// One line on standard error that tells how far the export is; only where a person sees it, and not between lines that
/// go to the same screen.
class Progress {
 public:
  Progress(std::string_view what, bool is_to_file)
      : what_(what), is_shown_(isatty(STDERR_FILENO) == 1 && (is_to_file || isatty(STDOUT_FILENO) == 0)) {}

  void show(std::int64_t rows) {
    const auto now = Clock::now();
    if (!is_shown_ || now < next_) return;
    next_ = now + kProgressInterval;
    print(rows, now);
  }
  void finish(std::int64_t rows) const {
    if (!is_shown_) return;
    print(rows, Clock::now());
    std::fputc('\n', stderr);
  }

 private:
  void print(std::int64_t rows, Clock::time_point now) const {
    const double seconds = std::max(std::chrono::duration<double>(now - start_).count(), 0.001);
    std::fprintf(stderr, "\r%lld %s, %.0f a second ", static_cast<long long>(rows), what_.c_str(),
                 static_cast<double>(rows) / seconds);
  }

  const std::string what_;
  const bool is_shown_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_ + kProgressInterval;
};

Status write_all(Export& rows, OutputFile& output, Progress& progress) {
  for (bool is_done = false; !is_done;) {
    const auto piece = rows.next();
    if (!piece) return piece.error();
    if (Status status = output.write(piece->bytes); !status) return status;
    is_done = piece->is_last;
    progress.show(rows.rows());
  }
  if (Status status = output.finish(); !status) return status;
  progress.finish(rows.rows());
  return {};
}

}  // namespace

Status run_export(const Config& config, const ExportWishes& wishes) {
  const auto format = parse_export_format(wishes.format);
  if (!format) return refused("--format", wishes.format, "ndjson or csv");
  if (Status status = check_database_is_there(config); !status) return status;
  auto store = open_configured_store(config);
  if (!store) return store.error();
  const auto filter = read_filter(**store, wishes);
  if (!filter) return filter.error();
  const auto rows =
      wishes.wants_events ? export_events(**store, *format, *filter) : export_issues(**store, *format, *filter);
  auto output = OutputFile::open(wishes.output);
  if (!output) return output.error();
  Progress progress(wishes.wants_events ? "events" : "issues", wishes.output.has_value());
  Status status = write_all(*rows, *output, progress);
  return status ? tell_left_out(**store) : status;
}

ExportCommand::ExportCommand(CLI::App& app, const std::function<void(CLI::App&)>& add_options)
    : command_(app.add_subcommand("export", "Write issues, events, or all of a user out")) {
  command_->require_subcommand(1);
  CLI::App* issues = command_->add_subcommand("issues", "Issues, those made last first");
  CLI::App* events = command_->add_subcommand("events", "Events, those received last first");
  events->parse_complete_callback([wishes = wishes_.get()] { wishes->wants_events = true; });
  for (CLI::App* what : {issues, events}) {
    const bool is_events = what == events;
    what->add_option("--format", wishes_->format,
                     "ndjson: one JSON object a line, as the API shows it (default); csv: a table; cells that a "
                     "spreadsheet would take for a formula get an apostrophe before them");
    what->add_option("--output", wishes_->output,
                     "file, made as FILE.part and renamed when it is whole (default: standard output)")
        ->type_name("FILE");
    what->add_option("--project", wishes_->project, "of this project")->type_name("NAME");
    what->add_option("--query", wishes_->query,
                     is_events ? "of issues that this search finds, as in the dashboard; issue after issue"
                               : "that this search finds, as in the dashboard");
    what->add_option("--status", wishes_->status, "unresolved, resolved, ignored or archived issues'");
    what->add_option("--level", wishes_->level, "fatal, error, warning, info or debug");
    what->add_option("--environment", wishes_->environment, "of this environment");
    what->add_option("--release", wishes_->release, "of this release");
    what->add_option("--from", wishes_->from, is_events ? "received at or after" : "seen last at or after")
        ->type_name("TIME");
    what->add_option("--to", wishes_->to, is_events ? "received before" : "seen first before")->type_name("TIME");
    add_options(*what);
  }
  events->add_option("--issue", wishes_->issue, "of this issue")->type_name("ID");
  events->footer(
      "Examples:\n"
      "  trapline-collector export events --project shop --from 2026-11-01 --output november.ndjson\n"
      "  trapline-collector export events --issue 17 --format csv > issue-17.csv\n"
      "  trapline-collector export events --query 'is:unresolved level:fatal' | jq .payload.exception");
  issues->footer(
      "Examples:\n"
      "  trapline-collector export issues --format csv --output issues.csv\n"
      "  trapline-collector export issues --query 'is:unresolved times_seen:>100' | jq -r .title");
}

}  // namespace trapline::collector
