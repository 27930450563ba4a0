#pragma once

/// Where sealed bytes are in the tables (sealing.h).

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "collector/storage/sealing.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// A column of bytes, in a table whose rows have an id.
struct SealedColumn {
  std::string_view what;  ///< "events"
  std::string_view table;
  std::string_view column;
  std::string_view condition;  ///< of rows that have bytes there
  std::string_view place;      ///< the columns that `place_of` takes: a number and a text
  std::string (*place_of)(std::int64_t number, std::string_view text);
};
std::span<const SealedColumn> sealed_columns();

/// What a row's bytes begin with.
struct SealPrefix {
  std::int64_t id = 0;
  std::optional<KeyId> key;  ///< nothing: they are not sealed
};
/// Those of the next rows, by id. Empty: that were all.
std::vector<SealPrefix> seal_prefixes_after(Connection& connection, const SealedColumn& column, std::int64_t id);

/// Seals a row's bytes with the first key, in a transaction of the caller's. False when they were already, or are gone.
bool seal_anew(Connection& connection, const Sealer& sealer, const SealedColumn& column, std::int64_t id);

}  // namespace trapline::collector::sql
