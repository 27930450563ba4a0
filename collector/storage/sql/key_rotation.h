#pragma once

#include <vector>

#include "collector/storage/files/file_store.h"
#include "collector/storage/key_rotation.h"
#include "collector/storage/records.h"
#include "collector/storage/sealing.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// rotate_keys() on one connection; `files` may be null. Throws Refusal "broken_off".
RotationReport rotate_keys(Connection& connection, FileStore* files, const Sealer& sealer,
                           const RotationOptions& options, UnixMillis now);

/// How much is sealed with which key; empty when nothing ever was.
std::vector<SealCount> count_seals(Connection& connection, FileStore* files);

}  // namespace trapline::collector::sql
