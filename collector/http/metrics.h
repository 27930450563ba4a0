#pragma once

#include <string>

#include "collector/digest/digester.h"
#include "collector/ingest/intake.h"
#include "collector/ingest/item_writer.h"
#include "collector/ingest/spool.h"
#include "collector/storage/archive/archive_counts.h"
#include "collector/storage/retention_counts.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// Everything counted, in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/).
std::string render_metrics(const Intake& intake, const Spool& spool, const Digester& digester, EventStore& store);
/// The same of items that are no events.
std::string render_item_metrics(const ItemWriter& items);
/// The same of retention.
std::string render_retention_metrics(const RetentionCounts& counts);

/// The same of the cold archive.
std::string render_archive_metrics(const ArchiveCounts& counts);

}  // namespace trapline::collector
