#pragma once

/// Days as the cold archive sees them: what it reads of them, and whether it has all of them. A writer that puts an
/// event into a day which is, or is being, archived makes it one that is not (leave_archive()).

#include <cstdint>

#include "collector/storage/archive_records.h"
#include "collector/storage/sql/connection.h"
#include "collector/storage/sql/payload_dictionaries.h"

namespace trapline::collector::sql {

/// Values of event_day.archived.
constexpr std::int64_t kNotArchived = 0;
constexpr std::int64_t kBeingArchived = 1;
constexpr std::int64_t kArchived = 2;

ArchivePage read_archive_page(Connection& connection, PayloadDictionaries& dictionaries, const ArchiveQuery& query);

/// In a transaction of its own: who writes into the day from now on is noticed by end_archiving(). False when the day
/// is not there.
bool begin_archiving(Connection& connection, std::int64_t day);
/// False when somebody wrote into the day meanwhile, or it is gone: then nothing has changed.
bool end_archiving(Connection& connection, std::int64_t day);

/// Within a transaction that puts events into the day.
void leave_archive(Connection& connection, std::int64_t day);

}  // namespace trapline::collector::sql
