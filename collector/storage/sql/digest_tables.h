#pragma once

/// What digestion keeps beside events and issues: how far it has come, the quarantine, the ledger, the projects'
/// settings.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "collector/storage/records.h"
#include "collector/storage/sealing.h"
#include "collector/storage/sql/connection.h"
#include "collector/storage/store.h"

namespace trapline::collector::sql {

/// What became of the events of one batch, gathered so that each line is written once.
class Ledger {
 public:
  struct Line {
    std::int64_t stored = 0;
    std::int64_t duplicates = 0;
    std::int64_t counted_only = 0;
  };
  Line& line(const DigestedEvent& event);
  void write(Connection& connection) const;

 private:
  std::map<std::tuple<ProjectId, UnixMillis, std::string_view>, Line>
      lines_;  ///< releases are borrowed from the events
};

/// The place in the node's spool of the last event that was stored or set aside: what stands there or before was given
/// before.
std::int64_t digest_position(Connection& connection, std::string_view node);

/// Moves it, in the transaction that stores or sets aside what stands at `sequence`. `is_anew`: something new stood
/// where all had been given before, so the spool began anew, and its places with it.
void move_digest_position(Connection& connection, std::string_view node, std::int64_t sequence, bool is_anew);

/// Adds to what an hour has of that already; nothing when the count is 0.
void add_to_ledger(Connection& connection, ProjectId project, const LedgerEntry& entry);

/// Which of several times it is, between which hashes and issues may have changed places: what a writer remembers of
/// them is true for one. end_place_epoch() belongs into the transaction that merges, or unmerges.
std::int64_t place_epoch(Connection& connection);
void end_place_epoch(Connection& connection);

void quarantine(Connection& connection, const Sealer& sealer, const QuarantinedEvent& event, std::string_view node,
                UnixMillis now);
std::vector<QuarantinedEvent> list_quarantine(Connection& connection, const Sealer& sealer, ProjectId project);

std::string digest_settings(Connection& connection, ProjectId project);
void set_digest_settings(Connection& connection, ProjectId project, std::string_view settings);
std::string change_digest_settings(Connection& connection, ProjectId project, const SettingsChange& change);

}  // namespace trapline::collector::sql
