#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sdk/core/event.h"
#include "sdk/stack/source_file.h"
#include "sdk/stack/symbolizer.h"

namespace trapline::sdk {

/// What is put into frames besides their names.
struct ReadingRules {
  std::vector<std::string> in_app_paths;      ///< modules whose path begins so are the app's, wherever they are …
  std::vector<std::string> not_in_app_paths;  ///< … and those are not
  bool wants_source = false;                  ///< the source lines around calls of the app, where the file is there
};

/// Makes the stacks of one process readable, this one or one that is gone. Keeps what it has found, since the same
/// addresses come again and again. Slow; on the worker thread. Not thread-safe.
class StackReader {
 public:
  /// Of a process whose modules are known.
  explicit StackReader(std::vector<core::Module> modules, ReadingRules rules = {})
      : rules_(std::move(rules)), modules_(std::move(modules)) {}
  /// Of this process: its modules are listed, and listed again when some were loaded since.
  explicit StackReader(ReadingRules rules = {}) : rules_(std::move(rules)), is_own_(true) {}

  /// Fills in frames that are empty and demangles the exceptions' types. The event borrows from this until the next
  /// call.
  void make_readable(core::Event& event);

  [[nodiscard]] const std::vector<core::Module>& modules();
  /// Changes whenever modules() does.
  [[nodiscard]] std::uint64_t modules_version() const { return modules_version_; }

  /// Closes the files of debug information; they are opened again when they are needed.
  void rest() { symbolizer_.reset(); }

 private:
  struct Call {
    Symbol symbol;
    bool is_in_app = false;
    const core::SourceLines* source = nullptr;
  };
  struct Known {
    std::vector<Call> calls;  ///< innermost first; at least one
    std::string module_path;
    std::uintptr_t module_base = 0;
  };
  [[nodiscard]] bool is_in_app(const std::string& module_path, const std::string& function) const;
  std::vector<core::Frame> read(const std::vector<std::uintptr_t>& raw_stack);
  const Known& look_up(std::uintptr_t address);
  std::string_view readable_type(std::string_view mangled);
  void list_again_if_changed();

  const ReadingRules rules_;
  SourceFiles sources_;
  bool is_own_ = false;
  std::vector<core::Module> modules_;
  std::uint64_t modules_version_ = 0;
  std::uint64_t loader_changes_ = 0;
  std::unique_ptr<Symbolizer> symbolizer_;
  std::unordered_map<std::uintptr_t, Known> known_;
  std::unordered_map<std::string, std::string> types_;
};

/// Whether a frame belongs to the app: not the system's libraries, not ours, not the C++ library's own functions.
bool is_in_app(const std::string& module_path, const std::string& function);

}  // namespace trapline::sdk
