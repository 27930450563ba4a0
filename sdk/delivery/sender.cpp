#include "sdk/delivery/sender.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <nlohmann/json.hpp>

#include "sdk/core/gzip.h"
#include "sdk/core/random.h"
#include "sdk/core/this_thread.h"
#include "sdk/delivery/batch.h"
#include "sdk/delivery/signature.h"

namespace trapline::sdk {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kFlushRetry{200};        ///< how often a flush tries again
constexpr milliseconds kLedgerGrace{300};       ///< of a flush, for counters alone
constexpr milliseconds kStopGrace{300};         ///< for a request to notice that it is aborted
constexpr milliseconds kLookAgain{5 * 60'000};  ///< for what came in unnoticed

/// An event that the collector names as rejected; it took the others.
struct Rejected {
  std::size_t index = 0;
  bool is_for_now = false;  ///< by a limit: later it may be taken
};

std::vector<Rejected> rejected_events(const HttpAnswer& answer, const Sender::Report& report) {
  std::vector<Rejected> list;
  const nlohmann::json body = nlohmann::json::parse(answer.body, nullptr, false);
  if (!body.is_object() || !body.contains("rejected") || !body["rejected"].is_array()) return list;
  for (const auto& rejected : body["rejected"]) {
    if (!rejected.is_object() || !rejected.contains("index") || !rejected["index"].is_number_unsigned()) continue;
    const auto code = rejected.find("code");
    const bool is_for_now =
        code != rejected.end() && code->is_string() && code->get_ref<const std::string&>().ends_with("_rate_limited");
    list.push_back({rejected["index"].get<std::size_t>(), is_for_now});
    if (is_for_now) continue;
    const auto message = rejected.find("message");
    report("the collector rejected an event: " +
           (message != rejected.end() && message->is_string() ? message->get<std::string>() : "no reason given"));
  }
  return list;
}

std::size_t bytes_of(const std::vector<BufferedItem>& items) {
  std::size_t bytes = 0;
  for (const BufferedItem& item : items) bytes += item.body.size();
  return bytes;
}

}  // namespace

std::shared_ptr<Sender> Sender::start(SenderOptions options, std::unique_ptr<Transport> transport,
                                      std::shared_ptr<EventBuffer> buffer, const LedgerCounters& ledger,
                                      std::shared_ptr<void> ledger_owner, Report report) {
  std::shared_ptr<Sender> sender(new Sender(std::move(options), std::move(transport), std::move(buffer), ledger,
                                            std::move(ledger_owner), std::move(report)));
  sender->thread_ = std::thread([sender] { sender->run(); });
  return sender;
}

Sender::Sender(SenderOptions options, std::unique_ptr<Transport> transport, std::shared_ptr<EventBuffer> buffer,
               const LedgerCounters& ledger, std::shared_ptr<void> ledger_owner, Report report)
    : options_(std::move(options)),
      transport_(std::move(transport)),
      buffer_(std::move(buffer)),
      ledger_(ledger),
      ledger_owner_(std::move(ledger_owner)),
      report_(std::move(report)),
      batch_limit_(options_.speaks_sentry ? 1 : options_.max_batch_events) {}

Sender::~Sender() {
  if (thread_.joinable()) thread_.detach();
}

void Sender::notify(std::size_t events, std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (unsent_events_ == 0) first_unsent_ = Steady::now();
    unsent_events_ += events;
    unsent_bytes_ += bytes;
  }
  changed_.notify_one();
}

void Sender::tell_ledger() {
  if (options_.speaks_sentry) return;
  const RunLedger ledger = ledger_now(ledger_, options_.run_id, options_.release);
  {
    const std::lock_guard lock(mutex_);
    if (!told_.lacks(ledger)) return;
    is_ledger_due_ = true;
    if (unsent_events_ == 0) first_unsent_ = Steady::now();
    unsent_events_ = std::max<std::size_t>(unsent_events_, 1);
  }
  changed_.notify_one();
}

