#include "sdk/client/client.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "sdk/client/data_folder.h"
#include "sdk/client/options_json.h"
#include "sdk/client/thread_scope_copy.h"
#include "sdk/core/clock.h"
#include "sdk/core/dsn.h"
#include "sdk/crash/crash_handler.h"
#include "sdk/crash/crash_helper.h"
#include "sdk/crash/end_signal.h"
#include "sdk/crash/terminate_handler.h"
#include "sdk/crash/thread_start.h"
#include "sdk/stack/throw_hook.h"

namespace trapline::sdk {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kSmallRecorder = std::size_t{1} << 20;

Worker::Report reporter(bool debug) {
  if (!debug) return [](const std::string&) {};
  return [](const std::string& sentence) { std::fprintf(stderr, "trapline: %s\n", sentence.c_str()); };
}

/// The recorder in the folder; smaller where there is little room; else in memory.
std::unique_ptr<Recorder> make_recorder(const ClientOptions& options, const std::string& folder,
                                        const Worker::Report& report) {
  Recorder::Options wanted{folder, options.recorder_bytes, options.max_breadcrumbs, core::system_clock().unix_millis()};
  for (const std::size_t bytes : {options.recorder_bytes, kSmallRecorder}) {
    wanted.bytes = bytes;
    auto recorder = Recorder::create(wanted);
    if (recorder) return std::move(*recorder);
    report(recorder.error().message);
  }
  wanted.folder.clear();
  report("events that were not sent will not survive the process");
  auto in_memory = Recorder::create(wanted);
  return in_memory ? std::move(*in_memory) : nullptr;
}

core::Result<bool> check(const ClientOptions& options) {
  const auto is_rate = [](double rate) { return rate >= 0.0 && rate <= 1.0; };
  const PolicyOptions& policy = options.policy;
  if (!is_rate(policy.sample_rate)) return core::Error{"invalid_option", "sample_rate must be from 0 to 1"};
  if (!is_rate(policy.identical_rate)) return core::Error{"invalid_option", "identical_rate must be from 0 to 1"};
  if (!(policy.events_per_second >= 0))
    return core::Error{"invalid_option", "max_events_per_second must not be negative"};
  constexpr std::size_t kLargestRecorder = std::size_t{1} << 30;
  if (options.recorder_bytes > kLargestRecorder)
    return core::Error{"invalid_option", "recorder_bytes must be at most 1 GiB"};
  return true;
}

}  // namespace

core::Result<std::shared_ptr<Client>> Client::create(ClientOptions options) {
  auto dsn = core::parse_dsn(options.dsn);
  if (!dsn) return dsn.error();
  if (auto checked = check(options); !checked) return checked.error();
  options.scrub.keeps_user = options.sends_default_pii;
  auto scrubber = core::Scrubber::create(options.scrub);
  if (!scrubber) return scrubber.error();
  const Worker::Report report = reporter(options.debug);
  std::string folder;
  const bool is_in_memory = options.data_folder && options.data_folder->empty();
  if (!is_in_memory) {
    auto made = make_data_folder(options.data_folder, *dsn);
    if (made) {
      folder = *made;
      // As another process has to be told, wherever that is.
      options.data_folder = folder.substr(0, folder.rfind('/'));
    } else {
      report(made.error().message);
    }
  }
  auto recorder = make_recorder(options, folder, report);
  if (!recorder) return core::Error{"out_of_memory", "there is no memory for the recorder"};
  return std::shared_ptr<Client>(
      new Client(std::move(options), *dsn, std::move(*scrubber), std::move(recorder), std::move(folder), report));
}

Client::Client(ClientOptions options, const core::Dsn& dsn, core::Scrubber scrubber, std::unique_ptr<Recorder> recorder,
               std::string folder, Worker::Report report)
    : options_(std::move(options)),
      scrubber_(std::move(scrubber)),
      recorder_(std::move(recorder)),
      capturer_(std::make_unique<Capturer>(*recorder_, options_.policy, options_.hooks, wake_up_)),
      sessions_(recorder_->session(), options_.release, options_.environment),
      folder_(folder),
      report_(report),
      worker_(std::make_unique<Worker>(WorkerOptions{options_, dsn, std::move(folder)}, scrubber_, recorder_,
                                       capturer_->repeats(), wake_up_, std::move(report))),
      has_consent_(!options_.requires_consent) {
  install_crash_handlers(folder_);
  worker_->start();
  if (options_.tracks_session) start_session();
  if (options_.hang_timeout.count() > 0) {
    hang_watch_ = std::make_unique<HangWatch>(recorder_->life(), options_.hang_timeout,
                                              [this](const Hang& hang) { report_hang(hang); });
  }
}

Client::~Client() = default;

void Client::install_crash_handlers(const std::string& folder) {
  allow_crash_reports(!options_.requires_consent);
  if (options_.captures_crashes) {
    set_thread_scopes_copier(copy_thread_scopes);
    reach_started_threads(options_.reaches_threads);
    sdk::install_crash_handlers(*recorder_, folder);
    if (options_.uses_crash_helper) start_crash_helper(folder);
  }
  if (options_.captures_uncaught) install_terminate_handler();
  const bool reports_end = options_.reports_abnormal_exit && !options_.requires_consent;
  recorder_->life().reports_end.store(reports_end ? 1 : 0);
  if (options_.reports_abnormal_exit || options_.tracks_session) install_end_signals(recorder_->life());
  remember_throws(options_.remembers_throws);
  if (options_.remembers_throws && !has_throw_hook())
    report_("exceptions carry the place that caught them, not the one that threw: throws cannot be remembered here");
}

