#pragma once

/// Which keys something in the database may be sealed with (the table encryption_key).

#include "collector/storage/records.h"
#include "collector/storage/sealing.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// Throws Refusal "missing_key", which names the key, when one is needed that was not given.
void require_keys(Connection& connection, const Sealer& sealer);

/// To be called in every transaction that stores sealed bytes: from now on whoever opens the database needs the key,
/// also when it was on its way out (key_rotation.h).
void note_key(Connection& connection, const Sealer& sealer, UnixMillis now);

}  // namespace trapline::collector::sql
