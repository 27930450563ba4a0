#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace trapline::collector::sqlite {

/// Is told how many bytes of how many are done.
using CopyProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

struct CopiedStore {
  std::size_t schema_version = 0;
  std::vector<std::string> days;      ///< names of the copied files in day_folder(target), which must be there
  std::vector<std::string> left_out;  ///< days that cannot be read, and why
};

/// Copies a database and its days, which others may read and write meanwhile, into new files: as they are at one
/// moment, that of the call. The copies were read back and are sound (PRAGMA quick_check). Throws DatabaseError, also
/// when a copy is damaged, and SchemaTooNew or Refusal for a schema that is not ours; what is at `target` then is to be
/// thrown away.
///
/// By SQLite's backup API in small steps, within one read transaction of the source's connection. Without that
/// transaction a copy begins anew whenever another process has written between two steps: with 10 commits a second it
/// never ends. Measured on a database of 330 MB on two busy cores, with 100 events of 1 KB committed ten times a
/// second; the commits' median and 95th percentile:
///
///     nothing beside the writer                      24 ms   53 ms
///     steps of 256 pages, one transaction   3.1 s    28 ms   49 ms
///     steps of 1,024 pages, the same        3.2 s    39 ms   72 ms
///     all pages in one step                 3.6 s    33 ms  117 ms
///     VACUUM INTO                           3.5 s    36 ms  100 ms   no smaller, and tells nothing of its progress
///     steps of 256 pages, no transaction    given up after 25 s and 185 new beginnings
///
/// As long as it takes, the write-ahead log grows by what is written: checkpoints cannot pass the moment that is read.
CopiedStore copy_online(const std::string& source, const std::string& target, const CopyProgress& progress);

}  // namespace trapline::collector::sqlite
