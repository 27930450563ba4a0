#include "sdk/crash/helper/minidump.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <new>
#include <string_view>

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sdk/crash/helper/arena.h"
#include "sdk/crash/helper/dump_machine.h"
#include "sdk/crash/helper/stopped_process.h"
#include "sdk/crash/posix/proc_file.h"
#include "sdk/recorder/layout.h"

namespace trapline::sdk {
namespace {

constexpr std::size_t kLargestDump = std::size_t{4} << 20;
constexpr std::size_t kStackBytes = std::size_t{16} << 10;         ///< of each thread
constexpr std::size_t kCrashedStackBytes = std::size_t{64} << 10;  ///< of the crashed one
constexpr std::size_t kMostModules = 512;
constexpr std::uintptr_t kRedZone = 128;

enum Stream : std::uint32_t {
  kThreads = 3,
  kModules = 4,
  kMemory = 5,
  kException = 6,
  kSystem = 7,
  kLinuxMaps = 0x47670009,
};

// The format's structs are packed; fields are written one by one at their places.
constexpr std::size_t kHeaderSize = 32;
constexpr std::size_t kEntrySize = 12;
constexpr std::size_t kThreadSize = 48;
constexpr std::size_t kModuleSize = 108;
constexpr std::size_t kMemorySize = 16;
constexpr std::size_t kExceptionSize = 168;
constexpr std::size_t kSystemSize = 56;

/// The crash record, mapped; its own memory when there is none.
class Crash {
 public:
  explicit Crash(const char* recorder) {
    const int file = open(recorder, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void* const memory = mmap(nullptr, kEventsAt, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED) return;
    std::memcpy(&block_bytes_, static_cast<const char*>(memory) + kCrashAt, sizeof block_bytes_);
    munmap(memory, kEventsAt);
  }
  [[nodiscard]] const CrashBlock& block() const { return *reinterpret_cast<const CrashBlock*>(block_bytes_.data()); }
  [[nodiscard]] const DumpRegisters& registers() const { return block().registers; }

 private:
  alignas(CrashBlock) std::array<char, sizeof(CrashBlock)> block_bytes_{};
};

class Minidump {
 public:
  Minidump(const StoppedProcess& process, pid_t pid, const Crash& crash, Arena& arena)
      : process_(process), pid_(pid), crash_(crash), arena_(arena) {}

  void write() {
    arena_.reserve(kHeaderSize);
    const std::uint32_t directory = arena_.reserve(kEntrySize * kStreams);
    write_system();
    write_threads();
    write_modules();
    write_memory_list();
    write_exception();
    write_maps();
    arena_.put(0, std::uint32_t{0x504D444D});  // "MDMP"
    arena_.put(4, std::uint32_t{0xA793});
    arena_.put(8, static_cast<std::uint32_t>(count_));
    arena_.put(12, directory);
    arena_.put(20, static_cast<std::uint32_t>(std::time(nullptr)));
    for (std::size_t index = 0; index < count_; ++index) {
      const std::size_t place = directory + index * kEntrySize;
      arena_.put(place, entries_[index].type);
      arena_.put(place + 4, entries_[index].size);
      arena_.put(place + 8, entries_[index].place);
    }
  }

 private:
  static constexpr std::size_t kStreams = 6;
  struct Entry {
    std::uint32_t type;
    std::uint32_t size;
    std::uint32_t place;
  };
  struct Memory {
    std::uint64_t from = 0;
    std::uint32_t size = 0;
    std::uint32_t place = 0;
  };

  /// The files that are mapped, each from its beginning.
  struct ModuleList {
    struct Module {
      std::uintptr_t begin = 0;
      std::uintptr_t end = 0;
      std::uint32_t name = 0;
      bool is_executable = false;
    };
    std::array<Module, kMostModules> list{};
    std::size_t count = 0;
    Minidump* dump = nullptr;

    static void take(const MapsLine& line, void* state) {
      auto& self = *static_cast<ModuleList*>(state);
      if (!line.path.starts_with('/')) return;
      if (line.offset != 0 && self.count > 0) {
        Module& module = self.list[self.count - 1];
        module.end = line.end;
        module.is_executable = module.is_executable || line.is_executable;
      } else if (self.count < self.list.size()) {
        self.list[self.count++] = {line.begin, line.end, self.dump->write_string(line.path), line.is_executable};
      }
    }
  };

  void add_stream(Stream type, std::uint32_t place, std::size_t size) {
    if (place != 0 && count_ < kStreams) entries_[count_++] = {type, static_cast<std::uint32_t>(size), place};
  }

