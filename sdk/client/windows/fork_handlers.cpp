#include "sdk/client/fork_handlers.h"

namespace trapline::sdk {

/// Processes are not forked here.
void call_around_forks(void (* /*before*/)(), void (* /*in_parent*/)(), void (* /*in_child*/)()) {}

}  // namespace trapline::sdk
