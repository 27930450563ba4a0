#pragma once

/// The machinery of consistency checks: what a kind of fault is, and how its faults are gone through.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/consistency.h"
#include "collector/storage/files/file_store.h"
#include "collector/storage/sealing.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// `key` is what mending finds it by again.
struct Fault {
  std::int64_t key = 0;
  std::string description;
};

/// The faults of a part of a table, and where to go on; nothing: that was the end.
struct Slice {
  std::vector<Fault> faults;
  std::optional<std::int64_t> next;
};

/// One kind of fault.
struct Check {
  std::string_view what;
  /// Looks at some hundred keys after the one given. A slice's question is one statement where it compares two things.
  /// A slice with faults is looked at again while nobody writes.
  std::function<Slice(Connection&, std::int64_t after)> find;
  /// Mends a fault in short transactions, as it is by then; false when it cannot be mended.
  std::function<bool(Connection&, std::int64_t key)> mend;
};

/// Goes through all faults of the kind, and mends them if that is wanted.
CheckFinding run_check(Connection& connection, const Check& check, const CheckOptions& options);

/// What checks need beside the tables. All of it must outlive them.
struct CheckContext {
  UnixMillis now = 0;  ///< for what mending makes anew
  bool is_deep = false;
  FileStore* files = nullptr;  ///< null: there are none
  const Sealer& sealer;
};

/// All checks of the tables, in the order in which they are to be mended: owners before what they own, rows before
/// counters.
std::vector<Check> table_checks(const CheckContext& context);

/// A question about a range of ids of one table, in ?1 < id <= ?2; its rows are faults. In `description`, "{0}" stands
/// for the row's first column, which is the key, and so on.
struct RangeQuestion {
  std::string_view table;
  std::string sql;
  std::string_view description;
};
std::function<Slice(Connection&, std::int64_t after)> ask_by_ranges(RangeQuestion question);

/// Rows of `table` whose `column`, which leads an index, names a row of `owners` that is not there. The key is what is
/// named. Reads one entry of the index for each value, not each row.
struct OwnerQuestion {
  std::string_view table;
  std::string_view column;
  std::string_view owners;
};
std::function<Slice(Connection&, std::int64_t after)> ask_for_owners(OwnerQuestion question);

}  // namespace trapline::collector::sql
