#pragma once

/// An event as the SDK holds it between the recorder and the wire. Texts are borrowed: from the record it was read
/// from, from the symbolizer, from the process's facts. They must outlive it.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sdk/core/clock.h"

namespace trapline::core {

/// Of programs and libraries.
enum class ModuleFormat : std::uint8_t {
  kElf = 0,    ///< its build id is the note NT_GNU_BUILD_ID
  kPe = 1,     ///< the 16 bytes of its debug information's GUID as they stand in the file, and the age, 4 bytes
  kMachO = 2,  ///< LC_UUID
};

/// A library or program in the process, by which a server can find the symbols of its addresses.
struct Module {
  std::string path;
  std::string build_id;  ///< hex; empty when it has none
  std::uintptr_t base = 0;
  std::uintptr_t size = 0;  ///< bytes from the base to the end of what is mapped
  std::uintptr_t bias = 0;  ///< what the loader added to the addresses in the file
  ModuleFormat format = ModuleFormat::kElf;
  std::string code_id = {};  ///< of the program itself, where that has another than its debug information
};

/// The line of a call and those around it.
struct SourceLines {
  std::vector<std::string> before;
  std::string line;
  std::vector<std::string> after;
};

/// One call of a stack. Several stand at one address when the compiler has put functions into each other. Only the
/// address is always known.
struct Frame {
  std::uintptr_t address = 0;  ///< one past the instruction that is meant, as return addresses are
  std::string_view function;
  std::string_view file;                ///< full path, as the compiler saw it
  int line = 0;                         ///< 0: not known
  const SourceLines* source = nullptr;  ///< nullptr: not at hand, or not wanted
  std::string_view module_path;
  std::uintptr_t module_base = 0;
  bool is_in_app = false;
};

/// A stack of a thread that did not capture the event.
struct Thread {
  std::uint64_t id = 0;
  std::string_view name;
  std::vector<std::uintptr_t> raw_stack;  ///< as in Event
  std::vector<Frame> frames;
};

/// The signal that ended the process.
struct Signal {
  int number = 0;  ///< 0: none did
  int code = 0;    ///< siginfo's si_code
  std::string_view name;
  std::string_view code_name;          ///< empty: none is known
  std::uint64_t relevant_address = 0;  ///< what was accessed; 0: nothing
};

struct Exception {
  std::string_view type;
  std::string_view value;
  bool type_is_mangled = false;
};

struct Breadcrumb {
  UnixMillis timestamp = 0;
  std::string_view type;
  std::string_view category;
  std::string_view message;
  std::string_view level;
  std::string_view data;  ///< a JSON object, or empty
};

struct User {
  std::string_view id;
  std::string_view email;
  std::string_view username;
  std::string_view ip_address;
};

using NamedTexts = std::vector<std::pair<std::string_view, std::string_view>>;

/// What the machine and the program are; the same for every event of a process. Owns its texts.
struct ProcessFacts {
  std::string release;
  std::string environment;
  std::string dist;
  std::string server_name;
  std::vector<std::pair<std::string, std::string>> contexts;  ///< name and JSON object
};

struct Event {
  std::string_view event_id;
  UnixMillis timestamp = 0;
  std::string_view level;
  std::string_view message;
  std::string_view logger;
  std::string_view transaction;
  std::string_view release;  ///< this and the next three: empty, or instead of what the process's facts say
  std::string_view environment;
  std::string_view dist;
  std::string_view server_name;
  std::string_view trace_id;
  std::string_view span_id;
  std::vector<std::string_view> fingerprint;
  std::vector<Exception> exceptions;  ///< what was caught first, then its causes
  bool is_handled = true;
  std::string_view mechanism = "generic";
  std::uint64_t thread_id = 0;
  std::string_view thread_name;
  std::vector<std::uintptr_t> raw_stack;  ///< return addresses, innermost first
  std::vector<Frame> frames;              ///< the same, made readable; innermost first
  std::size_t frames_omitted_after = 0;   ///< so many innermost frames come before those that are left out
  std::uint64_t frames_omitted = 0;
  Thread own_thread;            ///< its stack, where that is another than the exceptions' one
  std::vector<Thread> threads;  ///< the others
  Signal signal;
  std::vector<std::pair<std::string_view, std::uint64_t>> registers;  ///< of the interrupted thread
  std::vector<Breadcrumb> breadcrumbs;
  NamedTexts tags;
  NamedTexts extra;     ///< values are JSON
  NamedTexts contexts;  ///< values are JSON objects; they stand instead of the facts' of the same name
  User user;
};

}  // namespace trapline::core
