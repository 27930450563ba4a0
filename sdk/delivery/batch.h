#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/dsn.h"
#include "sdk/delivery/event_buffer.h"
#include "sdk/delivery/run_ledger.h"

namespace trapline::sdk {

/// The event's JSON with what is added on its way out: how many it stands for, and, where one request carries one event
/// only, its modules.
std::string finished_event(const BufferedItem& item, std::string_view debug_meta = {});

/// The body of POST /v1/events: a line about the batch, then an event a line. The first line is
/// {"trapline_batch":{"debug_meta":…,"sent_at":…,"run":…,"release":…,"ledger":…}}: the modules, which the events have
/// in common and which would be two thirds of each, the time, by which a clock that is wrong is noticed, and the run
/// that captured them, with its counters. `items` may be empty.
std::string batch_body(const std::vector<BufferedItem>& items, std::string_view debug_meta, const RunLedger& ledger);

/// An envelope (https://develop.sentry.dev/sdk/foundations/data-model/envelopes/) with one item. `event_id` may be
/// empty.
std::string envelope(std::string_view event_id, std::string_view item_header, std::string_view payload);

/// The ledger as a JSON object: captured, and every fate that has a count, by its reason.
std::string ledger_json(const RunLedger& ledger);

}  // namespace trapline::sdk
