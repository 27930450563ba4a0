#include "collector/storage/sql/user_walk.h"

#include <exception>
#include <utility>

#include "collector/storage/sql/item_tables.h"

namespace trapline::collector::sql {
namespace {

/// Of those without attachments.
constexpr int kEventsHandedOut = 20;

/// One that is missing must not keep the rest from the user: then names alone are told.
std::vector<StoredItem> files_of(Connection& reader, ProjectId project, std::string_view event_id,
                                 const AttachmentContents& contents) {
  try {
    return find_attachments(reader, project, event_id, true, contents);
  } catch (const DatabaseError&) {
    throw;
  } catch (const std::exception&) {
    return find_attachments(reader, project, event_id, false, contents);
  }
}

}  // namespace

UserPage UserRecords::look(Connection& reader) {
  UserPage page;
  if (events_.empty() && !is_at_end_) {
    UserFindings found;
    is_at_end_ = !search_.look(reader, found);
    for (FoundEvent& one : found.events) events_.push_back(std::move(one.stored));
    for (FoundQuarantined& one : found.quarantined) {
      add_belongings(reader, one.event.project_id, one.event.event_id, page);
      page.records.emplace_back(std::move(one.event));
    }
    for (StoredItem& item : found.items) {
      if (!told_items_.contains(item.item_id)) page.records.emplace_back(std::move(item));
    }
    for (FoundName& one : found.names) page.records.emplace_back(std::move(one.name));
  }
  for (int handed_out = 0; handed_out < kEventsHandedOut && !events_.empty(); ++handed_out) {
    const std::size_t before = page.records.size();
    add_event(reader, std::move(events_.front()), page);
    events_.pop_front();
    // The files of one event are many megabytes already.
    if (page.records.size() > before + 1) break;
  }
  page.percent = search_.percent();
  page.is_last = is_at_end_ && events_.empty();
  return page;
}

void UserRecords::add_event(Connection& reader, StoredEvent event, UserPage& page) {
  const ProjectId project = event.event.project_id;
  const std::string event_id = event.event.event_id;
  page.records.emplace_back(std::move(event));
  add_belongings(reader, project, event_id, page);
}

/// What goes with an event.
void UserRecords::add_belongings(Connection& reader, ProjectId project, std::string_view event_id, UserPage& page) {
  for (StoredItem& file : files_of(reader, project, event_id, parts_.contents)) {
    page.records.emplace_back(std::move(file));
  }
  for (StoredItem& report : find_reports(reader, project, event_id, parts_.contents)) {
    told_items_.insert(report.item_id);
    page.records.emplace_back(std::move(report));
  }
}

}  // namespace trapline::collector::sql
