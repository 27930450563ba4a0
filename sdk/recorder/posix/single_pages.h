#pragma once

#include <cstddef>

namespace trapline::sdk {

/// Has the system bring in single pages of a mapping when they are touched, and not megabytes around them.
void bring_in_single_pages(void* memory, std::size_t bytes);

}  // namespace trapline::sdk
