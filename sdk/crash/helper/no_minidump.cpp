#include "sdk/crash/helper/minidump.h"

namespace trapline::sdk {

/// Not for this processor.
bool write_minidump(pid_t /*process*/, const char* /*recorder*/, const char* /*to*/) { return false; }

}  // namespace trapline::sdk
