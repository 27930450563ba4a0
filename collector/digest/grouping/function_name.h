#pragma once

#include <string>
#include <string_view>

namespace trapline::collector {

/// A function's name without what changes from build to build or call to call: parameters, template arguments, lambda
/// and clone numbers, ABI tags, compiler hashes. Works on demangled C++ and Rust, JavaScript, Python, Go, and Java
/// names.
std::string normalise_function_name(std::string_view raw);

/// Whether the function is part of the machinery that every stack of its language shares (throwing, terminating,
/// std::function, the program's start), which says nothing about the fault. Expects a normalised name.
bool is_glue_function(std::string_view normalised_name);

}  // namespace trapline::collector
