#pragma once

namespace trapline::sdk {

/// Has the functions called around every fork() of the process: before it, after it in the parent, after it in the
/// child, all on the forking thread. Nothing where the system has no such thing.
void call_around_forks(void (*before)(), void (*in_parent)(), void (*in_child)());

}  // namespace trapline::sdk
