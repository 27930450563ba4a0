#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "collector/storage/files/file_store.h"
#include "collector/storage/sealing.h"
#include "collector/storage/sql/attachment_contents.h"
#include "collector/storage/sql/byte_budget.h"
#include "collector/storage/sql/connection.h"
#include "collector/storage/sql/dictionary_trainer.h"
#include "collector/storage/sql/event_writer.h"
#include "collector/storage/sql/payload_dictionaries.h"
#include "collector/storage/sql/retainer.h"
#include "collector/storage/sql/turn_mutex.h"
#include "collector/storage/store.h"
#include "sdk/core/clock.h"

namespace trapline::collector::sql {

/// What a store works with beside its database.
struct StoreParts {
  const core::Clock& clock;
  std::unique_ptr<FileStore> files;  ///< null: attachments are kept in the database
  Sealer sealer;
};

/// The engine's door: what is thrown inside becomes an Error here.
Error error_of_current_exception();

/// What both engines are: a store in SQL tables. One connection writes, behind a mutex, as there is one writer in the
/// database anyway; readers take a connection each from a pool and are not held up by the writer. Connections whose
/// other end has gone are replaced. An engine says how one connects.
class SqlStore : public Store {
 public:
  Status check() override;
  void end_soon() override {
    if (files_ != nullptr) files_->end_soon();
  }

  Status pack(DigestedEvent& event) override;
  Result<AppendOutcome> append(std::span<const DigestedEvent> batch, const KeepRule& keeps) override;
  Result<bool> has_event(ProjectId project, std::string_view event_id) override;
  Result<Page<Issue>> find_issues(const IssueQuery& query) override;
  Result<std::optional<Issue>> find_issue(IssueId id) override;
  Result<std::vector<std::string>> complete_search(const CompletionQuery& query) override;
  Result<std::vector<IssueTag>> list_issue_tags(IssueId id) override;
  Result<std::vector<HourCount>> count_by_hour(IssueId id, UnixMillis from, UnixMillis to) override;
  Result<Page<StoredEvent>> find_events(const EventQuery& query) override;
  Result<std::optional<StoredEvent>> find_event(ProjectId project, std::string_view event_id) override;
  Result<std::int64_t> count_issues() override;
  Result<Issue> set_issue_state(IssueId id, const IssueState& state, std::string_view actor) override;
  Result<Issue> assign_issue(IssueId id, std::string_view assignee, std::string_view actor) override;
  Result<Issue> merge_issues(IssueId into, std::span<const IssueId> others, std::string_view actor) override;
  Result<Issue> unmerge_hashes(IssueId from, std::span<const std::int64_t> hashes, std::string_view actor) override;
  Result<std::vector<IssueHash>> list_hashes(IssueId id) override;
  Result<std::vector<HistoryEntry>> list_history(IssueId id) override;
  Result<std::vector<IssueChange>> end_due_ignores(UnixMillis now) override;
  Status quarantine(const QuarantinedEvent& event) override;
  Result<std::vector<QuarantinedEvent>> list_quarantine(ProjectId project) override;
  Result<LedgerPage> find_ledger(const LedgerQuery& query) override;
  Result<std::vector<LedgerEntry>> sum_ledger(ProjectId project, UnixMillis from, UnixMillis to) override;
  Result<std::string> digest_settings(ProjectId project) override;
  Status set_digest_settings(ProjectId project, std::string_view settings) override;
  Result<std::string> change_digest_settings(ProjectId project, const SettingsChange& change) override;
  Result<std::string> newest_release(ProjectId project) override;

  Result<Project> create_project(std::string_view name, std::string_view public_key) override;
  Result<std::vector<Project>> list_projects() override;
  Result<std::optional<Project>> find_project(ProjectId id) override;
  Result<std::optional<Project>> find_project_by_key(std::string_view public_key) override;
  Status change_project(ProjectId id, const ProjectEdit& edit) override;
  Status delete_project(ProjectId id) override;
  Result<bool> sweep_deleted_projects() override;
  Result<RetentionStep> retain(const RetentionPolicy& policy) override;

  Result<ArchivePage> find_events_to_archive(const ArchiveQuery& query) override;
  Status begin_archiving(std::int64_t day) override;
  Result<bool> end_archiving(std::int64_t day) override;
  Result<RestoreOutcome> restore_events(std::int64_t day, std::span<const DigestedEvent> events,
                                        UnixMillis kept_until) override;

  Result<IngestDirectory> load_ingest_directory() override;
  Result<IngestSettings> find_ingest_settings(ProjectId project) override;
  Result<ProjectKey> create_key(const ProjectKey& key) override;
  Result<std::vector<ProjectKey>> list_keys(ProjectId project) override;
  Result<ProjectKey> change_key(std::string_view public_key, const KeyChange& change) override;
  Status delete_key(std::string_view public_key) override;
  Status add_refusals(std::span<const RefusalCount> counts) override;
  Result<std::vector<RefusalCount>> find_refusals(ProjectId project, UnixMillis from, UnixMillis to) override;

