#pragma once

#include <string>

namespace trapline::sdk {

/// The readable form of a name mangled by the Itanium C++ ABI: of a function (_ZN…) or of a type as
/// std::type_info::name() has it; the name itself when it is no such name. std::string is called so.
std::string demangle(const char* name);

}  // namespace trapline::sdk
