#include "collector/digest/user_key.h"

#include <cerrno>
#include <cstdio>
#include <span>

#include <fcntl.h>
#include <unistd.h>

#include "sdk/core/random.h"

namespace trapline::collector {
namespace {

/// False: there is none. An error: there is one and it cannot be read, and another would make strangers of all users.
core::Result<bool> read_key(const std::string& path, UserKey& key) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return false;
  const bool is_whole = file >= 0 && read(file, key.data(), key.size()) == static_cast<ssize_t>(key.size());
  if (file >= 0) close(file);
  if (is_whole) return true;
  return core::Error{"storage", path +
                                    " cannot be read, or is not whole. Session users are told apart by it: restore " +
                                    "it from a backup, or delete it, and all users count as new"};
}

/// Whole or not at all: half a key would be another one.
void write_key(const std::string& path, const UserKey& key) {
  const std::string fresh = path + ".new";
  const int file = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return;
  const bool is_whole = write(file, key.data(), key.size()) == static_cast<ssize_t>(key.size()) && fsync(file) == 0;
  close(file);
  if (is_whole) std::rename(fresh.c_str(), path.c_str());
}

}  // namespace

core::Result<UserKey> load_user_key(const std::string& path) {
  UserKey key{};
  const auto is_there = read_key(path, key);
  if (!is_there) return is_there.error();
  if (*is_there) return key;
  core::fill_random(std::as_writable_bytes(std::span(key)));
  write_key(path, key);
  return key;
}

}  // namespace trapline::collector