  Status append_items(std::span<const StoredItem> items) override;
  Result<Page<StoredItem>> find_items(const ItemQuery& query) override;
  Result<std::vector<StoredItem>> find_attachments(ProjectId project, std::string_view event_id,
                                                   bool with_bytes) override;
  Result<std::optional<StoredItem>> find_attachment(ProjectId project, std::string_view item_id) override;
  Result<bool> sweep_files() override;
  Result<std::vector<ReleaseHealth>> list_release_health(const ReleaseHealthQuery& query) override;
  Result<std::vector<ReleaseHour>> list_release_hours(const ReleaseHealthQuery& query,
                                                      std::string_view release) override;

  Result<std::unique_ptr<UserErasure>> begin_erasure(const UserSelector& user, const PayloadReader& reader,
                                                     bool is_dry) override;
  Result<ErasureStep> erase_some(UserErasure& erasure) override;
  Result<std::unique_ptr<UserWalk>> begin_walk(const UserSelector& user, const PayloadReader& reader) override;
  Result<UserPage> walk_on(UserWalk& walk) override;
  Result<std::string> report_seed() override;

  Result<User> create_user(std::string_view email, Role role, std::string_view password_hash) override;
  Result<std::optional<Credentials>> find_credentials(std::string_view email) override;
  Result<std::int64_t> count_users() override;
  Status create_session(std::string_view session_hash, UserId user, UnixMillis expires_at) override;
  Result<std::optional<User>> find_session_user(std::string_view session_hash, UnixMillis now) override;
  Status delete_session(std::string_view session_hash) override;
  Status create_welcome_link(std::string_view link_hash, UnixMillis expires_at) override;
  Result<User> create_owner_by_welcome_link(std::string_view link_hash, UnixMillis now, std::string_view email,
                                            std::string_view password_hash) override;
  Status create_token(std::string_view token_hash, std::string_view name, TokenScope scope) override;
  Result<std::optional<ApiToken>> find_token(std::string_view token_hash) override;

 protected:
  explicit SqlStore(StoreParts parts);

  virtual std::unique_ptr<Connection> connect_reader() = 0;
  /// One user's data at a time is erased from the database, by whatever process; null: somebody is at it. Throws.
  virtual std::shared_ptr<void> lock_erasures() = 0;
  virtual std::unique_ptr<Connection> connect_writer() = 0;
  /// As tell_others(), of what is in no transaction.
  Status notify(const OthersNews& news);
  /// Tells other collectors on the same database, if there may be some, after what it is about. May throw.
  virtual void tell_others(Connection& /*connection*/, const OthersNews& /*news*/) {}

  /// How much of the disk the database takes.
  virtual std::int64_t measure_bytes(Connection& reader) = 0;
  /// Whether other processes may digest into the same database.
  [[nodiscard]] virtual bool has_fellows() const { return false; }
  /// Whether this process is the one of them that sees to retention.
  virtual bool may_retain(Connection& /*writer*/) { return true; }

  /// Connects for the first time: throws what open() has to tell. To be called once, before all else.
  void start();
  Status reconnect_writer();
  /// Under which name this process digests (Store::claim()).
  void set_node(std::string node) { node_ = std::move(node); }
  [[nodiscard]] const std::string& node() const { return node_; }

 private:
  /// Runs `work` with the writing connection, or with one of the readers.
  template <class Work>
  auto write(Work work);
  template <class Work>
  auto read(Work work);
  template <class Work>
  auto read_with_files(Work work);

  /// The event's bytes for its row.
  [[nodiscard]] std::string sealed(const DigestedEvent& event) const;
  AppendOutcome append_packed(Connection& connection, std::span<const DigestedEvent> batch,
                              std::span<const std::string* const> packed, const KeepRule& keeps);
  /// What is to be packed yet of the batch, in `here`; all of it, in the answer.
  std::vector<const std::string*> pack_rest(std::span<const DigestedEvent> batch, std::vector<std::string>& here) const;
  void adopt_dictionary(Connection& connection, const std::string& bytes);

  std::unique_ptr<Connection> take_reader();
  void return_reader(std::unique_ptr<Connection> reader);

  /// tell_others(); when that fails, those who watch elsewhere do not see it at once, and nothing else.
  void tell(Connection& connection, const OthersNews& news);
  /// Tells others of an issue that somebody has changed. Answers it as it is.
  Issue changed_issue(Connection& connection, IssueId id);

  /// The writing connection, a new one when it is lost. Under writer_mutex_.
  Connection& writer();
  void drop_writer();

  Result<bool> sweep_stray_files();

  const core::Clock& clock_;
  const std::unique_ptr<FileStore> files_;
  const Sealer sealer_;
  const AttachmentContents contents_;
  std::atomic<UnixMillis> next_look_for_strays_{0};
  TurnMutex writer_mutex_;
  std::string node_;                    ///< set before others use the store
  std::unique_ptr<Connection> writer_;  ///< guarded by writer_mutex_, as the next two
  std::unique_ptr<EventWriter> event_writer_;
  std::unique_ptr<DictionaryTrainer> trainer_;
  PayloadDictionaries dictionaries_{sealer_};
  std::mutex retainer_mutex_;
  ByteBudget budget_;                          ///< looked at under retainer_mutex_
  Retainer retainer_{dictionaries_, budget_};  ///< guarded by retainer_mutex_
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Connection>> idle_readers_;  ///< guarded by readers_mutex_
};

}  // namespace trapline::collector::sql
