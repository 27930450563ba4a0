#pragma once

/// How version 2 of the grouping names what it finds in stacks. Built on function_name.h, which version 1 uses and
/// which therefore stays as it is.

#include <string>
#include <string_view>

namespace trapline::collector {

/// A function's name without what changes from build to build: besides what normalise_function_name() cuts, C# state
/// machines and closures ("<Run>d__3.MoveNext" is "Run"), Swift and Kotlin closures' numbers, Rust and C++ hashes in
/// mangled names, addresses and long numbers.
std::string stable_function(std::string_view raw);

/// A module (Java or C# class, Python module) without generated parts: "Order$$EnhancerBySpringCGLIB$$1a2b",
/// "$Proxy12", "Cart+<Pay>d__7", "Shop$$Lambda$14/0x000", "GeneratedMethodAccessor7", a trailing anonymous class's
/// number.
std::string stable_module(std::string_view raw);

/// A file's base name without what a build puts into it: query, content hash ("main.4f3a2b1c.js", "chunk-7HJKQ2.js"),
/// version ("libfoo.so.1.2").
std::string stable_file(std::string_view raw);

/// Whether a name tells nothing: empty, "<anonymous>", "?", "<lambda>", or as short as minifiers make it, in
/// JavaScript.
bool is_nameless(std::string_view function, bool is_javascript);

/// Machinery, as is_glue_function() has it, and what version 2 found besides.
bool is_machinery(std::string_view name);

}  // namespace trapline::collector
