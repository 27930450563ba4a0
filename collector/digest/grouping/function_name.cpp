#include "collector/digest/grouping/function_name.h"

#include <algorithm>
#include <array>

#include "sdk/core/ascii.h"

namespace trapline::collector {
namespace {

constexpr std::string_view kAnonymousNamespace = "(anonymous namespace)";
constexpr std::string_view kOperator = "operator";

using core::is_digit;

bool is_identifier(char character) { return core::is_alnum(character) || character == '_' || character == '$'; }

void erase_all(std::string& text, std::string_view part) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at)) text.erase(at, part.size());
}

void replace_all(std::string& text, std::string_view part, std::string_view by) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + by.size())) {
    text.replace(at, part.size(), by);
  }
}

/// " [clone .cold.3]", ".isra.0", ".part.2", ".constprop.1", ".cold", ".llvm.123": what compilers add to split
/// functions.
void cut_clone_suffixes(std::string& name) {
  if (const std::size_t clone = name.find(" [clone"); clone != std::string::npos) name.resize(clone);
  for (const std::string_view suffix : {".isra.", ".part.", ".constprop.", ".llvm."}) {
    if (const std::size_t at = name.find(suffix); at != std::string::npos && at > 0) name.resize(at);
  }
  if (name.ends_with(".cold")) name.resize(name.size() - 5);
}

/// "[abi:cxx11]"
void cut_abi_tags(std::string& name) {
  for (std::size_t at = name.find("[abi:"); at != std::string::npos; at = name.find("[abi:", at)) {
    const std::size_t close = name.find(']', at);
    if (close == std::string::npos) return;
    name.erase(at, close - at + 1);
  }
}

/// "::h0123456789abcdef" at the end, as Rust has it.
void cut_rust_hash(std::string& name) {
  constexpr std::size_t kDigits = 16;
  const std::size_t at = name.rfind("::h");
  if (at == std::string::npos || name.size() - at != 3 + kDigits) return;
  const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  if (std::all_of(name.begin() + static_cast<std::ptrdiff_t>(at) + 3, name.end(), is_hex)) name.resize(at);
}

/// "{lambda(int, char)#2}" and "'lambda'(int)" become "{lambda}".
void unify_lambdas(std::string& name) {
  constexpr std::string_view kUnified = "{lambda}";
  std::size_t at = 0;
  while ((at = name.find("{lambda(", at)) != std::string::npos) {
    const std::size_t close = name.find('}', at);
    if (close == std::string::npos) return;
    name.replace(at, close - at + 1, kUnified);
    at += kUnified.size();
  }
  replace_all(name, "'lambda'", kUnified);
}

/// The length of an operator's symbol behind "operator" ("<<", "->", "()"); 0 when none follows.
std::size_t operator_symbol_length(std::string_view text) {
  constexpr std::array<std::string_view, 13> kSymbols = {"<=>", "<<=", ">>=", "->*", "()", "<<", ">>",
                                                         "<=",  ">=",  "->",  "[]",  "<",  ">"};
  for (const std::string_view symbol : kSymbols) {
    if (text.starts_with(symbol)) return symbol.size();
  }
  return 0;
}

bool ends_with_operator_word(std::string_view text) {
  return text.ends_with(kOperator) &&
         (text.size() == kOperator.size() || !is_identifier(text[text.size() - kOperator.size() - 1]));
}

