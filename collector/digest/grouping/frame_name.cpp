#include "collector/digest/grouping/frame_name.h"

#include <algorithm>
#include <array>

#include "collector/digest/event_text.h"
#include "collector/digest/grouping/function_name.h"
#include "sdk/core/ascii.h"

namespace trapline::collector {
namespace {

using core::is_digit;
using core::is_hex_digit;

bool is_word(char c) { return core::is_alnum(c) || c == '_'; }

void cut_at(std::string& text, std::string_view part) {
  if (const std::size_t at = text.find(part); at != std::string::npos && at > 0) text.resize(at);
}

/// "Shop.<Run>d__3.MoveNext" is "Shop.Run"; "Shop.<>c__DisplayClass1_0.<Run>b__0" is "Shop.Run.{lambda}".
void unfold_csharp(std::string& name) {
  if (const std::size_t closure = name.find("<>c"); closure != std::string::npos) {
    const std::size_t end = name.find_first_of(".+", closure + 3);
    if (end == std::string::npos) return;
    name.erase(closure, end + 1 - closure);
  }
  const std::size_t open = name.find('<');
  const std::size_t close = open == std::string::npos ? open : name.find('>', open);
  if (close == std::string::npos || close + 3 >= name.size() || close == open + 1) return;
  const char kind = name[close + 1];
  if (name.compare(close + 2, 2, "__") != 0 || (kind != 'd' && kind != 'b' && kind != 'g')) return;
  const std::string inner = name.substr(open + 1, close - open - 1);
  name = name.substr(0, open) + inner + (kind == 'd' ? "" : ".{lambda}");
}

/// "closure #2 in Shop.run" and "partial apply for closure #1 in Shop.run" are "closure in Shop.run".
void unify_swift_closures(std::string& name) {
  const std::size_t at = name.find("closure #");
  if (at == std::string::npos) return;
  const std::size_t in = name.find(" in ", at);
  if (in == std::string::npos) return;
  name = "closure" + name.substr(in);
}

/// Long runs of digits and addresses anywhere: "handler_1719223344", "fn_0x7f12ab".
void cut_numbers(std::string& name) {
  constexpr std::size_t kLongRun = 4;
  std::string kept;
  for (std::size_t at = 0; at < name.size();) {
    const bool is_address = name.compare(at, 2, "0x") == 0;
    std::size_t end = is_address ? at + 2 : at;
    while (end < name.size() && (is_address ? is_hex_digit(name[end]) : is_digit(name[end]))) ++end;
    if (end - at >= kLongRun && (is_address || is_digit(name[at]))) {
      kept += '#';
      at = end;
    } else {
      kept += name[at++];
    }
  }
  name = std::move(kept);
}

/// "17h0123456789abcdefE", the hash in a mangled Rust name.
void cut_mangled_hash(std::string& name) {
  constexpr std::size_t kDigits = 16;
  const std::size_t at = name.rfind("17h");
  if (!name.starts_with("_ZN") || at == std::string::npos || at + 3 + kDigits > name.size()) return;
  if (std::all_of(name.begin() + static_cast<std::ptrdiff_t>(at) + 3,
                  name.begin() + static_cast<std::ptrdiff_t>(at + 3 + kDigits), is_hex_digit)) {
    name.erase(at, 3 + kDigits);
  }
}

/// Whether a stretch of a file's name looks made by a bundler: hex or letters and digits mixed, long enough.
bool is_build_hash(std::string_view part) {
  constexpr std::size_t kLeast = 6;
  if (part.size() < kLeast || !std::all_of(part.begin(), part.end(), [](char c) { return is_word(c); })) return false;
  const auto digits = std::count_if(part.begin(), part.end(), is_digit);
  const bool is_all_hex = std::all_of(part.begin(), part.end(), is_hex_digit);
  const bool has_upper = std::any_of(part.begin(), part.end(), core::is_upper);
  return (is_all_hex && digits > 0) || (digits > 0 && has_upper);
}

/// "shop::run()::$_12", as Clang calls lambdas, is "shop::run()::$_".
void cut_clang_lambda_numbers(std::string& name) {
  for (std::size_t at = name.find("$_"); at != std::string::npos; at = name.find("$_", at)) {
    at += 2;
    std::size_t end = at;
    while (end < name.size() && is_digit(name[end])) ++end;
    name.erase(at, end - at);
  }
}

void cut_digits_at_end(std::string& text) {
  while (!text.empty() && is_digit(text.back())) text.pop_back();
}

}  // namespace

std::string stable_function(std::string_view raw) {
  std::string name(raw);
  unfold_csharp(name);
  unify_swift_closures(name);
  cut_mangled_hash(name);
  name = normalise_function_name(name);
  cut_clang_lambda_numbers(name);
  if (name.ends_with(".invokeSuspend")) name.resize(name.size() - 14);
  if (name.starts_with("new ")) name.erase(0, 4);
  if (name.starts_with("Object.") && name.size() > 7) name.erase(0, 7);  // how V8 names functions of plain objects
  if (const std::size_t as = name.find(" [as "); as != std::string::npos) name.resize(as);
  cut_numbers(name);
  return name;
}

std::string stable_module(std::string_view raw) {
  std::string module(raw);
  cut_at(module, "+<>c");  // C#'s classes of closures, and below those of iterators and async methods
  unfold_csharp(module);
  for (const std::string_view generated :
       {"$$EnhancerBy", "$$FastClassBy", "$$Lambda", "$$SpringCGLIB", "$HibernateProxy", "/0x"}) {
    cut_at(module, generated);
  }
  for (const std::string_view counted : {"$Proxy", "GeneratedMethodAccessor", "GeneratedConstructorAccessor", "$"}) {
    const std::size_t at = module.rfind(counted);
    const bool is_at_end =
        at != std::string::npos &&
        std::all_of(module.begin() + static_cast<std::ptrdiff_t>(at + counted.size()), module.end(), is_digit);
    if (is_at_end) cut_digits_at_end(module);
  }
  return module;
}

std::string stable_file(std::string_view raw) {
  raw = raw.substr(0, raw.find_first_of("?#"));
  std::string_view name = base_name(raw);
  if (name.starts_with('<')) return std::string(name);
  std::string kept;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find_first_of(".-", 1), name.size());
    const std::string_view part = name.substr(0, end);
    const bool has_separator = part.front() == '.' || part.front() == '-';
    const bool is_version =
        part.front() == '.' && part.size() > 1 && std::all_of(part.begin() + 1, part.end(), is_digit);
    const bool is_cut = has_separator && (is_build_hash(part.substr(1)) || is_version);
    if (!is_cut) kept += part;
    name.remove_prefix(end);
  }
  return kept;
}

