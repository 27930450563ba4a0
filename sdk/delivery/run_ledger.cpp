#include "sdk/delivery/run_ledger.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace trapline::sdk {

std::uint64_t RunLedger::dropped() const {
  return std::accumulate(fates.begin(), fates.end(), std::uint64_t{0}) - reached();
}

void Told::add(const Told& newer) {
  captured = std::max(captured, newer.captured);
  dropped = std::max(dropped, newer.dropped);
  reached = std::max(reached, newer.reached);
}

bool Told::lacks(const RunLedger& ledger) const {
  return ledger.captured > captured || ledger.dropped() > dropped || ledger.reached() > reached;
}

Told told_by(const RunLedger& ledger, std::size_t events) {
  return {ledger.captured, ledger.dropped(), ledger.reached() + events};
}

RunLedger ledger_now(const LedgerCounters& counters, std::string run_id, std::string release) {
  RunLedger ledger{std::move(run_id), std::move(release)};
  for (std::size_t index = 0; index < kFates; ++index) ledger.fates[index] = counters.of(static_cast<Fate>(index));
  // An event is counted as captured before it is counted as anything else: read last, the captured are hardly ever
  // fewer than the ends. Where they are, by the order of relaxed counters, the ends are what was captured at least.
  ledger.captured = std::max(counters.captured.load(std::memory_order_relaxed), ledger.reached() + ledger.dropped());
  return ledger;
}

}  // namespace trapline::sdk