void Client::start_crash_helper(const std::string& folder) {
  if (folder.empty()) return report_("the crash helper needs a data folder: it is not started");
  const auto started = start_helper(
      {options_.crash_helper, folder, recorder_->run_id(), options_.sends_minidump, delivery_options_json(options_)});
  if (!started) report_(started.error().message + "; crashes are delivered by the next start");
}

void Client::remove_crash_handlers() {
  if (options_.captures_uncaught) remove_terminate_handler();
  if (options_.captures_crashes) sdk::remove_crash_handlers();
  remove_end_signals();
  forget_helper();
  reach_started_threads(false);
  remember_throws(false);
}

void Client::set_consent(bool is_given) {
  has_consent_ = is_given;
  allow_crash_reports(is_given);
  recorder_->life().reports_end.store(is_given && options_.reports_abnormal_exit ? 1 : 0);
}

bool Client::beat() {
  if (!hang_watch_) return false;
  hang_watch_->beat();
  return true;
}

void Client::report_hang(const Hang& hang) {
  const std::string value = "no heartbeat for " + std::to_string(hang.silence.count()) + " ms";
  const core::Exception exception{"App hang", value, false};
  CaptureRequest request;
  request.exceptions = std::span(&exception, 1);
  request.mechanism = "app_hang";
  request.threads = hang.threads;
  request.thread_id = hang.thread_id;
  std::array<std::uintptr_t, kCrashThreadFrames> stack{};
  for (const CrashThread& thread : hang.threads) {
    if (thread.id != hang.thread_id) continue;
    const auto frames = stack_of(thread);
    std::copy(frames.begin(), frames.end(), stack.begin());
    request.stack = std::span(stack).first(frames.size());
  }
  request.wants_stack = false;
  capture(request);
}

void Client::lock_for_fork() {
  worker_->lock_for_fork();
  capturer_->lock_for_fork();
}
void Client::unlock_after_fork() {
  capturer_->unlock_after_fork();
  worker_->unlock_after_fork();
}
void Client::copy_state_from(Client& parent) {
  capturer_->copy_scope_from(*parent.capturer_);
  set_consent(parent.has_consent_.load());
}

CaptureResult Client::capture(const CaptureRequest& request) {
  constexpr std::uint8_t kError = 3;
  if (!has_consent_.load(std::memory_order_relaxed)) {
    recorder_->ledger().captured.fetch_add(1, std::memory_order_relaxed);
    recorder_->ledger().count(Fate::kNoConsent);
    return {.fate = Fate::kNoConsent};
  }
  if (request.level >= kError) sessions_.note_error();
  return capturer_->capture(request);
}

bool Client::add_breadcrumb(BreadcrumbView breadcrumb) {
  if (options_.hooks.before_breadcrumb) {
    try {
      BreadcrumbView changed = breadcrumb;
      if (!options_.hooks.before_breadcrumb(changed)) return false;
      breadcrumb = changed;
    } catch (...) {  // a hook that fails drops nothing
    }
  }
  return capturer_->add_breadcrumb(breadcrumb);
}

bool Client::start_session() {
  if (!has_consent_.load(std::memory_order_relaxed)) return false;
  bool is_done = true;
  for (const std::string& one : sessions_.start(core::system_clock().unix_millis()))
    is_done = send_envelope(one) && is_done;
  return is_done;
}

bool Client::end_session(SessionEnd end) {
  const auto ended = sessions_.end(core::system_clock().unix_millis(), end);
  return ended && send_envelope(*ended);
}

void Client::count_request(SessionEnd end) {
  sessions_.count_request(core::system_clock().unix_millis(), end);
  send_requests(/*all=*/false);
}

void Client::send_requests(bool all) {
  if (const auto requests = sessions_.take_requests(core::system_clock().unix_millis(), all)) send_envelope(*requests);
}

bool Client::send_envelope(const std::string& envelope) {
  std::string row(field_bytes(0, envelope.size()), '\0');
  write_field(row.data(), FieldKind::kPayload, 0, {}, envelope);
  return capturer_->write_item(row);
}

bool Client::flush(std::chrono::milliseconds timeout) { return worker_->flush(Steady::now() + timeout); }

bool Client::stop(std::chrono::milliseconds timeout) {
  hang_watch_.reset();
  end_session(is_dying_by_crash(recorder_->memory()) ? SessionEnd::kCrashed : SessionEnd::kHealthy);
  send_requests(/*all=*/true);
  const bool is_done = worker_->stop(Steady::now() + timeout);
  remove_crash_handlers();
  if (worker_->is_stuck()) {  // a thread that was given up may come back
    keep_for_ever(shared_from_this());
  } else {
    worker_->hand_over();
  }
  return is_done;
}

void Client::keep_for_ever(std::shared_ptr<Client> client) {
  // Never destroyed, and without a lock: in the child of a fork there may be no taking one.
  struct GivenUp {
    std::shared_ptr<Client> client;
    GivenUp* next;
  };
  static std::atomic<GivenUp*> first{nullptr};
  auto* const given_up = new GivenUp{std::move(client), first.load()};
  while (!first.compare_exchange_weak(given_up->next, given_up)) {
  }
}

std::uint64_t Client::queued() {
  const LedgerCounters& counters = recorder_->ledger();
  std::uint64_t ended = 0;
  for (std::size_t fate = 0; fate < kFates; ++fate) ended += counters.of(static_cast<Fate>(fate));
  const std::uint64_t captured = counters.captured.load(std::memory_order_relaxed);
  const bool is_on_its_way = recorder_->events().head() != recorder_->events().tail();
  return is_on_its_way ? captured - std::min(captured, ended) : worker_->queued();
}

}  // namespace trapline::sdk
