#pragma once

namespace trapline::sdk {

/// Gives the calling thread a stack for signal handlers, so that the overflow of its own can be reported; taken back
/// when the thread ends. A thread that has one already keeps that. 64 KiB of addresses, of which nothing is touched
/// before a signal; some microseconds. False: no memory, or the thread is ending. Any thread; not from a signal
/// handler.
bool give_alternate_stack();

}  // namespace trapline::sdk
