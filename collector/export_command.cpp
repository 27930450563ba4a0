#include "collector/export_command.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "collector/commands.h"
#include "collector/http/export.h"
#include "collector/storage/search_parser.h"
#include "sdk/core/clock.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

namespace fs = std::filesystem;
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
  if (wishes.query.empty()) return filter;
  auto search = parse_search(wishes.query, {.now = core::system_clock().unix_millis(), .me = {}});
  if (!search) return search.error();
  filter.search = *std::move(search);
  return filter;
}

/// A mistyped folder must not become an empty database, and that an empty export.
Status check_database_is_there(const Config& config) {
  constexpr std::string_view kSqlite = "sqlite:";
  const std::string url = config.database_url();
  if (!url.starts_with(kSqlite) || fs::exists(url.substr(kSqlite.size()))) return {};
  return Error{"not_found", "there is no database at " + url.substr(kSqlite.size()) +
                                ": --data names the collector's folder, or --database its database"};
}

/// Where the lines go to.
class Output {
 public:
  /// None: standard output.
  static Result<Output> open(const std::optional<std::string>& file) {
    Output output;
    output.stream_ = stdout;
    if (!file) return output;
    std::error_code ignored;
    // A link stays one.
    output.name_ = fs::weakly_canonical(*file, ignored).string();
    if (ignored) output.name_ = *file;
    // What is no file, such as a pipe or a device, is written to as it is: a rename would put a file in its place.
    output.is_file_ = !fs::exists(output.name_, ignored) || fs::is_regular_file(output.name_, ignored);
    output.stream_ = std::fopen(output.written_name().c_str(), "we");
    if (output.stream_ == nullptr) return output.failure();
    return output;
  }
  Output(Output&& other) noexcept
      : name_(std::exchange(other.name_, {})),
        is_file_(other.is_file_),
        stream_(std::exchange(other.stream_, nullptr)) {}
  Output& operator=(Output&&) = delete;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  /// What was not finished leaves nothing.
  ~Output() {
    if (name_.empty() || stream_ == nullptr) return;
    std::fclose(stream_);
    std::error_code ignored;
    if (is_file_) fs::remove(written_name(), ignored);
  }

  Status write(std::string_view text) {
    const bool is_written = std::fwrite(text.data(), 1, text.size(), stream_) == text.size();
    return is_written ? Status{} : Status{failure()};
  }

  /// All is there: on the disk, under its own name.
  Status finish() {
    if (std::fflush(stream_) != 0) return failure();
    if (!is_file_) return {};
    if (fsync(fileno(stream_)) != 0) return failure();
    if (std::rename(written_name().c_str(), name_.c_str()) != 0) return failure();
    std::fclose(std::exchange(stream_, nullptr));
    return {};
  }

 private:
  Output() = default;
  [[nodiscard]] std::string written_name() const { return is_file_ ? name_ + ".part" : name_; }
  [[nodiscard]] Error failure() const {
    const std::string reason = std::generic_category().message(errno);
    return {"cannot_write", "cannot write " + (name_.empty() ? "to standard output" : name_) + ": " + reason};
  }

  std::string name_;      ///< empty: standard output
  bool is_file_ = false;  ///< made under another name
  std::FILE* stream_ = nullptr;
};

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

Status write_all(Export& rows, Output& output, Progress& progress) {
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
  auto output = Output::open(wishes.output);
  if (!output) return output.error();
  Progress progress(wishes.wants_events ? "events" : "issues", wishes.output.has_value());
  return write_all(*rows, *output, progress);
}

ExportCommand::ExportCommand(CLI::App& app, const std::function<void(CLI::App&)>& add_options)
    : command_(app.add_subcommand("export", "Write issues or events out, as NDJSON or CSV")) {
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