Told Sender::told() {
  const std::lock_guard lock(mutex_);
  return told_;
}

bool Sender::flush(Time deadline) {
  const std::int64_t target = buffer_->last_id();
  std::unique_lock lock(mutex_);
  ++flushes_;
  changed_.notify_one();
  const auto is_done = [&] {
    const std::int64_t first = buffer_->first_id();
    return first == 0 || first > target;
  };
  bool done = is_done();
  while (!done && !has_ended_ && Steady::now() < deadline) {
    sent_.wait_until(lock, deadline);
    done = is_done();
  }
  const Time patience = std::min(deadline, Steady::now() + kLedgerGrace);
  while (done && !has_ended_ && Steady::now() < patience && buffer_->untold_ledger()) sent_.wait_until(lock, patience);
  --flushes_;
  return done;
}

void Sender::stop() {
  std::unique_lock lock(mutex_);
  is_stopping_ = true;
  changed_.notify_one();
  sent_.wait_for(lock, kStopGrace, [&] { return has_ended_; });
  const bool has_ended = has_ended_;
  lock.unlock();
  if (!thread_.joinable()) return;
  if (has_ended) {
    thread_.join();
  } else {
    thread_.detach();  // it hangs in the system's resolver, and ends when that answers
  }
}

void Sender::run() {
  core::this_thread::set_name("trapline-sender");
  std::unique_lock lock(mutex_);
  while (wait_for_batch(lock)) {
    const bool is_due = flushes_ > 0 || Steady::now() >= first_unsent_ + options_.max_batch_age;
    const std::size_t known = unsent_events_;
    lock.unlock();
    Round events{Outcome::kFailed};
    Round envelopes;
    Round ledgers;
    try {
      if (connect()) events = send_events(is_due);
      if (events.outcome != Outcome::kFailed) envelopes = send_envelope();
      // What a batch brings along needs no request of its own.
      const bool is_quiet = !events.is_full && events.outcome != Outcome::kTooFew;
      if (events.outcome != Outcome::kFailed && envelopes.outcome != Outcome::kFailed && is_quiet)
        ledgers = send_ledger();
    } catch (const std::exception& error) {  // no memory, most likely: the app must not end by it
      events.outcome = Outcome::kFailed;
      plan_retry({0, "", "", error.what(), ""});
    }
    lock.lock();
    unsent_events_ -= std::min(unsent_events_, known);  // what came since stays
    unsent_bytes_ = 0;
    if (events.outcome == Outcome::kTooFew) {
      unsent_events_ += events.events;
    } else {
      first_unsent_ = Steady::now();
    }
    const auto is_any = [&](auto is_so) { return is_so(events) || is_so(envelopes) || is_so(ledgers); };
    const bool has_failed = is_any([](const Round& round) { return round.outcome == Outcome::kFailed; });
    // What a full batch leaves behind is looked for at once.
    if (has_failed || is_any([](const Round& round) { return round.is_full; }))
      unsent_events_ = options_.max_batch_events;
    // Asked for while this round was under way; what is blocked comes again by itself.
    const bool is_blocked = is_any([](const Round& round) { return round.outcome == Outcome::kBlocked; });
    if (is_ledger_due_ && !has_failed && !is_blocked) unsent_events_ = std::max<std::size_t>(unsent_events_, 1);
    unblocked_at_ = Time::max();
    if (events.outcome == Outcome::kBlocked || ledgers.outcome == Outcome::kBlocked) {
      unblocked_at_ = blocked_until(ItemKind::kEvent);
    }
    if (envelopes.outcome == Outcome::kBlocked) {
      unblocked_at_ = std::min(unblocked_at_, blocked_until(ItemKind::kEnvelope));
    }
    sent_.notify_all();
    if (has_failed) wait_for_retry(lock);
  }
  has_ended_ = true;
  sent_.notify_all();
}

