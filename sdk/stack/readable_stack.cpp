#include "sdk/stack/readable_stack.h"

#include <algorithm>
#include <string_view>

#include "sdk/stack/demangle.h"
#include "sdk/stack/fast_unwind.h"
#include "sdk/stack/module_list.h"
#include "sdk/stack/system_modules.h"

namespace trapline::sdk {
namespace {

const core::Module* find_module(const std::vector<core::Module>& modules, std::uintptr_t address) {
  const auto found = std::find_if(modules.begin(), modules.end(), [&](const core::Module& module) {
    return address >= module.base && address - module.base < module.size;
  });
  return found != modules.end() ? &*found : nullptr;
}

/// std::throw_with_nested(X()) throws a class of the C++ library's own that derives from X: people look for X.
std::string without_nesting(std::string type) {
  constexpr std::string_view kNested = "std::_Nested_exception<";
  if (!type.starts_with(kNested) || !type.ends_with('>')) return type;
  return type.substr(kNested.size(), type.size() - kNested.size() - 1);
}

/// Stacks differ without end in a program that generates code; memory does not.
constexpr std::size_t kMostKnown = 10'000;

}  // namespace

bool is_in_app(const std::string& module_path, const std::string& function) {
  constexpr std::string_view kForeignNames[] = {"std::",  "__gnu_cxx::",    "__cxxabiv1::",
                                                "__cxa_", "trapline::",     "trapline_",
                                                "_start", "mainCRTStartup", "__tmainCRTStartup"};
  const auto stands_before = [](std::string_view text) {
    return [text](std::string_view prefix) { return text.starts_with(prefix); };
  };
  if (is_system_module(module_path)) return false;
  // A template's name begins with its return type: "void std::throw_with_nested<…>".
  const std::string_view name = function;
  const std::string_view unqualified = name.substr(name.substr(0, name.find('<')).rfind(' ') + 1);
  return std::none_of(std::begin(kForeignNames), std::end(kForeignNames), stands_before(name)) &&
         std::none_of(std::begin(kForeignNames), std::end(kForeignNames), stands_before(unqualified));
}

void StackReader::make_readable(core::Event& event) {
  if (known_.size() > kMostKnown) known_.clear();
  if (types_.size() > kMostKnown) types_.clear();
  for (core::Exception& exception : event.exceptions) {
    if (exception.type_is_mangled) exception.type = readable_type(exception.type);
  }
  list_again_if_changed();
  if (event.frames.empty()) {
    event.frames = read(event.raw_stack);
    if (event.frames_omitted > 0) {
      event.raw_stack.resize(event.frames_omitted_after);
      event.frames_omitted_after = read(event.raw_stack).size();
    }
  }
  if (event.own_thread.frames.empty()) event.own_thread.frames = read(event.own_thread.raw_stack);
  for (core::Thread& thread : event.threads) {
    if (thread.frames.empty()) thread.frames = read(thread.raw_stack);
  }
}

std::vector<core::Frame> StackReader::read(const std::vector<std::uintptr_t>& raw_stack) {
  std::vector<core::Frame> frames;
  frames.reserve(raw_stack.size());
  for (const std::uintptr_t address : raw_stack) {
    const Known& known = look_up(address);
    for (const Call& call : known.calls) {
      core::Frame frame;
      frame.address = address;
      frame.function = call.symbol.function;
      frame.file = call.symbol.file;
      frame.line = call.symbol.line;
      frame.source = call.source;
      frame.module_path = known.module_path;
      frame.module_base = known.module_base;
      frame.is_in_app = call.is_in_app;
      frames.push_back(frame);
    }
  }
  return frames;
}

const std::vector<core::Module>& StackReader::modules() {
  list_again_if_changed();
  return modules_;
}

const StackReader::Known& StackReader::look_up(std::uintptr_t address) {
  const auto [entry, is_new] = known_.try_emplace(address);
  Known& known = entry->second;
  if (!is_new) return known;
  // The call before the return address: it may be the last instruction of its line.
  const core::Module* const module = find_module(modules_, address - 1);
  if (module == nullptr) {
    known.calls.emplace_back();
    return known;
  }
  if (!symbolizer_) symbolizer_ = Symbolizer::create();
  known.module_path = module->path;
  known.module_base = module->base;
  for (Symbol& symbol : symbolizer_->find(*module, address - 1)) {
    const bool is_of_app = is_in_app(known.module_path, symbol.function);
    const bool wants_source = rules_.wants_source && is_of_app;
    const core::SourceLines* const source = wants_source ? sources_.around(symbol.file, symbol.line) : nullptr;
    known.calls.push_back({std::move(symbol), is_of_app, source});
  }
  if (known.calls.empty()) known.calls.push_back({{}, is_in_app(known.module_path, ""), nullptr});
  return known;
}

bool StackReader::is_in_app(const std::string& module_path, const std::string& function) const {
  const auto begins_with_one_of = [&](const std::vector<std::string>& paths) {
    return std::any_of(paths.begin(), paths.end(),
                       [&](const std::string& path) { return module_path.starts_with(path); });
  };
  if (begins_with_one_of(rules_.not_in_app_paths)) return false;
  return begins_with_one_of(rules_.in_app_paths) || sdk::is_in_app(module_path, function);
}

std::string_view StackReader::readable_type(std::string_view mangled) {
  const auto [entry, is_new] = types_.try_emplace(std::string(mangled));
  if (is_new) entry->second = without_nesting(demangle(entry->first.c_str()));
  return entry->second;
}

void StackReader::list_again_if_changed() {
  if (!is_own_) return;
  const std::uint64_t changes = count_module_changes();
  if (changes == loader_changes_) return;
  loader_changes_ = changes;
  modules_ = list_modules();
  ++modules_version_;
  // What was loaded may stand where something else stood.
  forget_unwind_rules();
  known_.clear();
  symbolizer_.reset();
}

}  // namespace trapline::sdk
