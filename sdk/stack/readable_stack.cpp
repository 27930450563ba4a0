#include "sdk/stack/readable_stack.h"

#include <algorithm>
#include <string_view>

#include "sdk/stack/demangle.h"
#include "sdk/stack/module_list.h"

namespace trapline::sdk {
namespace {

const core::Module* find_module(const std::vector<core::Module>& modules, std::uintptr_t address) {
  const auto found = std::find_if(modules.begin(), modules.end(), [&](const core::Module& module) {
    return address >= module.base && address - module.base < module.size;
  });
  return found != modules.end() ? &*found : nullptr;
}

void remember(std::vector<core::Module>& used, const core::Module& module) {
  const bool is_known =
      std::any_of(used.begin(), used.end(), [&](const core::Module& known) { return known.base == module.base; });
  if (!is_known) used.push_back(module);
}

/// std::throw_with_nested(X()) throws a class of the C++ library's own that derives from X: people look for X.
std::string without_nesting(std::string type) {
  constexpr std::string_view kNested = "std::_Nested_exception<";
  if (!type.starts_with(kNested) || !type.ends_with('>')) return type;
  return type.substr(kNested.size(), type.size() - kNested.size() - 1);
}

}  // namespace

bool is_in_app(const std::string& module_path, const std::string& function) {
  constexpr std::string_view kSystemFolders[] = {"/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/", "/usr/libexec/"};
  constexpr std::string_view kForeignNames[] = {"std::",      "__gnu_cxx::", "__cxxabiv1::", "__cxa_",
                                                "trapline::", "trapline_",   "_start"};
  const auto stands_before = [](std::string_view text) {
    return [text](std::string_view prefix) { return text.starts_with(prefix); };
  };
  if (module_path.find("/libtrapline.so") != std::string::npos) return false;
  // A template's name begins with its return type: "void std::throw_with_nested<…>".
  const std::string_view name = function;
  const std::string_view unqualified = name.substr(name.substr(0, name.find('<')).rfind(' ') + 1);
  return std::none_of(std::begin(kSystemFolders), std::end(kSystemFolders), stands_before(module_path)) &&
         std::none_of(std::begin(kForeignNames), std::end(kForeignNames), stands_before(name)) &&
         std::none_of(std::begin(kForeignNames), std::end(kForeignNames), stands_before(unqualified));
}

void make_readable(core::Event& event, Symbolizer& symbolizer) {
  for (core::Exception& exception : event.exceptions) {
    if (exception.type_is_mangled) exception.type = without_nesting(demangle(exception.type.c_str()));
  }
  if (event.raw_stack.empty()) return;
  const std::vector<core::Module> modules = list_modules();
  for (const std::uintptr_t address : event.raw_stack) {
    core::Frame frame;
    frame.address = address;
    Symbol symbol = symbolizer.find(address - 1);
    frame.function = std::move(symbol.function);
    frame.file = std::move(symbol.file);
    frame.line = symbol.line;
    if (const core::Module* module = find_module(modules, address - 1)) {
      frame.module_path = module->path;
      frame.module_base = module->base;
      remember(event.modules, *module);
    }
    frame.is_in_app = is_in_app(frame.module_path, frame.function);
    event.frames.push_back(std::move(frame));
  }
}

}  // namespace trapline::sdk
