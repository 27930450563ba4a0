#pragma once

#include <array>

#include <windows.h>

namespace trapline::core {

/// A thread's name, cut to what there is room for; empty: it has none, or the system does not tell (before Windows 10,
/// 1607). Allocates nothing and takes no lock, so that a crash may be written with it.
std::array<char, 16> thread_name(HANDLE thread);

}  // namespace trapline::core
