#include "collector/migration_meter.h"

namespace trapline::collector {
namespace {

constexpr std::chrono::milliseconds kOnTerminal{100};
constexpr std::chrono::seconds kInLog{10};
constexpr std::int64_t kBarWidth = 24;

std::string duration(std::int64_t seconds) {
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 3'600;
  if (seconds >= kHour) {
    return std::to_string(seconds / kHour) + " h " + std::to_string(seconds % kHour / kMinute) + " min";
  }
  if (seconds >= kMinute) {
    return std::to_string(seconds / kMinute) + " min " + std::to_string(seconds % kMinute) + " s";
  }
  return std::to_string(seconds) + " s";
}

}  // namespace

std::string with_separators(std::int64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t place = text.size(); place > 3; place -= 3) text.insert(place - 3, ",");
  return text;
}

void MigrationMeter::show(const MigrationProgress& progress, Time now) {
  const bool is_first = !first_ || first_->stage != progress.stage;
  const bool is_last = progress.rows >= progress.rows_total;
  if (is_first) {
    first_ = progress;
    begin_ = now;
  } else if (!(is_terminal_ && is_last) && now - shown_ < (is_terminal_ ? kOnTerminal : kInLog)) {
    return;
  }
  shown_ = now;
  // The line before may have been longer.
  constexpr const char* kErase = "\r\x1b[K";
  if (is_terminal_) output_ << (is_first && is_in_line_ ? "\n" : kErase);
  output_ << line(progress, now);
  if (!is_terminal_) output_ << '\n';
  output_.flush();
  is_in_line_ = is_terminal_;
}

std::string MigrationMeter::line(const MigrationProgress& progress, Time now) const {
  const std::int64_t total = progress.rows_total > 0 ? progress.rows_total : 1;
  const std::int64_t done = progress.rows_total > 0 ? progress.rows : 1;
  const bool is_comparing = progress.stage == MigrationProgress::Stage::kVerifying;
  const std::string what = progress.stage == MigrationProgress::Stage::kFiles ? " files" : " rows";
  std::string text = is_comparing ? "comparing " : "copying   ";
  if (is_terminal_) {
    const std::int64_t filled = done * kBarWidth / total;
    text += '[' + std::string(static_cast<std::size_t>(filled), '#') +
            std::string(static_cast<std::size_t>(kBarWidth - filled), '-') + "] ";
  }
  text += std::to_string(done * 100 / total) + " %  " + progress.table + "  " + with_separators(progress.rows) +
          " of " + with_separators(progress.rows_total) + what;
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now - begin_).count();
  const std::int64_t rows = progress.rows - first_->rows;
  if (milliseconds <= 0 || rows <= 0) return text;
  text += "  " + with_separators(rows * 1'000 / milliseconds) + what + "/s";
  return text + "  " + duration((progress.rows_total - progress.rows) * milliseconds / rows / 1'000) + " left";
}

void MigrationMeter::end() {
  if (is_in_line_) output_ << '\n';
  is_in_line_ = false;
}

}  // namespace trapline::collector
