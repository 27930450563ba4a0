#include "collector/storage/backup_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sdk/core/hex.h"

namespace trapline::collector {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

[[noreturn]] void fail(const char* what, const fs::path& path) {
  throw fs::filesystem_error(what, path, std::error_code(errno, std::generic_category()));
}

/// An open file.
class File {
 public:
  File(fs::path path, int flags) : path_(std::move(path)), file_(open(path_.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() {
    if (file_ >= 0) close(file_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] bool is_open() const { return file_ >= 0; }

  std::size_t read_some(std::span<std::byte> into) const {
    while (true) {
      const ssize_t count = ::read(file_, into.data(), into.size());
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) fail("cannot read", path_);
    }
  }
  void write_all(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::write(file_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("cannot write", path_);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }
  void sync() const {
    if (fsync(file_) != 0) fail("cannot sync", path_);
  }

 private:
  fs::path path_;
  int file_;
};

/// Reads the file to its end; `to`, if any, gets the same bytes.
FileDigest digest(const File& from, const File* to) {
  FileDigest digest;
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::vector<std::byte> buffer(kBufferBytes);
  while (const std::size_t count = from.read_some(buffer)) {
    const std::span<const std::byte> bytes = std::span(buffer).first(count);
    crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    if (to != nullptr) to->write_all(bytes);
    digest.bytes += count;
  }
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256_final(&state, hash.data());
  digest.sha256 = core::to_hex(std::as_bytes(std::span(hash)));
  return digest;
}

}  // namespace

std::optional<FileDigest> copy_synced(const fs::path& from, const fs::path& to) {
  const File source(from, O_RDONLY);
  if (!source.is_open() && errno == ENOENT) return std::nullopt;
  if (!source.is_open()) fail("cannot open", from);
  const File target(to, O_WRONLY | O_CREAT | O_TRUNC);
  if (!target.is_open()) fail("cannot make", to);
  FileDigest copied = digest(source, &target);
  target.sync();
  return copied;
}

FileDigest sync_file(const fs::path& path) {
  const File file(path, O_RDONLY);
  if (!file.is_open()) fail("cannot open", path);
  file.sync();
  return digest(file, nullptr);
}

std::optional<std::string> read_file(const fs::path& path, std::size_t most) {
  const File file(path, O_RDONLY);
  if (!file.is_open() && errno == ENOENT) return std::nullopt;
  if (!file.is_open()) fail("cannot open", path);
  std::string bytes(std::min<std::size_t>(fs::file_size(path), most), '\0');
  std::size_t read = 0;
  while (read < bytes.size()) {
    const std::size_t count = file.read_some(std::as_writable_bytes(std::span(bytes).subspan(read)));
    if (count == 0) break;
    read += count;
  }
  bytes.resize(read);
  return bytes;
}

std::optional<std::int64_t> written_at(const fs::path& path) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
  return static_cast<std::int64_t>(facts.st_mtim.tv_sec) * 1'000 + facts.st_mtim.tv_nsec / 1'000'000;
}

void write_file(const fs::path& path, std::string_view text) {
  const File file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.is_open()) fail("cannot make", path);
  file.write_all(std::as_bytes(std::span(text)));
  file.sync();
}

void write_whole(const fs::path& part, const fs::path& path, std::string_view bytes) {
  try {
    write_file(part, bytes);
    fs::rename(part, path);
  } catch (...) {
    std::error_code ignored;
    fs::remove(part, ignored);
    throw;
  }
  sync_folder(path.parent_path());
}

void sync_folder(const fs::path& path) {
  const File folder(path, O_RDONLY | O_DIRECTORY);
  if (!folder.is_open()) fail("cannot open", path);
  folder.sync();
}

}  // namespace trapline::collector