bool is_nameless(std::string_view function, bool is_javascript) {
  constexpr std::array<std::string_view, 11> kNames = {"<anonymous>", "?",           "<unknown>", "anonymous",
                                                       "{anonymous}", "(anonymous)", "<lambda>",  "<listcomp>",
                                                       "<genexpr>",   "<dictcomp>",  "<setcomp>"};
  if (function.empty() || std::find(kNames.begin(), kNames.end(), function) != kNames.end()) return true;
  constexpr std::size_t kMinified = 2;
  const std::size_t dot = function.rfind('.');
  const std::string_view own = dot == std::string_view::npos ? function : function.substr(dot + 1);
  return own == "<lambda>" || (is_javascript && (own.size() <= kMinified || own == "<anonymous>"));
}

bool is_machinery(std::string_view name) {
  if (is_glue_function(name)) return true;
  constexpr std::array<std::string_view, 16> kNames = {"free",
                                                       "malloc",
                                                       "calloc",
                                                       "realloc",
                                                       "operator delete",
                                                       "memmove",
                                                       "memcpy",
                                                       "_exit",
                                                       "exit",
                                                       "rust_begin_unwind",
                                                       "rust_panic",
                                                       "core::panicking::panic_fmt",
                                                       "core::panicking::panic",
                                                       "std::panicking::begin_panic_handler",
                                                       "runtime.panicmem",
                                                       "runtime.sigpanic"};
  if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) return true;
  constexpr std::array<std::string_view, 7> kPrefixes = {
      "__libc_",    "_int_", "malloc_", "std::bad_function_call", "std::panicking::", "core::result::unwrap_failed",
      "__sanitizer"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace trapline::collector