/// Sleeps until there is a batch to send. False at the end.
bool Sender::wait_for_batch(std::unique_lock<std::mutex>& lock) {
  while (!is_stopping_) {
    if (unsent_events_ == 0) {
      wait_for_work(lock);
      continue;
    }
    const auto is_ready = [&] {
      return is_stopping_ || flushes_ > 0 || unsent_events_ >= options_.max_batch_events ||
             unsent_bytes_ >= options_.max_batch_bytes;
    };
    changed_.wait_until(lock, first_unsent_ + options_.max_batch_age, is_ready);
    return !is_stopping_;
  }
  return false;
}

/// Nothing is known to wait: sleeps until something comes, a server's limit ends, or it is time to look for what came
/// in unnoticed.
void Sender::wait_for_work(std::unique_lock<std::mutex>& lock) {
  Time look_at = std::min(unblocked_at_, Steady::now() + kLookAgain);
  if (flushes_ > 0) {
    const bool is_blocked_now = unblocked_at_ != Time::max() && Steady::now() < unblocked_at_;
    if (!is_blocked_now && buffer_->first_id() != 0) {
      unsent_events_ = 1;
      return;
    }
    sent_.notify_all();  // the flush asks again whether everything has left
    look_at = std::min(look_at, Steady::now() + kFlushRetry);
  }
  if (changed_.wait_until(lock, look_at) == std::cv_status::timeout && flushes_ == 0) unsent_events_ = 1;
}

void Sender::wait_for_retry(std::unique_lock<std::mutex>& lock) {
  const Time earliest_for_flush = Steady::now() + kFlushRetry;
  while (!is_stopping_) {
    const bool is_cut = flushes_ > 0 && !retry_was_asked_;
    const Time until = is_cut ? std::min(retry_at_, earliest_for_flush) : retry_at_;
    if (Steady::now() >= until) return;
    changed_.wait_until(lock, until);
  }
}

Sender::Time Sender::blocked_until(ItemKind kind) const {
  return limits_.blocked_until(kind == ItemKind::kEvent ? "error" : "session");
}

Sender::Round Sender::send_events(bool is_due) {
  if (Steady::now() < blocked_until(ItemKind::kEvent)) return {Outcome::kBlocked};
  std::vector<BufferedItem> items = buffer_->take(ItemKind::kEvent, batch_limit_, options_.max_batch_bytes);
  if (items.empty()) return {Outcome::kNothingLeft};
  const bool is_full = items.size() >= batch_limit_ || bytes_of(items) >= options_.max_batch_bytes / 2;
  if (!is_full && !is_due) return {Outcome::kTooFew, items.size()};
  // One module list a request, and one run.
  const auto other = std::find_if(items.begin(), items.end(), [&](const BufferedItem& item) {
    return item.images != items.front().images || item.run_id != items.front().run_id;
  });
  const bool has_others = other != items.end();
  items.erase(other, items.end());
  if (items.front().images != images_id_) {
    images_id_ = items.front().images;
    images_ = images_id_ != 0 ? buffer_->images(images_id_) : std::string();
  }
  if (options_.speaks_sentry) {
    const std::string event = finished_event(items.front(), images_);
    const std::string header = R"({"type":"event","length":)" + std::to_string(event.size()) + "}";
    const HttpAnswer answer = post("/api/" + options_.dsn.project_id + "/envelope/", "application/x-sentry-envelope",
                                   envelope(items.front().event_id, header, event));
    const Outcome outcome = settle(answer, items);
    return {outcome, items.size(), is_full && outcome == Outcome::kSent};
  }
  const RunLedger ledger = ledger_of(items.front().run_id);
  const HttpAnswer answer = post("/v1/events", "application/x-ndjson", batch_body(items, images_, ledger));
  // What cannot be noted is told a second time.
  if (judge(answer) == Verdict::kDelivered) static_cast<void>(note_told(ledger, items.size()));
  const Outcome outcome = settle(answer, items);
  const bool may_go_on = outcome == Outcome::kSent || outcome == Outcome::kPartlyRefused;
  return {outcome, items.size(), may_go_on && (is_full || has_others || outcome == Outcome::kPartlyRefused)};
}

