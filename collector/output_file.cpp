#include "collector/output_file.h"

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace trapline::collector {

namespace fs = std::filesystem;
using core::Error;
using core::Status;

Status check_database_is_there(const Config& config) {
  constexpr std::string_view kSqlite = "sqlite:";
  const std::string url = config.database_url();
  if (!url.starts_with(kSqlite) || fs::exists(url.substr(kSqlite.size()))) return {};
  return Error{"not_found", "there is no database at " + url.substr(kSqlite.size()) +
                                ": --data names the collector's folder, or --database its database"};
}

core::Result<OutputFile> OutputFile::open(const std::optional<std::string>& file) {
  OutputFile output;
  output.stream_ = stdout;
  if (!file) return output;
  std::error_code ignored;
  // A link stays one.
  output.name_ = fs::weakly_canonical(*file, ignored).string();
  if (ignored) output.name_ = *file;
  // What is no file, such as a pipe or a device, is written to as it is: a rename would put a file in its place.
  output.is_file_ = !fs::exists(output.name_, ignored) || fs::is_regular_file(output.name_, ignored);
  // For its owner alone: it tells of people.
  const int opened = ::open(output.written_name().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  output.stream_ = opened < 0 ? nullptr : fdopen(opened, "w");
  if (output.stream_ == nullptr) return output.failure();
  return output;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : name_(std::exchange(other.name_, {})), is_file_(other.is_file_), stream_(std::exchange(other.stream_, nullptr)) {}

OutputFile::~OutputFile() {
  if (name_.empty() || stream_ == nullptr) return;
  std::fclose(stream_);
  std::error_code ignored;
  if (is_file_) fs::remove(written_name(), ignored);
}

Status OutputFile::write(std::string_view text) {
  const bool is_written = std::fwrite(text.data(), 1, text.size(), stream_) == text.size();
  return is_written ? Status{} : Status{failure()};
}

Status OutputFile::finish() {
  if (std::fflush(stream_) != 0) return failure();
  if (!is_file_) return {};
  if (fsync(fileno(stream_)) != 0) return failure();
  if (std::rename(written_name().c_str(), name_.c_str()) != 0) return failure();
  std::fclose(std::exchange(stream_, nullptr));
  return {};
}

Error OutputFile::failure() const {
  const std::string reason = std::generic_category().message(errno);
  return {"cannot_write", "cannot write " + (name_.empty() ? "to standard output" : name_) + ": " + reason};
}

}  // namespace trapline::collector
