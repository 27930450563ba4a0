#include "collector/storage/sql/sql_store.h"

#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "collector/storage/sql/account_table.h"
#include "collector/storage/sql/cursor.h"
#include "collector/storage/sql/deleted_projects.h"
#include "collector/storage/sql/digest_tables.h"
#include "collector/storage/sql/encryption_keys.h"
#include "collector/storage/sql/event_codec.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/event_queries.h"
#include "collector/storage/sql/ingest_tables.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/issue_queries.h"
#include "collector/storage/sql/item_tables.h"
#include "collector/storage/sql/ledger_queries.h"
#include "collector/storage/sql/migrations.h"
#include "collector/storage/sql/project_table.h"
#include "collector/storage/sql/release_health.h"
#include "collector/storage/sql/search_queries.h"
#include "collector/storage/sql/sql_store_door.h"

namespace trapline::collector::sql {
namespace {

/// Readers kept open for the next question; more than this many at once open a connection of their own and close it.
constexpr std::size_t kMostIdleReaders = 8;
constexpr std::chrono::seconds kLongestSearch{5};

/// Storing events: what fails neither for the database's sake nor for want of memory fails for theirs, and would again.
template <class Work>
auto blaming_events(Work work) -> std::invoke_result_t<Work> {
  try {
    return work();
  } catch (const DatabaseError&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw Refusal("unstorable", error.what());
  }
}

}  // namespace

Error error_of_current_exception() {
  try {
    throw;
  } catch (const DatabaseError& error) {
    if (error.cause() == DatabaseError::Cause::kDeadline) {
      return {"search_timeout",
              "the search took longer than 5 seconds and was ended: narrow it, by a project, a time, or fewer stars"};
    }
    const bool is_row = error.cause() == DatabaseError::Cause::kRow;
    return {is_row ? "unstorable" : "storage", std::string("the database failed: ") + error.what()};
  } catch (const Refusal& error) {
    return {error.code(), error.what()};
  } catch (const InvalidCursor& error) {
    return {"invalid_cursor", error.what()};
  } catch (const SchemaTooNew& error) {
    return {"schema_too_new", error.what()};
  } catch (const std::exception& error) {
    return {"storage", std::string("the database failed: ") + error.what()};
  }
}

SqlStore::SqlStore(StoreParts parts)
    : clock_(parts.clock),
      files_(std::move(parts.files)),
      sealer_(std::move(parts.sealer)),
      contents_(files_.get(), sealer_) {}

void SqlStore::start() {
  Connection& connection = writer();
  if (connection.prepare("SELECT 1 FROM move_progress").step()) {
    throw Refusal("unfinished_move",
                  "the database is the target of a move that has not ended: run trapline-collector migrate-store again "
                  "to go on, or empty it");
  }
  require_keys(connection, sealer_);
  Statement newest = connection.prepare("SELECT bytes, id FROM payload_dictionary ORDER BY created_at DESC LIMIT 1");
  if (newest.step()) {
    std::string opened;
    const std::string_view bytes = sealer_.open(newest.text(0), dictionary_place(newest.integer(1)), opened);
    dictionaries_.add(std::make_shared<const PayloadDictionary>(bytes), true);
  }
  trainer_ = std::make_unique<DictionaryTrainer>(dictionaries_.current() != nullptr);
}

void SqlStore::drop_writer() {
  event_writer_.reset();
  writer_.reset();
}

Status SqlStore::reconnect_writer() {
  return as_result([&] {
    const std::lock_guard lock(writer_mutex_);
    drop_writer();
    writer();
  });
}

Connection& SqlStore::writer() {
  if (writer_ != nullptr && !writer_->is_lost()) return *writer_;
  drop_writer();
  std::unique_ptr<Connection> connection = connect_writer();
  event_writer_ = std::make_unique<EventWriter>(*connection);
  writer_ = std::move(connection);
  return *writer_;
}

std::unique_ptr<Connection> SqlStore::take_reader() {
  {
    const std::lock_guard lock(readers_mutex_);
    while (!idle_readers_.empty()) {
      std::unique_ptr<Connection> reader = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      if (!reader->is_lost()) return reader;
    }
  }
  return connect_reader();
}

void SqlStore::return_reader(std::unique_ptr<Connection> reader) {
  // Each form of search is a statement of its own, and there is no end of those.
  constexpr std::size_t kMostStatements = 300;
  if (reader->statements() > kMostStatements) return;
  const std::lock_guard lock(readers_mutex_);
  if (idle_readers_.size() < kMostIdleReaders) idle_readers_.push_back(std::move(reader));
}

Status SqlStore::check() {
  const auto counted = count_users();
  return counted ? Status{} : Status{counted.error()};
}

std::string SqlStore::sealed(const DigestedEvent& event) const {
  std::string packed = pack_event(event, dictionaries_.current().get());
  if (!sealer_.is_on()) return packed;
  return sealer_.seal(std::move(packed), event_place(event.project_id, event_id_bytes(event.event_id)));
}

Status SqlStore::pack(DigestedEvent& event) {
  return as_result([&] { event.packed = sealed(event); });
}

std::vector<const std::string*> SqlStore::pack_rest(std::span<const DigestedEvent> batch,
                                                    std::vector<std::string>& here) const {
  here.resize(batch.size());
  std::vector<const std::string*> packed(batch.size());
  for (std::size_t index = 0; index < batch.size(); ++index) {
    const DigestedEvent& event = batch[index];
    packed[index] = &event.packed;
    if (!event.packed.empty()) continue;
    here[index] = sealed(event);
    packed[index] = &here[index];
  }
  return packed;
}

Result<AppendOutcome> SqlStore::append(std::span<const DigestedEvent> batch, const KeepRule& keeps) {
  // Compressing is the largest part of the work and needs no lock.
  std::vector<std::string> packed_here;
  const auto packed = as_result([&] { return blaming_events([&] { return pack_rest(batch, packed_here); }); });
  if (!packed) return packed.error();
  return write([&](Connection& connection) {
    return blaming_events([&] { return append_packed(connection, batch, *packed, keeps); });
  });
}

AppendOutcome SqlStore::append_packed(Connection& connection, std::span<const DigestedEvent> batch,
                                      std::span<const std::string* const> packed, const KeepRule& keeps) {
  AppendOutcome outcome;
  try {
    Transaction transaction(connection);
    const UnixMillis now = clock_.unix_millis();
    outcome = event_writer_->append(batch, packed, {keeps, budget_}, node_, now);
    note_key(connection, sealer_, now);
    transaction.commit();
    budget_.noted_ids(static_cast<std::int64_t>(outcome.counted_only), now);
  } catch (...) {
    event_writer_->forget();  // it may remember what was rolled back
    budget_.settle();
    throw;
  }
  budget_.settle();
  tell(connection, {outcome, {}, {}, false});
  try {
    adopt_dictionary(connection, trainer_->look_at(batch, packed));
  } catch (const std::exception&) {
    // The batch is stored, and is not to come again. Its successors are larger until the next try.
    trainer_->start_again();
  }
  return outcome;
}

/// From now on events are packed with this dictionary. Storing comes first: an event must never need one that is lost.
void SqlStore::adopt_dictionary(Connection& connection, const std::string& bytes) {
  if (bytes.empty()) return;
  auto dictionary = std::make_shared<const PayloadDictionary>(bytes);
  Transaction transaction(connection);
  note_key(connection, sealer_, clock_.unix_millis());
  Statement insert = connection.prepare(
      "INSERT INTO payload_dictionary (id, created_at, bytes) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  insert.bind(dictionary->id(), clock_.unix_millis());
  const std::string sealed = sealer_.seal(bytes, dictionary_place(dictionary->id()));
  insert.bind_blob(sealed);
  insert.run();
  const bool is_new = connection.changes() > 0;  // the same id with other bytes: one in four billion
  transaction.commit();
  if (is_new) dictionaries_.add(std::move(dictionary), true);
}

Result<bool> SqlStore::has_event(ProjectId project, std::string_view event_id) {
  return read([&](Connection& connection) { return sql::has_event(connection, project, event_id); });
}

Result<Page<Issue>> SqlStore::find_issues(const IssueQuery& query) {
  return read([&](Connection& connection) {
    const Deadline deadline(connection, kLongestSearch);
    return sql::find_issues(connection, query, clock_.unix_millis());
  });
}

Result<std::optional<Issue>> SqlStore::find_issue(IssueId id) {
  return read([&](Connection& connection) { return sql::find_issue(connection, id, clock_.unix_millis()); });
}

Result<std::vector<std::string>> SqlStore::complete_search(const CompletionQuery& query) {
  return read([&](Connection& connection) {
    const Deadline deadline(connection, kLongestSearch);
    return sql::complete_search(connection, query);
  });
}

Result<std::vector<IssueTag>> SqlStore::list_issue_tags(IssueId id) {
  return read([&](Connection& connection) {
    const Deadline deadline(connection, kLongestSearch);
    return sql::list_issue_tags(connection, id);
  });
}

Result<std::vector<HourCount>> SqlStore::count_by_hour(IssueId id, UnixMillis from, UnixMillis to) {
  return read([&](Connection& connection) { return sql::count_by_hour(connection, id, from, to); });
}

Result<Page<StoredEvent>> SqlStore::find_events(const EventQuery& query) {
  return read([&](Connection& connection) { return sql::find_events(connection, dictionaries_, query); });
}

Result<std::optional<StoredEvent>> SqlStore::find_event(ProjectId project, std::string_view event_id) {
  return read([&](Connection& connection) { return sql::find_event(connection, dictionaries_, project, event_id); });
}

Result<std::int64_t> SqlStore::count_issues() {
  return read([](Connection& connection) { return sql::count_issues(connection); });
}

void SqlStore::tell(Connection& connection, const OthersNews& news) {
  try {
    tell_others(connection, news);
  } catch (const DatabaseError&) {  // NOLINT(bugprone-empty-catch): see above
  }
}

Status SqlStore::notify(const OthersNews& news) {
  return write([&](Connection& connection) { tell_others(connection, news); });
}

Issue SqlStore::changed_issue(Connection& connection, IssueId id) {
  Issue issue = *sql::find_issue(connection, id, clock_.unix_millis());
  OthersNews news;
  news.outcome.counted_on.push_back({id, issue.project_id});
  tell(connection, news);
  return issue;
}

Result<Issue> SqlStore::set_issue_state(IssueId id, const IssueState& state, std::string_view actor) {
  return write([&](Connection& connection) {
    sql::set_issue_state(connection, id, state, actor);
    return changed_issue(connection, id);
  });
}

Result<Issue> SqlStore::assign_issue(IssueId id, std::string_view assignee, std::string_view actor) {
  return write([&](Connection& connection) {
    sql::assign_issue(connection, id, assignee, actor, clock_.unix_millis());
    return changed_issue(connection, id);
  });
}

Result<Issue> SqlStore::merge_issues(IssueId into, std::span<const IssueId> others, std::string_view actor) {
  return write([&](Connection& connection) {
    sql::merge_issues(connection, into, others, actor, clock_.unix_millis());
    return changed_issue(connection, into);
  });
}

Result<Issue> SqlStore::unmerge_hashes(IssueId from, std::span<const std::int64_t> hashes, std::string_view actor) {
  return write([&](Connection& connection) {
    const IssueId made = sql::unmerge_hashes(connection, dictionaries_, from, hashes, actor, clock_.unix_millis());
    changed_issue(connection, from);
    return changed_issue(connection, made);
  });
}

Result<std::vector<IssueHash>> SqlStore::list_hashes(IssueId id) {
  return read([&](Connection& connection) { return sql::list_hashes(connection, id); });
}

Result<std::vector<HistoryEntry>> SqlStore::list_history(IssueId id) {
  return read([&](Connection& connection) { return sql::list_history(connection, id); });
}

Result<std::vector<IssueChange>> SqlStore::end_due_ignores(UnixMillis now) {
  // Asked every second: only what is due takes the writer's lock.
  const auto is_due = read([&](Connection& connection) {
    Statement due = connection.prepare("SELECT 1 FROM issue WHERE ignored_until <= ? LIMIT 1");
    due.bind(now);
    return due.step();
  });
  if (!is_due) return is_due.error();
  if (!*is_due) return std::vector<IssueChange>{};
  return write([&](Connection& connection) {
    OthersNews news;
    news.outcome.changes = sql::end_due_ignores(connection, now);
    tell(connection, news);
    return news.outcome.changes;
  });
}

Status SqlStore::quarantine(const QuarantinedEvent& event) {
  return write(
      [&](Connection& connection) { sql::quarantine(connection, sealer_, event, node_, clock_.unix_millis()); });
}

Result<std::vector<QuarantinedEvent>> SqlStore::list_quarantine(ProjectId project) {
  return read([&](Connection& connection) { return sql::list_quarantine(connection, sealer_, project); });
}

Result<LedgerPage> SqlStore::find_ledger(const LedgerQuery& query) {
  return read([&](Connection& connection) { return sql::find_ledger(connection, query); });
}

Result<std::vector<LedgerEntry>> SqlStore::sum_ledger(ProjectId project, UnixMillis from, UnixMillis to) {
  return read([&](Connection& connection) { return sql::sum_ledger(connection, project, from, to); });
}

Result<std::string> SqlStore::digest_settings(ProjectId project) {
  return read([&](Connection& connection) { return sql::digest_settings(connection, project); });
}

Status SqlStore::set_digest_settings(ProjectId project, std::string_view settings) {
  return write([&](Connection& connection) { sql::set_digest_settings(connection, project, settings); });
}

Result<std::string> SqlStore::change_digest_settings(ProjectId project, const SettingsChange& change) {
  return write([&](Connection& connection) { return sql::change_digest_settings(connection, project, change); });
}

Result<std::string> SqlStore::newest_release(ProjectId project) {
  return read([&](Connection& connection) { return sql::newest_release(connection, project); });
}

Result<Project> SqlStore::create_project(std::string_view name, std::string_view public_key) {
  auto project = write(
      [&](Connection& connection) { return sql::create_project(connection, name, public_key, clock_.unix_millis()); });
  if (!project) return project.error();
  if (!*project) return Error{"conflict", "there is a project named '" + std::string(name) + "' already"};
  return std::move(**project);
}

Result<std::vector<Project>> SqlStore::list_projects() {
  return read([](Connection& connection) { return sql::list_projects(connection); });
}

Result<std::optional<Project>> SqlStore::find_project(ProjectId id) {
  return read([&](Connection& connection) { return sql::find_project(connection, id); });
}

Result<std::optional<Project>> SqlStore::find_project_by_key(std::string_view public_key) {
  return read([&](Connection& connection) { return sql::find_project_by_key(connection, public_key); });
}

Status SqlStore::change_project(ProjectId id, const ProjectEdit& edit) {
  return write([&](Connection& connection) { sql::change_project(connection, id, edit); });
}

Status SqlStore::delete_project(ProjectId id) {
  const auto is_found = write([&](Connection& connection) {
    const bool is_deleted = sql::delete_project(connection, id, clock_.unix_millis());
    if (is_deleted) tell(connection, {{}, {id}, {}, false});
    return is_deleted;
  });
  if (!is_found) return is_found.error();
  if (!*is_found) return Error{"not_found", "there is no project " + std::to_string(id)};
  return {};
}

Result<IngestDirectory> SqlStore::load_ingest_directory() {
  return read([](Connection& connection) { return sql::load_ingest_directory(connection); });
}

Result<IngestSettings> SqlStore::find_ingest_settings(ProjectId project) {
  const auto found = read([&](Connection& connection) { return sql::find_ingest_settings(connection, project); });
  if (!found) return found.error();
  if (!*found) return Error{"not_found", "there is no project " + std::to_string(project)};
  return **found;
}

Result<ProjectKey> SqlStore::create_key(const ProjectKey& key) {
  ProjectKey made = key;
  made.created_at = clock_.unix_millis();
  const auto outcome = write([&](Connection& connection) { return sql::create_key(connection, made); });
  if (!outcome) return outcome.error();
  if (*outcome == NewKeyOutcome::kNoProject) {
    return Error{"not_found", "there is no project " + std::to_string(key.project_id)};
  }
  if (*outcome == NewKeyOutcome::kExists) return Error{"conflict", "this key exists already"};
  return made;
}

Result<std::vector<ProjectKey>> SqlStore::list_keys(ProjectId project) {
  return read([&](Connection& connection) { return sql::list_keys(connection, project); });
}

Result<ProjectKey> SqlStore::change_key(std::string_view public_key, const KeyChange& change) {
  auto key = write([&](Connection& connection) { return sql::change_key(connection, public_key, change); });
  if (!key) return key.error();
  if (!*key) return Error{"not_found", "no project has the key " + std::string(public_key)};
  return std::move(**key);
}

Status SqlStore::delete_key(std::string_view public_key) {
  const auto is_found = write([&](Connection& connection) { return sql::delete_key(connection, public_key); });
  if (!is_found) return is_found.error();
  if (!*is_found) return Error{"not_found", "no project has the key " + std::string(public_key)};
  return {};
}

Status SqlStore::add_refusals(std::span<const RefusalCount> counts) {
  return write([&](Connection& connection) { sql::add_refusals(connection, counts); });
}

Result<std::vector<RefusalCount>> SqlStore::find_refusals(ProjectId project, UnixMillis from, UnixMillis to) {
  return read([&](Connection& connection) { return sql::find_refusals(connection, project, from, to); });
}

Status SqlStore::append_items(std::span<const StoredItem> items) {
  // A file may be removed between its being placed and its being named: then it is placed once more.
  constexpr int kMostTries = 5;
  Status status;
  for (int tries = 0; tries < kMostTries; ++tries) {
    const auto files = as_result([&] { return sql::place_files(items, contents_); });
    if (!files) return files.error();
    status = write(
        [&](Connection& connection) { sql::append_items(connection, items, *files, contents_, clock_.unix_millis()); });
    if (status || status.error().code != "file_gone") break;
  }
  return status;
}

/// Files may get other addresses between a row's being read and its file's: then the row is read once more.
template <class Work>
auto SqlStore::read_with_files(Work work) {
  auto answer = read(work);
  if (!answer && answer.error().code == "file_missing") answer = read(work);
  if (!answer && answer.error().code == "file_missing") answer = Error{"storage", answer.error().message};
  return answer;
}

Result<Page<StoredItem>> SqlStore::find_items(const ItemQuery& query) {
  return read_with_files([&](Connection& connection) { return sql::find_items(connection, query, contents_); });
}

Result<std::vector<StoredItem>> SqlStore::find_attachments(ProjectId project, std::string_view event_id,
                                                           bool with_bytes) {
  return read_with_files([&](Connection& connection) {
    return sql::find_attachments(connection, project, event_id, with_bytes, contents_);
  });
}

Result<std::optional<StoredItem>> SqlStore::find_attachment(ProjectId project, std::string_view item_id) {
  return read_with_files(
      [&](Connection& connection) { return sql::find_attachment(connection, project, item_id, contents_); });
}

Result<std::vector<ReleaseHealth>> SqlStore::list_release_health(const ReleaseHealthQuery& query) {
  return read([&](Connection& connection) { return sql::list_release_health(connection, query); });
}

Result<std::vector<ReleaseHour>> SqlStore::list_release_hours(const ReleaseHealthQuery& query,
                                                              std::string_view release) {
  return read([&](Connection& connection) { return sql::list_release_hours(connection, query, release); });
}

Result<User> SqlStore::create_user(std::string_view email, Role role, std::string_view password_hash) {
  auto user = write([&](Connection& connection) {
    return sql::create_user(connection, email, role, password_hash, clock_.unix_millis());
  });
  if (!user) return user.error();
  if (!*user) return Error{"conflict", "there is a user with the address " + std::string(email) + " already"};
  return std::move(**user);
}

Result<std::optional<AccountStore::Credentials>> SqlStore::find_credentials(std::string_view email) {
  return read([&](Connection& connection) { return sql::find_credentials(connection, email); });
}

Result<std::int64_t> SqlStore::count_users() {
  return read([](Connection& connection) { return sql::count_users(connection); });
}

Status SqlStore::create_session(std::string_view session_hash, UserId user, UnixMillis expires_at) {
  return write([&](Connection& connection) { sql::create_session(connection, session_hash, user, expires_at); });
}

Result<std::optional<User>> SqlStore::find_session_user(std::string_view session_hash, UnixMillis now) {
  return read([&](Connection& connection) { return sql::find_session_user(connection, session_hash, now); });
}

Status SqlStore::delete_session(std::string_view session_hash) {
  return write([&](Connection& connection) { sql::delete_session(connection, session_hash); });
}

Status SqlStore::create_welcome_link(std::string_view link_hash, UnixMillis expires_at) {
  return write([&](Connection& connection) { sql::create_welcome_link(connection, link_hash, expires_at); });
}

Result<User> SqlStore::create_owner_by_welcome_link(std::string_view link_hash, UnixMillis now, std::string_view email,
                                                    std::string_view password_hash) {
  auto outcome = write([&](Connection& connection) {
    return sql::create_owner_by_welcome_link(connection, link_hash, now, email, password_hash);
  });
  if (!outcome) return outcome.error();
  if (outcome->owner) return std::move(*outcome->owner);
  if (outcome->failure == WelcomeFailure::kEmailTaken) {
    return Error{"conflict", "there is a user with the address " + std::string(email) + " already"};
  }
  return Error{"not_found",
               "this link has been used, has expired or never was: a restart of the collector prints a new one "
               "as long as there is no user"};
}

Status SqlStore::create_token(std::string_view token_hash, std::string_view name, TokenScope scope) {
  return write(
      [&](Connection& connection) { sql::create_token(connection, token_hash, name, scope, clock_.unix_millis()); });
}

Result<std::optional<ApiToken>> SqlStore::find_token(std::string_view token_hash) {
  return read([&](Connection& connection) { return sql::find_token(connection, token_hash); });
}

}  // namespace trapline::collector::sql
