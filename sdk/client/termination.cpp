#include "sdk/client/termination.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "sdk/core/json_writer.h"
#include "sdk/core/timestamp.h"
#include "sdk/crash/crash_text.h"

namespace trapline::sdk {
namespace {

struct Words {
  std::string_view type;
  std::string_view value;
};
Words words_of(Termination termination) {
  switch (termination) {
    case Termination::kReboot:
      return {"Host reboot", "the machine was started anew while the process ran"};
    case Termination::kOutOfMemory:
      return {"Out of memory", "the kernel has killed a process of this one's cgroup for lack of memory"};
    case Termination::kHang:
      return {"Killed while it hung", "the process gave no heartbeat any more and ended without a word"};
    default:
      return {"Killed", describe_silent_end()};
  }
}

std::string context_of(const AbandonedRecorder& abandoned) {
  const LifeSigns& life = abandoned.life();
  core::JsonWriter json;
  json.begin_object().key("type").text("process");
  json.key("started").text(core::format_timestamp(abandoned.created()));
  if (life.last_look.load() != 0) {
    json.key("last_look").text(core::format_timestamp(life.last_look.load()));
    json.key("resident_bytes").number(static_cast<std::int64_t>(life.resident_bytes.load()));
    json.key("open_files").number(static_cast<std::int64_t>(life.open_files.load()));
    json.key("threads").number(static_cast<std::int64_t>(life.threads.load()));
  }
  if (life.heartbeat.load() != 0) json.key("last_heartbeat").text(core::format_timestamp(life.heartbeat.load()));
  return json.end_object().take();
}

}  // namespace

Termination classify_termination(const AbandonedRecorder& abandoned, const MachineNow& now) {
  const LifeSigns& life = abandoned.life();
  if (has_crash(abandoned)) return Termination::kCrash;
  const std::string_view boot(life.boot_id.data(), strnlen(life.boot_id.data(), life.boot_id.size()));
  if (!boot.empty() && !now.boot_id.empty() && boot != now.boot_id) return Termination::kReboot;
  if (life.end_signal.load() != 0) return Termination::kAskedTo;
  const bool is_same_group = now.memory_group == life.memory_group.load();
  if (is_same_group && now.oom_kills > life.oom_kills.load()) return Termination::kOutOfMemory;
  const bool is_watched = life.hang_timeout.load() > 0 && life.heartbeat.load() != 0;
  if (is_watched && life.last_look.load() - life.heartbeat.load() > life.hang_timeout.load()) return Termination::kHang;
  return Termination::kKilled;
}

std::unique_ptr<CrashEvent> termination_event(const AbandonedRecorder& abandoned, Termination termination) {
  const LifeSigns& life = abandoned.life();
  const bool is_wanted =
      life.reports_end.load() != 0 && termination != Termination::kCrash && termination != Termination::kAskedTo;
  if (!is_wanted) return nullptr;
  PayloadWriter payload(crash_event_id(abandoned), std::max(abandoned.created(), life.last_look.load()), 0);
  payload.add_rows(abandoned.scope());
  payload.add_rows(abandoned.breadcrumbs());
  const Words words = words_of(termination);
  payload.add(FieldKind::kException, 0, words.type, words.value);
  payload.add(FieldKind::kMechanism, 0, {}, "abnormal_exit");
  payload.add(FieldKind::kContext, 0, "process", context_of(abandoned));
  return payload.decode();
}

}  // namespace trapline::sdk