  std::uint32_t write_context(const DumpRegisters& registers) {
    const std::uint32_t place = arena_.reserve(kDumpMachine.context_bytes);
    if (place == 0) return 0;
    arena_.put(place + kDumpMachine.flags_place, kDumpMachine.flags);
    for (std::size_t index = 0; index < kDumpMachine.context.size(); ++index) {
      const ContextField& field = kDumpMachine.context[index];
      if (field.bytes == 4) {
        arena_.put(place + field.place, static_cast<std::uint32_t>(registers[index]));
      } else {
        arena_.put(place + field.place, registers[index]);
      }
    }
    return place;
  }

  /// A piece of the process's memory, as much of it as is there.
  Memory copy_memory(std::uintptr_t from, std::size_t bytes) {
    const std::uint32_t place = arena_.reserve(bytes);
    if (place == 0) return {};
    const std::size_t got = process_.read(from, arena_.at(place), bytes);
    arena_.shrink(place + got);
    return {from, static_cast<std::uint32_t>(got), got > 0 ? place : 0};
  }

  void write_threads() {
    const std::uint32_t list = arena_.reserve(4 + process_.size() * kThreadSize);
    if (list == 0) return;
    arena_.put(list, static_cast<std::uint32_t>(process_.size()));
    for (std::size_t index = 0; index < process_.size(); ++index) {
      const StoppedProcess::Thread& thread = process_[index];
      const bool is_crashed = static_cast<std::uint64_t>(thread.id) == crash_.block().thread_id;
      // The crashed thread stands in its handler; what it was doing is in the crash record.
      const DumpRegisters& registers = is_crashed ? crash_.registers() : thread.registers;
      const std::uint64_t sp = registers[1];
      const Memory stack =
          copy_memory(sp - std::min<std::uint64_t>(sp, kRedZone), is_crashed ? kCrashedStackBytes : kStackBytes);
      const std::uint32_t context = write_context(registers);
      if (is_crashed) crashed_context_ = context;
      memory_[index] = stack;
      const std::size_t place = list + 4 + index * kThreadSize;
      arena_.put(place, static_cast<std::uint32_t>(thread.id));
      arena_.put(place + 24, stack.from);
      arena_.put(place + 32, stack.size);
      arena_.put(place + 36, stack.place);
      arena_.put(place + 40, static_cast<std::uint32_t>(kDumpMachine.context_bytes));
      arena_.put(place + 44, context);
    }
    add_stream(kThreads, list, 4 + process_.size() * kThreadSize);
  }

  void write_memory_list() {
    const std::size_t size = 4 + process_.size() * kMemorySize;
    const std::uint32_t list = arena_.reserve(size);
    if (list == 0) return;
    std::uint32_t count = 0;
    for (std::size_t index = 0; index < process_.size(); ++index) {
      if (memory_[index].size == 0) continue;
      const std::size_t place = list + 4 + count++ * kMemorySize;
      arena_.put(place, memory_[index].from);
      arena_.put(place + 8, memory_[index].size);
      arena_.put(place + 12, memory_[index].place);
    }
    arena_.put(list, count);
    add_stream(kMemory, list, 4 + count * kMemorySize);
  }

  /// MINIDUMP_STRING: UTF-16. Paths are taken as ASCII; what is not becomes '?'.
  std::uint32_t write_string(std::string_view text) {
    const std::uint32_t place = arena_.reserve(4 + 2 * (text.size() + 1));
    if (place == 0) return 0;
    arena_.put(place, static_cast<std::uint32_t>(2 * text.size()));
    for (std::size_t index = 0; index < text.size(); ++index) {
      const bool is_ascii = static_cast<unsigned char>(text[index]) < 0x80;
      arena_.put(place + 4 + 2 * index, static_cast<std::uint16_t>(is_ascii ? text[index] : '?'));
    }
    return place;
  }

  /// The build id from the module's first page, as a record that Breakpad's readers know: "BpEL" and its bytes.
  Memory write_build_id(std::uintptr_t base) {
    std::array<char, 4096> page{};
    if (process_.read(base, page.data(), page.size()) != page.size()) return {};
    Elf64_Ehdr header{};
    std::memcpy(&header, page.data(), sizeof header);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return {};
    for (std::size_t index = 0; index < header.e_phnum; ++index) {
      const std::size_t at = header.e_phoff + index * sizeof(Elf64_Phdr);
      if (at + sizeof(Elf64_Phdr) > page.size()) return {};
      Elf64_Phdr segment{};
      std::memcpy(&segment, page.data() + at, sizeof segment);
      if (segment.p_type != PT_NOTE || segment.p_offset + segment.p_filesz > page.size()) continue;
      const Memory found = find_build_id({page.data() + segment.p_offset, segment.p_filesz});
      if (found.place != 0) return found;
    }
    return {};
  }

