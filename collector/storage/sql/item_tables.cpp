#include "collector/storage/sql/item_tables.h"

#include <charconv>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "collector/storage/sql/client_runs.h"
#include "collector/storage/sql/cursor.h"
#include "collector/storage/sql/deleted_projects.h"
#include "collector/storage/sql/encryption_keys.h"
#include "collector/storage/sql/release_health.h"

namespace trapline::collector::sql {
namespace {

using Text = std::string_view;

/// What an attachment needs beside its own fields.
struct File {
  const AttachmentContents& contents;
  const PlacedContent& placed;
};

void insert(Connection& connection, const StoredItem& item, const Attachment& attachment, const File& file) {
  {
    Statement known = connection.prepare("SELECT 1 FROM attachment WHERE item_id = ?");
    known.bind(Text(item.item_id));
    if (known.step()) return;
  }
  std::optional<std::int64_t> file_id;
  if (!file.placed.address.empty()) file_id = file.contents.file_id(connection, file.placed);
  Statement statement = connection.prepare(
      "INSERT INTO attachment (item_id, project_id, event_id, received_at, filename, content_type, "
      "attachment_type, bytes, file_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  statement.bind(Text(item.item_id), item.project_id, Text(attachment.event_id), item.received_at,
                 Text(attachment.filename), Text(attachment.content_type), Text(attachment.attachment_type));
  statement.bind_blob(file.placed.in_row);
  statement.bind(file_id);
  statement.run();
}

/// Takes a session, as it is known so far, from its release's health (-1), or adds it (1). `row` has its status,
/// errors, start, release, environment and user.
void tally(Connection& connection, const StoredItem& item, const Statement& row, int sign) {
  const auto status = static_cast<SessionStatus>(row.integer(0));
  const SessionPlace place{item.project_id, row.integer(2), row.text(3), row.text(4)};
  count_sessions(connection, place, tally_of(status, row.integer(1)), sign);
  if (sign > 0) count_user(connection, place, row.text(5), status == SessionStatus::kCrashed);
}

void untally(Connection& connection, const StoredItem& item, const SessionUpdate& session) {
  Statement row = connection.prepare(
      "SELECT status, errors, started, \"release\", environment, \"user\" FROM session WHERE project_id = ? AND sid = "
      "?");
  row.bind(item.project_id, Text(session.sid));
  if (row.step()) tally(connection, item, row, -1);
}

// An update that is older than what is known changes nothing but the count of errors; of two as old as each other, the
// one that ends the session wins.
void insert(Connection& connection, const StoredItem& item, const SessionUpdate& session, const File& /*file*/) {
  untally(connection, item, session);
  Statement row = connection.prepare(
      "INSERT INTO session (project_id, sid, item_id, received_at, \"user\", status, errors, sequence, started, "
      "duration_ms, \"release\", environment) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (project_id, sid) DO UPDATE SET "
      "errors = max(session.errors, excluded.errors), "
      "status = CASE WHEN excluded.sequence > session.sequence "
      "                OR (excluded.sequence = session.sequence AND session.status = 0) "
      "         THEN excluded.status ELSE session.status END, "
      "duration_ms = max(session.duration_ms, excluded.duration_ms), "
      "\"user\" = CASE WHEN session.\"user\" = '' THEN excluded.\"user\" ELSE session.\"user\" END, "
      "started = min(session.started, excluded.started), "
      "received_at = max(session.received_at, excluded.received_at), "
      "sequence = max(session.sequence, excluded.sequence) "
      "RETURNING status, errors, started, \"release\", environment, \"user\"");
  row.bind(item.project_id, Text(session.sid), Text(item.item_id), item.received_at, Text(session.user),
           static_cast<int>(session.status), session.errors, session.sequence, session.started, session.duration_ms,
           Text(session.release), Text(session.environment));
  if (row.step()) tally(connection, item, row, 1);
}

void insert(Connection& connection, const StoredItem& item, const SessionCounts& counts, const File& /*file*/) {
  connection
      .prepare(
          "INSERT INTO session_count (item_id, project_id, received_at, started, \"user\", exited, errored, "
          "crashed, abnormal, \"release\", environment) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO "
          "NOTHING")
      .bind(Text(item.item_id), item.project_id, item.received_at, counts.started, Text(counts.user), counts.exited,
            counts.errored, counts.crashed, counts.abnormal, Text(counts.release), Text(counts.environment))
      .run();
  if (connection.changes() == 0) return;  // it is there already
  const SessionPlace place{item.project_id, counts.started, counts.release, counts.environment};
  count_sessions(connection, place,
                 {counts.exited + counts.errored + counts.crashed + counts.abnormal, counts.errored, counts.crashed,
                  counts.abnormal});
  count_user(connection, place, counts.user, counts.crashed > 0);
}

void insert(Connection& connection, const StoredItem& item, const UserReport& report, const File& /*file*/) {
  connection
      .prepare(
          "INSERT INTO user_report (item_id, project_id, received_at, report_id, event_id, name, email, "
          "message, url) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
      .bind(Text(item.item_id), item.project_id, item.received_at, Text(report.report_id), Text(report.event_id),
            Text(report.name), Text(report.email), Text(report.message), Text(report.url))
      .run();
}

void insert(Connection& connection, const StoredItem& item, const ClientLoss& loss, const File& /*file*/) {
  connection
      .prepare(
          "INSERT INTO client_loss (item_id, project_id, received_at, timestamp, reason, category, quantity) "
          "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
      .bind(Text(item.item_id), item.project_id, item.received_at, loss.timestamp, Text(loss.reason),
            Text(loss.category), loss.quantity)
      .run();
}

// The closing check-in may overtake the opening one, which then changes nothing.
void insert(Connection& connection, const StoredItem& item, const CheckIn& check_in, const File& /*file*/) {
  connection
      .prepare(
          "INSERT INTO check_in (project_id, check_in_id, item_id, received_at, monitor, status, duration_ms, "
          "\"release\", environment, monitor_config) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
          "ON CONFLICT (project_id, check_in_id) DO UPDATE SET status = excluded.status, "
          "received_at = excluded.received_at, duration_ms = max(check_in.duration_ms, excluded.duration_ms), "
          "monitor_config = CASE WHEN excluded.monitor_config = '' THEN check_in.monitor_config "
          "                 ELSE excluded.monitor_config END "
          "WHERE check_in.status = 0")
      .bind(item.project_id, Text(check_in.check_in_id), Text(item.item_id), item.received_at, Text(check_in.monitor),
            static_cast<int>(check_in.status), check_in.duration_ms, Text(check_in.release), Text(check_in.environment),
            Text(check_in.monitor_config))
      .run();
}

void insert(Connection& connection, const StoredItem& item, const collector::Transaction& summary,
            const File& /*file*/) {
  connection
      .prepare(
          "INSERT INTO transaction_summary (item_id, project_id, received_at, event_id, name, operation, "
          "status, trace_id, started, duration_ms, \"release\", environment) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
      .bind(Text(item.item_id), item.project_id, item.received_at, Text(summary.event_id), Text(summary.name),
            Text(summary.operation), Text(summary.status), Text(summary.trace_id), summary.started, summary.duration_ms,
            Text(summary.release), Text(summary.environment))
      .run();
}

void insert(Connection& connection, const StoredItem& item, const RunCounters& counters, const File& /*file*/) {
  add_run_counters(connection, item.project_id, item.received_at, counters);
}

/// Reads a row's columns one after the other.
class Row {
 public:
  Row(const Statement& row, const AttachmentContents& contents) : row_(row), contents_(contents) {}
  std::int64_t number() { return row_.integer(next_++); }
  std::string text() { return std::string(row_.text(next_++)); }
  /// Of two columns: what is in the row, and the address of what is not.
  std::string content_of(const StoredItem& item) {
    const int in_row = next_++;
    const std::string address = text();
    return contents_.read(item.project_id, item.item_id, row_.text(in_row), address);
  }

 private:
  const Statement& row_;
  const AttachmentContents& contents_;
  int next_ = 0;
};

constexpr Text kAttachmentColumns =
    "SELECT item_id, received_at, event_id, filename, content_type, attachment_type, bytes, "
    "coalesce((SELECT address FROM stored_file WHERE stored_file.id = file_id), '') FROM attachment ";
constexpr Text kAttachmentColumnsWithoutBytes =
    "SELECT item_id, received_at, event_id, filename, content_type, attachment_type FROM attachment ";

/// How items of a kind are read: the question, and what makes one of a row.
struct Reading {
  Text select;
  void (*read)(Row& row, StoredItem& item);
};

Attachment attachment_of(Row& row) {
  Attachment file;
  file.event_id = row.text();
  file.filename = row.text();
  file.content_type = row.text();
  file.attachment_type = row.text();
  return file;
}

void read_attachment(Row& row, StoredItem& item) {
  Attachment file = attachment_of(row);
  file.bytes = row.content_of(item);
  item.content = std::move(file);
}

void read_attachment_without_bytes(Row& row, StoredItem& item) { item.content = attachment_of(row); }

void read_session(Row& row, StoredItem& item) {
  SessionUpdate session;
  session.sid = row.text();
  session.user = row.text();
  session.status = static_cast<SessionStatus>(row.number());
  session.errors = row.number();
  session.sequence = row.number();
  session.started = row.number();
  session.duration_ms = row.number();
  session.release = row.text();
  session.environment = row.text();
  item.content = std::move(session);
}

void read_session_counts(Row& row, StoredItem& item) {
  SessionCounts counts;
  counts.started = row.number();
  counts.user = row.text();
  counts.exited = row.number();
  counts.errored = row.number();
  counts.crashed = row.number();
  counts.abnormal = row.number();
  counts.release = row.text();
  counts.environment = row.text();
  item.content = std::move(counts);
}

void read_user_report(Row& row, StoredItem& item) {
  UserReport report;
  report.report_id = row.text();
  report.event_id = row.text();
  report.name = row.text();
  report.email = row.text();
  report.message = row.text();
  report.url = row.text();
  item.content = std::move(report);
}

void read_loss(Row& row, StoredItem& item) {
  ClientLoss loss;
  loss.timestamp = row.number();
  loss.reason = row.text();
  loss.category = row.text();
  loss.quantity = row.number();
  item.content = std::move(loss);
}

void read_check_in(Row& row, StoredItem& item) {
  CheckIn check_in;
  check_in.check_in_id = row.text();
  check_in.monitor = row.text();
  check_in.status = static_cast<CheckInStatus>(row.number());
  check_in.duration_ms = row.number();
  check_in.release = row.text();
  check_in.environment = row.text();
  check_in.monitor_config = row.text();
  item.content = std::move(check_in);
}

void read_summary(Row& row, StoredItem& item) {
  collector::Transaction summary;
  summary.event_id = row.text();
  summary.name = row.text();
  summary.operation = row.text();
  summary.status = row.text();
  summary.trace_id = row.text();
  summary.started = row.number();
  summary.duration_ms = row.number();
  summary.release = row.text();
  summary.environment = row.text();
  item.content = std::move(summary);
}

Reading reading_of(ItemKind kind) {
  switch (kind) {
    case ItemKind::kSession:
      return {
          "SELECT item_id, received_at, sid, \"user\", status, errors, sequence, started, duration_ms, \"release\", "
          "environment FROM session ",
          read_session};
    case ItemKind::kSessions:
      return {
          "SELECT item_id, received_at, started, \"user\", exited, errored, crashed, abnormal, \"release\", "
          "environment "
          "FROM session_count ",
          read_session_counts};
    case ItemKind::kUserReport:
    case ItemKind::kFeedback:
      return {"SELECT item_id, received_at, report_id, event_id, name, email, message, url FROM user_report ",
              read_user_report};
    case ItemKind::kClientReport:
      return {"SELECT item_id, received_at, timestamp, reason, category, quantity FROM client_loss ", read_loss};
    case ItemKind::kCheckIn:
      return {
          "SELECT item_id, received_at, check_in_id, monitor, status, duration_ms, \"release\", environment, "
          "monitor_config FROM check_in ",
          read_check_in};
    case ItemKind::kTransaction:
      return {
          "SELECT item_id, received_at, event_id, name, operation, status, trace_id, started, duration_ms, "
          "\"release\", environment FROM transaction_summary ",
          read_summary};
    case ItemKind::kRunCounters:  // find_run_counters()
    case ItemKind::kEvent:
    case ItemKind::kAttachment:
      break;
  }
  return {kAttachmentColumns, read_attachment};
}

std::vector<StoredItem> read_all(Statement& rows, ProjectId project, const Reading& reading,
                                 const AttachmentContents& contents) {
  std::vector<StoredItem> items;
  while (rows.step()) {
    Row row(rows, contents);
    StoredItem& item = items.emplace_back();
    item.project_id = project;
    item.item_id = row.text();
    item.received_at = row.number();
    reading.read(row, item);
  }
  return items;
}

/// The time of receipt and the id at which a page ended: "<time>.<id>". Nothing of the empty text.
std::optional<std::pair<UnixMillis, std::string>> read_cursor(Text text) {
  if (text.empty()) return std::nullopt;
  const std::size_t dot = text.find('.');
  if (dot == Text::npos) throw InvalidCursor();
  UnixMillis received_at = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + dot, received_at);
  if (error != std::errc{} || end != text.data() + dot) throw InvalidCursor();
  return std::pair(received_at, std::string(text.substr(dot + 1)));
}

}  // namespace

std::vector<PlacedContent> place_files(std::span<const StoredItem> items, const AttachmentContents& contents) {
  std::vector<PlacedContent> files(items.size());
  for (std::size_t index = 0; index < items.size(); ++index) {
    const auto* attachment = std::get_if<Attachment>(&items[index].content);
    if (attachment != nullptr) files[index] = contents.place(items[index], *attachment);
  }
  return files;
}

void append_items(Connection& connection, std::span<const StoredItem> items, std::span<const PlacedContent> files,
                  const AttachmentContents& contents, UnixMillis now) {
  sql::Transaction transaction(connection);
  std::unordered_map<ProjectId, bool> is_known;
  bool has_attachment = false;
  for (std::size_t index = 0; index < items.size(); ++index) {
    const StoredItem& item = items[index];
    auto known = is_known.find(item.project_id);
    if (known == is_known.end()) {
      const bool exists = connection.prepare("SELECT 1 FROM live_project WHERE id = ?").bind(item.project_id).step();
      known = is_known.emplace(item.project_id, exists).first;
    }
    if (!known->second) continue;
    has_attachment = has_attachment || std::holds_alternative<Attachment>(item.content);
    const File file{contents, files[index]};
    std::visit([&](const auto& content) { insert(connection, item, content, file); }, item.content);
  }
  if (has_attachment) note_key(connection, contents.sealer(), now);
  transaction.commit();
}

Page<StoredItem> find_items(Connection& connection, const ItemQuery& query, const AttachmentContents& contents) {
  if (query.kind == ItemKind::kRunCounters) return {find_run_counters(connection, query.project_id, query.limit), {}};
  const Reading reading = reading_of(query.kind);
  const auto last = read_cursor(query.cursor);
  std::string sql = std::string(reading.select) + "WHERE project_id = ?1";
  if (last) sql += " AND (received_at, item_id) < (?3, ?4)";
  Statement rows = connection.prepare(sql + " ORDER BY received_at DESC, item_id DESC LIMIT ?2");
  rows.bind(query.project_id, query.limit + 1);  // one more than asked for tells whether there is a next page
  if (last) rows.bind(last->first, Text(last->second));
  Page<StoredItem> page{read_all(rows, query.project_id, reading, contents), {}};
  if (page.items.size() > query.limit) {
    page.items.pop_back();
    const StoredItem& end = page.items.back();
    page.next_cursor = std::to_string(end.received_at) + "." + end.item_id;
  }
  return page;
}

std::vector<StoredItem> find_attachments(Connection& connection, ProjectId project, std::string_view event_id,
                                         bool with_bytes, const AttachmentContents& contents) {
  const Reading reading = with_bytes ? Reading{kAttachmentColumns, read_attachment}
                                     : Reading{kAttachmentColumnsWithoutBytes, read_attachment_without_bytes};
  Statement rows = connection.prepare(std::string(reading.select) + "WHERE project_id = ? AND event_id = ? AND " +
                                      std::string(kOfLiveProject) + " ORDER BY id");
  rows.bind(project, event_id);
  return read_all(rows, project, reading, contents);
}

std::vector<StoredItem> find_reports(Connection& connection, ProjectId project, std::string_view event_id,
                                     const AttachmentContents& contents) {
  const Reading reading = reading_of(ItemKind::kFeedback);
  Statement rows = connection.prepare(std::string(reading.select) + "WHERE project_id = ? AND event_id = ?");
  rows.bind(project, event_id);
  return read_all(rows, project, reading, contents);
}

std::optional<StoredItem> find_attachment(Connection& connection, ProjectId project, std::string_view item_id,
                                          const AttachmentContents& contents) {
  Statement rows = connection.prepare(std::string(kAttachmentColumns) + "WHERE project_id = ? AND item_id = ? AND " +
                                      std::string(kOfLiveProject));
  rows.bind(project, item_id);
  auto found = read_all(rows, project, {kAttachmentColumns, read_attachment}, contents);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

}  // namespace trapline::collector::sql
