#pragma once

/// An event as the SDK holds it between capture and the wire: plain values, no JSON yet.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sdk/core/clock.h"

namespace trapline::core {

/// A library or program in the process, by which a server can find the symbols of its addresses.
struct Module {
  std::string path;
  std::string build_id;  ///< hex; empty when it has none
  std::uintptr_t base = 0;
  std::uintptr_t size = 0;  ///< bytes from the base to the end of what is mapped
};

/// One call of a stack. Only the address is always known.
struct Frame {
  std::uintptr_t address = 0;  ///< of the call instruction's end, as it stands on the stack
  std::string function;
  std::string file;  ///< full path, as the compiler saw it
  int line = 0;      ///< 0: not known
  std::string module_path;
  std::uintptr_t module_base = 0;
  bool is_in_app = false;
};

struct Exception {
  std::string type;
  std::string value;
  bool type_is_mangled = false;
};

struct Breadcrumb {
  UnixMillis timestamp = 0;
  std::string type;
  std::string category;
  std::string message;
  std::string level;
};

struct User {
  std::string id;
  std::string email;
  std::string username;
  std::string ip_address;
};

/// What the machine and the program are; the same for every event of a process.
struct ProcessFacts {
  std::string release;
  std::string environment;
  std::string server_name;
  std::string os_name;
  std::string os_version;
  std::string architecture;
};

struct Event {
  std::string event_id;
  UnixMillis timestamp = 0;
  std::string level;
  std::string message;
  std::vector<Exception> exceptions;  ///< what was caught first, then its causes
  bool is_handled = true;
  std::string mechanism = "generic";
  std::uint64_t thread_id = 0;
  std::string thread_name;
  std::vector<std::uintptr_t> raw_stack;  ///< return addresses, innermost first
  std::vector<Frame> frames;              ///< the same, made readable; innermost first
  std::vector<Module> modules;            ///< those that the stack passes through
  std::vector<Breadcrumb> breadcrumbs;
  std::vector<std::pair<std::string, std::string>> tags;
  User user;
};

}  // namespace trapline::core
