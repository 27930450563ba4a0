#pragma once

#include "collector/digest/digester.h"
#include "collector/http/router.h"
#include "collector/ingest/intake.h"
#include "collector/ingest/item_writer.h"
#include "collector/ingest/spool.h"
#include "collector/storage/archive/archive_counts.h"
#include "collector/storage/retention_counts.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// What the health routes look at; all of it outlives them.
struct HealthContext {
  const Intake& intake;
  Spool& spool;
  const Digester& digester;
  const ItemWriter& items;
  Store& store;
  const RetentionCounts& retention;
  const ArchiveCounts* archive = nullptr;  ///< null: there is none
};

/// Adds /healthz (200 while the process answers at all), /readyz (200 when events can be taken in and shown, else 503
/// with the reason) and /metrics. None of them asks for a key: they tell no content.
void add_health_routes(Router& router, const HealthContext& context);

}  // namespace trapline::collector