Sender::Round Sender::send_envelope() {
  if (Steady::now() < blocked_until(ItemKind::kEnvelope)) return {Outcome::kBlocked};
  std::vector<BufferedItem> items = buffer_->take(ItemKind::kEnvelope, 1, options_.max_batch_bytes);
  if (items.empty()) return {Outcome::kNothingLeft};
  const HttpAnswer answer =
      post("/api/" + options_.dsn.project_id + "/envelope/", "application/x-sentry-envelope", items[0].body);
  const Outcome outcome = settle(answer, items);
  return {outcome, 1, outcome == Outcome::kSent};
}

/// Tells the counters of a run that has no events to send, without any.
Sender::Round Sender::send_ledger() {
  if (Steady::now() < blocked_until(ItemKind::kEvent)) return {Outcome::kBlocked};
  const auto ledger = next_ledger();
  if (!ledger) return {Outcome::kNothingLeft};
  if (!options_.speaks_sentry) {  // else there is nobody to tell
    const HttpAnswer answer = post("/v1/events", "application/x-ndjson", batch_body({}, {}, *ledger));
    limits_.note(answer, core::system_clock().unix_millis(), Steady::now());
    if (judge(answer) == Verdict::kRetry) {
      if (ledger->run_id == options_.run_id) {
        const std::lock_guard lock(mutex_);
        is_ledger_due_ = true;
      }
      return {wait_for_limit(answer, ItemKind::kEvent)};
    }
    failures_ = 0;
  }
  // Also when it is refused: it would be again.
  return note_told(*ledger, 0) ? Round{Outcome::kSent, 0, true} : Round{retry_removal()};
}

/// Of runs that are gone first; of this process when it is due.
std::optional<RunLedger> Sender::next_ledger() {
  if (auto ledger = buffer_->untold_ledger()) return ledger;
  const std::lock_guard lock(mutex_);
  if (!std::exchange(is_ledger_due_, false)) return std::nullopt;
  RunLedger ledger = ledger_now(ledger_, options_.run_id, options_.release);
  if (!told_.lacks(ledger)) return std::nullopt;
  return ledger;
}

RunLedger Sender::ledger_of(const std::string& run_id) {
  return run_id == options_.run_id ? ledger_now(ledger_, run_id, options_.release) : buffer_->ledger(run_id);
}

/// False when it cannot be written down now.
bool Sender::note_told(const RunLedger& ledger, std::size_t events) {
  if (ledger.run_id != options_.run_id) return buffer_->note_told(ledger.run_id, told_by(ledger, events));
  const std::lock_guard lock(mutex_);
  told_.add(told_by(ledger, events));
  return true;
}

/// Draws the conclusions from an answer.
Sender::Outcome Sender::settle(const HttpAnswer& answer, std::vector<BufferedItem>& items) {
  limits_.note(answer, core::system_clock().unix_millis(), Steady::now());
  const Verdict verdict = judge(answer);
  if (verdict == Verdict::kDelivered) {
    failures_ = 0;
    if (!options_.speaks_sentry) batch_limit_ = std::min(options_.max_batch_events, batch_limit_ * 2);
    const Split split = split_by_answer(answer, items);
    if (!buffer_->remove(split.delivered, Fate::kDelivered) || !buffer_->remove(split.rejected, Fate::kRejected)) {
      return retry_removal();
    }
    return split.limited.empty() ? Outcome::kSent : wait_for_limit(answer, items.front().kind);
  }
  if (verdict == Verdict::kRetry) {
    return wait_for_limit(answer, items.front().kind);
  }
  // Something in it is refused. Unless the answer says what, halves of it are tried until it is found.
  if (items.size() > 1) {
    const Split split = split_by_answer(answer, items);
    if (!split.rejected.empty())
      return buffer_->remove(split.rejected, Fate::kRejected) ? Outcome::kPartlyRefused : retry_removal();
  }
  if (items.size() > 1) {
    batch_limit_ = std::max<std::size_t>(1, items.size() / 2);
    return Outcome::kPartlyRefused;
  }
  report_("the collector refused an event, it answered " + std::to_string(answer.status) + ": " + answer.body);
  return buffer_->remove(items, Fate::kRejected) ? Outcome::kSent : retry_removal();
}

