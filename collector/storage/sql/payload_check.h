#pragma once

#include "collector/storage/sql/consistency_check.h"

namespace trapline::collector::sql {

/// Events whose bytes cannot be unpacked: a page that has one cannot be shown. Mending sets them aside in the
/// quarantine, with their bytes. Those that need a dictionary which is gone or damaged stay: with the dictionary, as a
/// backup may have it, they can be read again.
Check payload_check(UnixMillis now, const Sealer& sealer);

}  // namespace trapline::collector::sql