  Memory find_build_id(std::string_view notes) {
    while (notes.size() > sizeof(Elf64_Nhdr)) {
      Elf64_Nhdr note{};
      std::memcpy(&note, notes.data(), sizeof note);
      const std::size_t content = sizeof note + (std::size_t{note.n_namesz} + 3) / 4 * 4;
      const std::size_t end = content + (std::size_t{note.n_descsz} + 3) / 4 * 4;
      if (end > notes.size()) return {};
      constexpr std::size_t kMostBytes = 64;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_descsz <= kMostBytes) {
        const std::uint32_t place = arena_.reserve(4 + note.n_descsz);
        if (place == 0) return {};
        arena_.put(place, std::uint32_t{0x4270454C});
        std::memcpy(arena_.at(place + 4), notes.data() + content, note.n_descsz);
        return {0, 4 + note.n_descsz, place};
      }
      notes.remove_prefix(end);
    }
    return {};
  }

  void write_modules() {
    std::array<char, 64> path{};
    std::snprintf(path.data(), path.size(), "/proc/%d/maps", static_cast<int>(pid_));
    static ModuleList modules;
    modules.dump = this;
    for_each_mapping(path.data(), ModuleList::take, &modules);
    const std::size_t count = modules.count;
    const std::uint32_t list = arena_.reserve(4 + count * kModuleSize);
    if (list == 0) return;
    std::uint32_t written = 0;
    for (std::size_t index = 0; index < count; ++index) {
      const ModuleList::Module& module = modules.list[index];
      if (!module.is_executable) continue;  // a file of data
      const Memory build_id = write_build_id(module.begin);
      const std::size_t place = list + 4 + written++ * kModuleSize;
      arena_.put(place, std::uint64_t{module.begin});
      arena_.put(place + 8, static_cast<std::uint32_t>(module.end - module.begin));
      arena_.put(place + 20, module.name);
      arena_.put(place + 76, build_id.size);
      arena_.put(place + 80, build_id.place);
    }
    arena_.put(list, written);
    add_stream(kModules, list, 4 + written * kModuleSize);
  }

  void write_exception() {
    const std::uint32_t place = arena_.reserve(kExceptionSize);
    if (place == 0) return;
    const CrashBlock& block = crash_.block();
    arena_.put(place, static_cast<std::uint32_t>(block.thread_id));
    arena_.put(place + 8, static_cast<std::uint32_t>(block.signal));
    arena_.put(place + 12, static_cast<std::uint32_t>(block.code));
    arena_.put(place + 24, block.address);
    arena_.put(place + 160, static_cast<std::uint32_t>(kDumpMachine.context_bytes));
    arena_.put(place + 164, crashed_context_);
    add_stream(kException, place, kExceptionSize);
  }

  void write_system() {
    constexpr std::uint32_t kLinux = 0x8201;
    const std::uint32_t place = arena_.reserve(kSystemSize);
    arena_.put(place, kDumpMachine.architecture);
    arena_.put(place + 6, static_cast<std::uint8_t>(sysconf(_SC_NPROCESSORS_ONLN)));
    arena_.put(place + 20, kLinux);
    arena_.put(place + 24, write_string("Linux"));
    add_stream(kSystem, place, kSystemSize);
  }

  void write_maps() {
    std::array<char, 64> path{};
    std::snprintf(path.data(), path.size(), "/proc/%d/maps", static_cast<int>(pid_));
    constexpr std::size_t kMost = std::size_t{256} << 10;
    const std::uint32_t place = arena_.reserve(kMost);
    if (place == 0) return;
    const int file = open(path.data(), O_RDONLY | O_CLOEXEC);
    std::size_t size = 0;
    while (file >= 0 && size < kMost) {
      const ssize_t got = read(file, arena_.at(place + size), kMost - size);
      if (got <= 0) break;
      size += static_cast<std::size_t>(got);
    }
    if (file >= 0) close(file);
    arena_.shrink(place + size);
    add_stream(kLinuxMaps, place, size);
  }

  const StoppedProcess& process_;
  const pid_t pid_;
  const Crash& crash_;
  Arena& arena_;
  std::array<Entry, kStreams> entries_{};
  std::size_t count_ = 0;
  std::array<Memory, StoppedProcess::kMostThreads> memory_{};
  std::uint32_t crashed_context_ = 0;
};

bool write_file(const char* path, std::span<const char> bytes) {
  const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return false;
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = write(file, bytes.data() + done, bytes.size() - done);
    if (written <= 0) break;
    done += static_cast<std::size_t>(written);
  }
  close(file);
  if (done == bytes.size()) return true;
  unlink(path);
  return false;
}

/// Untouched, it costs no memory.
std::array<char, kLargestDump> dump_memory;

}  // namespace

bool write_minidump(pid_t process, const char* recorder, const char* to) {
  const Crash crash(recorder);
  Arena arena(dump_memory);
  {
    const StoppedProcess stopped(process);
    if (stopped.size() == 0) return false;
    static std::array<char, sizeof(Minidump)> room;  // too large for a small stack
    auto* const dump = new (room.data()) Minidump(stopped, process, crash, arena);
    dump->write();
  }
  return write_file(to, arena.used());
}

}  // namespace trapline::sdk
