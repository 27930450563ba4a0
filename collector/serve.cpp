#include "collector/serve.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <pthread.h>
#include <spdlog/spdlog.h>

#include "collector/accounts/accounts.h"
#include "collector/cold_archive.h"
#include "collector/digest/digester.h"
#include "collector/digest/stored_payload.h"
#include "collector/digest/user_key.h"
#include "collector/http/api_json.h"
#include "collector/http/api_routes.h"
#include "collector/http/descriptor_limit.h"
#include "collector/http/health_routes.h"
#include "collector/http/http_server.h"
#include "collector/http/intake_routes.h"
#include "collector/http/live_feed.h"
#include "collector/http/session_routes.h"
#include "collector/http/user_purges.h"
#include "collector/ingest/housekeeper.h"
#include "collector/ingest/intake.h"
#include "collector/ingest/item_writer.h"
#include "collector/logging.h"
#include "collector/retention_work.h"
#include "collector/storage/file_lock.h"
#include "collector/storage/open_store.h"
#include "sdk/core/random.h"

namespace trapline::collector {
namespace {

namespace fs = std::filesystem;

/// How long a new or revoked key may take to be noticed, at most.
constexpr std::chrono::seconds kHouseInterval{2};
/// In a step others may not write, for some 13 ms: most of the time is theirs.
constexpr std::chrono::milliseconds kSweepInterval{100};
/// While there is no hurry others have nearly all of the time.
constexpr std::chrono::milliseconds kRetentionInterval{100};
/// Longer than a PostgreSQL server takes to miss a client whose machine is gone (postgres/connection.cpp).
constexpr std::chrono::seconds kClaimPatience{40};

/// Blocks the signals that end the server in this thread and those it starts, so that only wait_for_end() sees them.
sigset_t block_ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void wait_for_end(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("{}: stopping", signal == SIGINT ? "SIGINT" : "SIGTERM");
}

/// A server notices late that a machine has vanished, and keeps the name of its spool taken until then.
Status claim(Store& store, const std::string& spool, const Config& config) {
  const bool is_file = config.database_url().starts_with("sqlite:");
  const auto deadline = std::chrono::steady_clock::now() + (is_file ? std::chrono::seconds(0) : kClaimPatience);
  while (true) {
    Status status = store.claim(spool);
    if (status || status.error().code != "database_in_use" || std::chrono::steady_clock::now() >= deadline) {
      return status;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
}

/// Removes a little of what is left of deleted projects, again and again. What fails is told once.
std::function<void()> sweeping(Store& store) {
  return [&store, has_failed = false]() mutable {
    const auto swept = store.sweep_deleted_projects();
    if (!swept && !has_failed) spdlog::error("deleted projects cannot be removed yet: {}", swept.error().message);
    has_failed = !swept.ok();
  };
}

/// The same of files that attachments no longer name.
std::function<void()> sweeping_files(Store& store) {
  return [&store, has_failed = false]() mutable {
    const auto swept = store.sweep_files();
    if (!swept && !has_failed)
      spdlog::error("files of deleted attachments cannot be removed yet: {}", swept.error().message);
    has_failed = !swept.ok();
  };
}

/// The connections that the permitted number of open files leaves.
std::size_t connection_limit(const SpoolOptions& spool, std::size_t wanted) {
  const std::size_t segments = static_cast<std::size_t>(spool.max_bytes / spool.segment_bytes) + 1;
  const std::size_t limit = connections_within(raise_descriptor_limit(), segments, wanted);
  if (limit < wanted) {
    spdlog::warn("at most {} connections at the same time: the system lets this process open no more files (ulimit -n)",
                 limit);
  }
  return limit;
}

/// What other collectors on the same database did is news for those who watch at this one, and uses up limits here.
void take_others_news(const OthersNews& news, LiveFeed& live, Intake& intake, Store& store) {
  intake.add_use(news.used);
  live.stored(news.outcome);
  for (const ProjectId project : news.deleted) live.project_deleted(project);
  if (!news.has_gap) return;
  const auto projects = store.list_projects();
  if (!projects) return;
  for (const Project& project : *projects) live.missed(project.id);
}

/// A store that is empty gets a project; one without users a link to become the first.
Status greet(Store& store, Accounts& accounts, const std::string& public_url) {
  const auto projects = store.list_projects();
  if (!projects) return projects.error();
  if (projects->empty()) {
    const auto project = store.create_project("default", core::random_hex(kProjectKeyBytes));
    if (!project) return project.error();
    log_with_fields("first start: made the project 'default', send its events to this DSN",
                    {{"dsn", make_dsn(public_url, *project)}});
  }
  const auto link = accounts.create_welcome_link();
  if (!link) return link.error();
  // The secret stands behind '#', which browsers do not send: it stays out of proxies' logs.
  if (*link) {
    log_with_fields("nobody has an account yet: open this link once to choose the owner's password",
                    {{"link", public_url + "/welcome#token=" + **link}});
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<FileLock>> lock_data_folder(const std::string& folder) {
  auto lock = FileLock::take(folder + "/lock");
  if (lock) return lock;
  if (lock.error().code != "in_use") {
    return Error{"cannot_use_data", "cannot write to the data folder " + folder + ": is it yours?"};
  }
  return Error{"data_in_use", "another trapline-collector is serving from " + folder +
                                  ": stop it, or choose another folder with --data"};
}

Status prepare_data_folder(const Config& config) {
  std::error_code error;
  const bool is_new = fs::create_directories(config.data, error);
  if (error) {
    return Error{"cannot_use_data", "cannot make the data folder " + config.data + ": " + error.message()};
  }
  if (is_new) fs::permissions(config.data, fs::perms::owner_all, error);
  return {};
}

Status serve(const Config& config) {
  if (Status status = prepare_data_folder(config); !status) return status;
  const auto lock = lock_data_folder(config.data);
  if (!lock) return lock.error();
  // A client that hangs up while it is being answered must not end the process.
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t signals = block_ending_signals();

  auto store = open_store(config.database_url(), core::system_clock(), config.store_options());
  if (!store) return store.error();
  SpoolOptions spool_options = config.spool;
  spool_options.on_damage = [](const std::string& what) { spdlog::error("{}", what); };
  auto spool = Spool::open(config.data + "/spool", std::move(spool_options));
  if (!spool) return spool.error();
  if (Status status = claim(**store, (*spool)->name(), config); !status) return status;
  if (!config.keys.empty()) {
    spdlog::info("events and attachments are sealed with the encryption key {}", key_id_text(config.keys.front().id()));
  }
  const auto archive = ColdArchive::open(config, **store);
  if (!archive) return archive.error();
  RetentionWork retention(**store, config.retention, archive->get());
  Accounts accounts(**store);
  Intake intake(**store, **spool, config.limits, core::system_clock(), config.data);
  LiveFeed live(**store);
  Digester digester(**spool, **store, core::system_clock(),
                    [&live](const AppendOutcome& outcome) { live.stored(outcome); },
                    {[&intake](ProjectId project) { return intake.events_per_hour(project); },
                     [&intake](ProjectId project, std::int64_t count) { intake.give_back(project, count); }});
  const auto user_key = load_user_key(config.data + "/user-key");
  if (!user_key) return user_key.error();
  ItemWriter item_writer(
      **spool, **store, *user_key,
      [](const std::string& trouble) {
        if (trouble.empty()) {
          spdlog::info("storing sessions, files and reports goes on");
        } else {
          spdlog::error("storing sessions, files and reports is held up, they wait: {}", trouble);
        }
      },
      [](const StoredItem& item, const std::string& reason) {
        spdlog::error("the item {} of project {} is lost, as the database refuses it: {}", item.item_id,
                      item.project_id, reason);
      });
  if (const SpoolCounts found = (*spool)->counts(); found.torn_bytes > 0) {
    spdlog::warn(
        "the spool's last {} bytes are no whole request and were cut off: being written when the machine went down, "
        "and "
        "then nobody was told that they were taken, or damaged since",
        found.torn_bytes);
  }

  // Bound before its routes exist, as they show the port; answered only from run() on.
  Router router;
  const bool is_https = config.public_url.starts_with("https://");
  add_health_routes(router, {intake, **spool, digester, item_writer, **store, retention.counts(),
                             *archive ? &(*archive)->counts() : nullptr});
  add_session_routes(router, accounts, is_https);
  const auto public_url = std::make_shared<std::string>();
  const StoredPayloadReader payloads(*user_key);
  UserPurges purges(**store, payloads, core::system_clock(),
                    *archive ? std::optional((*archive)->in_use()) : std::nullopt);
  add_api_routes(router, {**store, accounts, public_url, &live, core::system_clock(), &payloads, &purges});
  add_intake_routes(router, {**store, accounts, public_url});
  HttpOptions http;
  http.trusted_proxies = config.trusted_proxies;
  http.api_requests_per_minute = config.api_requests_per_minute;
  http.max_connections = connection_limit(config.spool, http.max_connections);
  HttpServer server(std::move(router), intake, std::move(http));
  const auto port = server.bind(config.host, config.port);
  if (!port) return port.error();
  *public_url = config.public_url_at(*port);

  // A disk that is full must not keep the collector from showing what it has, and from taking in when it is freed.
  if (Status status = greet(**store, accounts, *public_url); !status) {
    spdlog::error("no welcome link or first project could be made: {}", status.error().message);
  }
  (*store)->listen([&](const OthersNews& news) { take_others_news(news, live, intake, **store); });
  live.start([&] { return LiveTotals{intake.counts().accepted, digester.digested()}; });
  digester.start();
  item_writer.start();
  Housekeeper housekeeper({[&intake] { intake.keep_house(); }}, kHouseInterval);
  Housekeeper sweeper({sweeping(**store), sweeping_files(**store)}, kSweepInterval);
  Housekeeper retainer({[&retention] { retention.work(); }}, kRetentionInterval);
  std::thread serving([&server] { server.run(); });
  log_with_fields("listening", {{"url", config.public_url_at(*port)}});
  wait_for_end(signals);
  (*store)->end_soon();
  server.stop();
  serving.join();
  live.stop();
  housekeeper.stop();
  sweeper.stop();
  if (*archive) (*archive)->stop();
  retainer.stop();
  purges.stop();
  (*store)->stop_listening();
  digester.stop();
  item_writer.stop();
  spdlog::info("stopped");
  return {};
}

}  // namespace trapline::collector
