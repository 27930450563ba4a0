#pragma once

/// A run's counters as the server is told them, and what of them it knows already. A run is a process from the SDK's
/// start to its end; its counters only grow, so that the largest of each that were ever told are the newest.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "sdk/recorder/ledger.h"

namespace trapline::sdk {

struct RunLedger {
  std::string run_id;
  std::string release;
  std::uint64_t captured = 0;  ///< 0: not known, as the run's recorder is lost
  std::array<std::uint64_t, kFates> fates{};

  [[nodiscard]] std::uint64_t of(Fate fate) const { return fates[static_cast<std::size_t>(fate)]; }
  /// Events that the server has seen.
  [[nodiscard]] std::uint64_t reached() const { return of(Fate::kDelivered) + of(Fate::kRejected); }
  /// Events that it will never see.
  [[nodiscard]] std::uint64_t dropped() const;
};

/// What a server has acknowledged of a ledger. Grows.
struct Told {
  std::uint64_t captured = 0;
  std::uint64_t dropped = 0;
  std::uint64_t reached = 0;

  void add(const Told& newer);
  /// Whether the ledger says more than that.
  [[nodiscard]] bool lacks(const RunLedger& ledger) const;
};

/// By a request with so many of the run's events, which reach the server with it.
Told told_by(const RunLedger& ledger, std::size_t events);

/// The counters of a process that lives, as they are now: never with more ends than events.
RunLedger ledger_now(const LedgerCounters& counters, std::string run_id, std::string release);

}  // namespace trapline::sdk