/// Drops "<…>" behind a name and everything from the parameter list on. "<anonymous>", "<lambda>" and "<module>", which
/// other languages use as names, follow no identifier and stay.
std::string without_arguments(std::string_view name) {
  std::string kept;
  std::size_t depth = 0;
  for (std::size_t position = 0; position < name.size(); ++position) {
    const std::string_view rest = name.substr(position);
    const char character = rest.front();
    if (depth == 0 && ends_with_operator_word(kept)) {
      const std::size_t length = operator_symbol_length(rest);
      if (length > 0) {
        kept += rest.substr(0, length);
        position += length - 1;
        continue;
      }
    }
    if (depth == 0 && rest.starts_with(kAnonymousNamespace)) {
      kept += kAnonymousNamespace;
      position += kAnonymousNamespace.size() - 1;
      continue;
    }
    // "operator<< <int>" has a blank before its arguments, so that its name ends somewhere.
    const bool follows_name = !kept.empty() && (is_identifier(kept.back()) ||
                                                (kept.back() == ' ' && kept.find(kOperator) != std::string::npos));
    const bool opens = character == '<' && (depth > 0 || follows_name);
    if (opens) {
      ++depth;
    } else if (character == '>' && depth > 0) {
      --depth;
    } else if (depth == 0) {
      // A parameter list follows a name; "(*Server).Serve", a method in Go, follows a dot.
      const bool follows_word = !kept.empty() && kept.back() != '.' && (kept.back() != ' ' || follows_name);
      if (character == '(' && follows_word) {
        const std::size_t qualifier = rest.rfind(")::");  // a local class's member: outer(int)::Inner::run()
        if (qualifier == std::string_view::npos) break;
        position += qualifier;
        continue;
      }
      kept += character;
    }
  }
  while (kept.ends_with(' ')) kept.pop_back();
  return kept;
}

/// "void shop::charge" is how templates are demangled: the return type goes. Only where a C++ scope follows.
void cut_return_type(std::string& name) {
  const std::size_t blank = name.rfind(' ');
  if (blank == std::string::npos || name.find("::") == std::string::npos) return;
  if (name.find(kOperator) != std::string::npos || name.find(kAnonymousNamespace) > blank) {
    if (name.find(kOperator) == std::string::npos && name.find("::", blank) != std::string::npos)
      name.erase(0, blank + 1);
  }
}

/// Numbers that compilers and runtimes count anonymous functions by: "lambda$main$0", "main.func1.2", "anonymous_12".
void cut_counters(std::string& name) {
  std::string kept;
  for (std::size_t position = 0; position < name.size(); ++position) {
    kept += name[position];
    const bool counts = name[position] == '$' || kept.ends_with(".func") || kept.ends_with("anonymous_");
    if (!counts) continue;
    while (position + 1 < name.size() &&
           (is_digit(name[position + 1]) || (name[position + 1] == '.' && position + 2 < name.size() &&
                                             is_digit(name[position + 2]) && kept.ends_with(".func")))) {
      ++position;
    }
  }
  name = std::move(kept);
}

}  // namespace

std::string normalise_function_name(std::string_view raw) {
  std::string name(raw);
  cut_clone_suffixes(name);
  cut_abi_tags(name);
  cut_rust_hash(name);
  replace_all(name, "_GLOBAL__N_1", kAnonymousNamespace);
  replace_all(name, "`anonymous namespace'", kAnonymousNamespace);
  replace_all(name, "`anonymous-namespace'", kAnonymousNamespace);
  erase_all(name, "__cxx11::");
  unify_lambdas(name);
  name = without_arguments(name);
  cut_return_type(name);
  cut_counters(name);
  if (name.starts_with("async ")) name.erase(0, 6);
  if (name.starts_with("bound ")) name.erase(0, 6);
  return name;
}

bool is_glue_function(std::string_view name) {
  constexpr std::array<std::string_view, 20> kPrefixes = {
      "__cxa_",          "__cxxabiv1::",   "__gnu_cxx::",  "__libc_start",   "__GI_",
      "__pthread_kill",  "__assert",       "__restore_rt", "_Unwind_",       "std::__",
      "std::_Function_", "std::function",  "std::invoke",  "std::terminate", "std::rethrow_",
      "std::throw_with", "std::allocator", "std::_Bind",   "operator new",   "trapline::"};
  constexpr std::array<std::string_view, 12> kNames = {"abort",        "raise",  "gsignal",         "_start",
                                                       "start_thread", "clone3", "clone",           "pthread_kill",
                                                       "kill",         "panic",  "runtime.gopanic", "runtime.goexit"};
  if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) return true;
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace trapline::collector
