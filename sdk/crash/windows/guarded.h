#pragma once

#include <windows.h>

namespace trapline::sdk {

/// Runs `work(state)` on the calling thread; false when it faulted: then it was left where it stood. What it does must
/// need no cleaning up. (__try and __except, which GCC does not have.) Two threads at a time; a third one's work is not
/// run. Allocates nothing.
bool run_guarded(void (*work)(void* state), void* state);

/// For the handler that is told first of every exception: whether it is one of guarded work. Then the thread goes on
/// behind that when the handler answers EXCEPTION_CONTINUE_EXECUTION.
bool leave_guarded_work(EXCEPTION_POINTERS* pointers);

/// The same for a callable.
template <class Work>
bool run_guarded(Work& work) {
  return run_guarded([](void* state) { (*static_cast<Work*>(state))(); }, &work);
}

}  // namespace trapline::sdk
