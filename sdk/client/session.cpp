#include "sdk/client/session.h"

#include <algorithm>
#include <string_view>

#include "sdk/core/event_id.h"
#include "sdk/core/json_writer.h"
#include "sdk/core/timestamp.h"
#include "sdk/delivery/batch.h"

namespace trapline::sdk {
namespace {

constexpr std::uint32_t kNoSession = 0;
constexpr std::uint32_t kOpen = 1;
constexpr core::UnixMillis kMinute = 60'000;

struct Update {
  std::string_view id;
  core::UnixMillis started = 0;
  core::UnixMillis now = 0;
  std::string_view status;
  std::uint32_t errors = 0;
  bool is_first = false;
};

void write_attributes(core::JsonWriter& json, const std::string& release, const std::string& environment) {
  json.key("attrs").begin_object().optional_text("release", release).optional_text("environment", environment);
  json.end_object();
}

std::string session_envelope(const Update& update, const std::string& release, const std::string& environment) {
  core::JsonWriter json;
  json.begin_object().key("sid").text(update.id);
  if (update.is_first) json.key("init").boolean(true);
  json.key("started").text(core::format_timestamp(update.started));
  json.key("timestamp").text(core::format_timestamp(update.now));
  json.key("status").text(update.status).key("errors").number(update.errors);
  if (!update.is_first) json.key("duration").number(std::max<core::UnixMillis>(0, update.now - update.started) / 1000);
  write_attributes(json, release, environment);
  return envelope("", R"({"type":"session"})", json.end_object().take());
}

std::string_view status_word(SessionEnd end) {
  constexpr std::string_view kWords[] = {"exited", "exited", "crashed", "abnormal"};
  return kWords[static_cast<std::size_t>(end)];
}

}  // namespace

std::vector<std::string> Sessions::start(core::UnixMillis now) {
  std::vector<std::string> envelopes;
  if (auto ended = end(now, SessionEnd::kHealthy)) envelopes.push_back(std::move(*ended));
  const std::lock_guard lock(mutex_);
  const std::string id = core::new_event_id();
  std::copy(id.begin(), id.end(), block_.id.begin());
  block_.started = now;
  block_.errors.store(0, std::memory_order_relaxed);
  block_.state.store(kOpen, std::memory_order_release);
  envelopes.push_back(session_envelope({id, now, now, "ok", 0, true}, release_, environment_));
  return envelopes;
}

std::optional<std::string> Sessions::end(core::UnixMillis now, SessionEnd end) {
  const std::lock_guard lock(mutex_);
  const std::uint32_t state = block_.state.exchange(kNoSession, std::memory_order_acq_rel);
  if (state == kNoSession) return std::nullopt;
  const std::string_view status = status_word(end);
  const std::uint32_t errors = block_.errors.load(std::memory_order_relaxed) + (end == SessionEnd::kErrored ? 1 : 0);
  return session_envelope({{block_.id.data(), 32}, block_.started, now, status, errors}, release_, environment_);
}

void Sessions::count_request(core::UnixMillis now, SessionEnd end) {
  const core::UnixMillis minute = now / kMinute * kMinute;
  const std::lock_guard lock(mutex_);
  if (minutes_.empty() || minutes_.back().started != minute) minutes_.push_back({minute, {}});
  ++minutes_.back().counts[static_cast<std::size_t>(end)];
}

std::optional<std::string> Sessions::take_requests(core::UnixMillis now, bool all) {
  const std::lock_guard lock(mutex_);
  core::JsonWriter json;
  json.begin_object().key("aggregates").begin_array();
  bool has_some = false;
  std::erase_if(minutes_, [&](const Minute& minute) {
    if (!all && minute.started + kMinute > now) return false;
    constexpr std::string_view kNames[] = {"exited", "errored", "crashed", "abnormal"};
    json.begin_object().key("started").text(core::format_timestamp(minute.started));
    for (std::size_t end = 0; end < minute.counts.size(); ++end) {
      if (minute.counts[end] > 0) json.key(kNames[end]).number(static_cast<std::int64_t>(minute.counts[end]));
    }
    json.end_object();
    return has_some = true;
  });
  if (!has_some) return std::nullopt;
  json.end_array();
  write_attributes(json, release_, environment_);
  return envelope("", R"({"type":"sessions"})", json.end_object().take());
}

std::optional<NewItem> unended_session(const AbandonedRecorder& abandoned, Termination termination,
                                       const core::ProcessFacts& facts) {
  const SessionBlock& session = abandoned.session();
  const std::uint32_t state = session.state.load(std::memory_order_relaxed);
  if (state != kOpen) return std::nullopt;
  const Update update{{session.id.data(), 32},
                      session.started,
                      std::max(session.started, abandoned.life().last_look.load()),  // it ended soon after
                      termination == Termination::kCrash     ? "crashed"
                      : termination == Termination::kAskedTo ? "exited"
                                                             : "abnormal",
                      session.errors.load(std::memory_order_relaxed)};
  return NewItem{ItemKind::kEnvelope, "", false, session_envelope(update, facts.release, facts.environment), 0};
}

}  // namespace trapline::sdk
