#pragma once

#include <cstdint>
#include <string_view>

namespace trapline::sdk {

/// Whether the address, one past an instruction, is in the C++ library's function of that name, be that linked in or in
/// a library of its own.
bool is_in_library_function(std::uintptr_t address, std::string_view name);

}  // namespace trapline::sdk
