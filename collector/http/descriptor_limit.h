#pragma once

#include <cstddef>

namespace trapline::collector {

/// Lets this process open as many files as it is permitted to: shells and service managers start programs with a low
/// limit (often 1,024) that they may raise themselves. Answers the limit that holds now.
std::size_t raise_descriptor_limit();

/// How many connections may be open within `descriptors`, at most `wanted`: `others` are for files, and some are left
/// for what the libraries open. A connection that finds no descriptor can only be reset; one over the cap is told 503.
std::size_t connections_within(std::size_t descriptors, std::size_t others, std::size_t wanted);

}  // namespace trapline::collector