/// Limits by category hold up what they are for and nothing else.
Sender::Outcome Sender::wait_for_limit(const HttpAnswer& answer, ItemKind kind) {
  if (!answer.rate_limits.empty() && Steady::now() < blocked_until(kind)) return Outcome::kBlocked;
  plan_retry(answer);
  return Outcome::kFailed;
}

/// What is still in the buffer would be sent again at once, and for ever; the server knows it by its id, so that
/// sending it again later does no harm.
Sender::Outcome Sender::retry_removal() {
  plan_retry({0, "", "", "the offline buffer cannot be written", ""});
  return Outcome::kFailed;
}

Sender::Split Sender::split_by_answer(const HttpAnswer& answer, const std::vector<BufferedItem>& items) const {
  const std::vector<Rejected> named = rejected_events(answer, report_);
  Split split;
  for (std::size_t index = 0; index < items.size(); ++index) {
    const auto found =
        std::find_if(named.begin(), named.end(), [&](const Rejected& rejected) { return rejected.index == index; });
    auto& part = found == named.end() ? split.delivered : (found->is_for_now ? split.limited : split.rejected);
    part.push_back(items[index]);
  }
  return split;
}

/// Whether the server can be reached; else the retry is planned.
bool Sender::connect() {
  const std::string problem =
      transport_->connect(options_.dsn.base_url() + "/", [this] { return is_stopping_.load(); });
  if (problem.empty()) return true;
  plan_retry({0, "", "", problem, ""});
  return false;
}

HttpAnswer Sender::post(const std::string& path, const char* content_type, const std::string& body) {
  const std::string compressed = core::gzip(body, 1);
  const std::string client = std::string("trapline.native/") + TRAPLINE_VERSION;
  std::vector<std::string> headers = {
      std::string("Content-Type: ") + content_type, "Content-Encoding: gzip", "User-Agent: " + client,
      "X-Sentry-Auth: Sentry sentry_version=7, sentry_client=" + client + ", sentry_key=" + options_.dsn.public_key};
  if (!options_.dsn.secret_key.empty()) {
    const std::int64_t now = core::system_clock().unix_millis() / 1000;
    std::string signature = signature_header(options_.dsn.secret_key, compressed, now);
    if (signature.empty()) return {0, "", "", "libsodium is needed for the DSN's secret and is not installed", ""};
    headers.push_back(std::move(signature));
  }
  return transport_->post(options_.dsn.base_url() + path, headers, compressed,
                          [this] { return is_stopping_.load(std::memory_order_relaxed); });
}

void Sender::plan_retry(const HttpAnswer& answer) {
  const Time now = Steady::now();
  const auto asked = parse_retry_after(answer.retry_after, core::system_clock().unix_millis());
  const milliseconds delay = asked ? *asked : backoff(failures_, core::random_fraction());
  ++failures_;
  retry_at_ = now + delay;
  retry_was_asked_ = asked.has_value();
  const std::string reason = answer.status == 0 ? answer.error : "it answered " + std::to_string(answer.status);
  report_("cannot deliver, " + reason + "; the events are kept, trying again in " + std::to_string(delay.count()) +
          " ms");
}

}  // namespace trapline::sdk
