#pragma once

#include <cstdint>

namespace trapline::core {

/// Calls `take(thread id, state)` for every thread of this process. Allocates nothing on the heap and takes none of the
/// process's locks, so that a crash may be written with it. One caller at a time: a second one is told of none.
void for_each_thread(void (*take)(std::uint32_t id, void* state), void* state);

}  // namespace trapline::core
