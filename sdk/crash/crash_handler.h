#pragma once

/// What makes a crash of this process be written into its recorder. Behind it is what the system has for that: signals
/// (posix/), exceptions (windows/, macos/).

#include <cstddef>
#include <string>

namespace trapline::sdk {

class Recorder;

/// Has crashes of this process written into its recorder. After that the handler that was there before has it, as if
/// there were no other, and what the process ends with is the same. The recorder must stay until
/// remove_crash_handlers(). `folder`: where recorders are; "": in memory only. The calling thread gets a stack for
/// handlers.
void install_crash_handlers(Recorder& recorder, const std::string& folder);

/// Takes them away again, where no other handler was installed after them: those stay and only pass on.
void remove_crash_handlers();

/// Whether the user has consented to reports. Any thread, any time.
void allow_crash_reports(bool is_allowed);

/// Copies the calling thread's scopes to where `room` bytes are and answers how many they were; may be called where a
/// crash handler runs. The room above (client/) says how.
using CopyThreadScopes = std::size_t (*)(char* to, std::size_t room);
void set_thread_scopes_copier(CopyThreadScopes copy);

/// Whether the process ends by a crash that is in its recorder, though it does so in peace: a terminate handler, or an
/// earlier handler of the crash, has called exit().
bool is_dying_by_crash(char* recorder_memory);

}  // namespace trapline::sdk
