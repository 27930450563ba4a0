#include "sdk/crash/posix/orphan_recorder.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <new>
#include <string_view>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sdk/crash/crash_note.h"
#include "sdk/recorder/posix/file_calls.h"
#include "sdk/recorder/recorder_header.h"

namespace trapline::sdk {
namespace {

using Path = std::array<char, 4200>;
Path unfinished_path;  // the stack may be small
Path finished_path;

const char* make_path(Path& path, const CrashSite& site, const std::array<char, 32>& run_id, std::string_view suffix) {
  path.fill('\0');
  char* to = path.data();
  const std::size_t folder = strnlen(site.folder.data(), site.folder.size());
  to = std::copy_n(site.folder.data(), folder, to);
  *to++ = '/';
  to = std::copy(run_id.begin(), run_id.end(), to);
  std::copy(suffix.begin(), suffix.end(), to);
  return path.data();
}

/// The parent's, but for the last digits.
std::array<char, 32> child_run_id(const CrashSite& site) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::uint64_t bits = (static_cast<std::uint64_t>(now.tv_nsec) << 32U) ^ static_cast<std::uint64_t>(getpid()) ^
                       (static_cast<std::uint64_t>(now.tv_sec) << 16U);
  std::array<char, 32> id = site.run_id;
  for (std::size_t digit = 16; digit < id.size(); ++digit) {
    id[digit] = "0123456789abcdef"[bits & 15U];
    bits >>= 4U;
  }
  return id;
}

}  // namespace

char* make_orphan_recorder(const CrashSite& site) {
  const char* const parent = site.memory.load();
  if (site.folder[0] == '\0' || parent == nullptr) return nullptr;
  const std::array<char, 32> run_id = child_run_id(site);
  const char* const unfinished = make_path(unfinished_path, site, run_id, kUnfinishedRecorderSuffix);
  const int file = open(unfinished, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return nullptr;
  const bool is_made = lock_recorder_file(file) && reserve_recorder_blocks(file, kSmallestRecorder);
  void* const memory =
      is_made ? mmap(nullptr, kSmallestRecorder, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
  if (memory == MAP_FAILED) {
    unlink(unfinished);
    close(file);
    return nullptr;
  }
  auto* const child = static_cast<char*>(memory);
  RecorderHeader* const header = new (memory) RecorderHeader{};
  const auto& old = *reinterpret_cast<const RecorderHeader*>(parent);
  header->created = old.created;
  begin_recorder_header(*header, run_id, static_cast<std::uint32_t>(getpid()), kSmallestRecorder);
  std::memcpy(child + kFactsAt, parent + kFactsAt, kCrashAt - kFactsAt);
  header->facts.length.store(old.facts.length.load());
  header->facts.checksum = old.facts.checksum;
  header->modules.length.store(old.modules.length.load());
  header->modules.checksum = old.modules.checksum;
  header->scope_in_force.store(old.scope_in_force.load());
  for (std::size_t copy = 0; copy < old.scope_length.size(); ++copy) {
    header->scope_length[copy].store(old.scope_length[copy].load());
  }
  header->breadcrumbs_begin.store(old.breadcrumbs_begin.load());
  header->breadcrumbs_end.store(old.breadcrumbs_end.load());
  // Another event than the parent's, should that crash, too.
  CrashBlock& block = CrashArea(child).block();
  block.event_id =
      CrashArea(const_cast<char*>(parent)).block().event_id;  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  for (std::size_t byte = 0; byte < 8; ++byte) {
    block.event_id[byte + 8] ^= static_cast<std::uint8_t>(run_id[16 + 2 * byte] ^ (run_id[17 + 2 * byte] << 4));
  }
  make_version_4(block.event_id);
  if (rename(unfinished, make_path(finished_path, site, run_id, kRecorderSuffix)) != 0) return nullptr;
  return child;
}

char* own_crash_memory() {
  CrashSite& site = crash_site();
  char* const memory = site.memory.load();
  if (!site.is_allowed.load()) return nullptr;
  if (memory == nullptr || site.owner.load() == getpid()) return memory;
  if (site.orphan_owner.load() != getpid()) {
    site.orphan_memory.store(make_orphan_recorder(site));
    site.orphan_owner.store(getpid());
  }
  return site.orphan_memory.load();
}

}  // namespace trapline::sdk
