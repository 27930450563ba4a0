/// Whatever JSON object an event is, it is understood, trimmed, titled and given a group by every version of the
/// grouping, the same one each time; what is stored of it is JSON with its id, and understanding that again changes
/// nothing.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "collector/digest/digest_event.h"
#include "collector/digest/grouping/frame_name.h"
#include "collector/digest/grouping/function_name.h"
#include "collector/digest/grouping/message_template.h"
#include "collector/digest/grouping/stable_message.h"
#include "collector/digest/user_agent.h"
#include "collector/ingest/event_check.h"

using namespace trapline::collector;

namespace {

constexpr std::string_view kId = "1fd941f72cb7453e8d29c2990c2422b4";

void require(bool holds) {
  if (!holds) std::abort();
}

DigestSettings settings_of(const char* text) { return DigestSettings::read(text).value(); }

DigestedEvent digest(const std::string& payload, const DigestSettings& settings) {
  SpooledEvent event;
  event.project_id = 1;
  event.event_id = kId;
  event.received_at = 1795223297698;
  event.client_ip = "203.0.113.7";
  event.client = "fuzz/1";
  event.payload = payload;
  return digest_event(event, settings);
}

void check_names(std::string_view text) {
  require(normalise_function_name(text).size() <= 4 * text.size() + 64);
  require(stable_function(text).size() <= 4 * text.size() + 64);
  require(stable_module(text).size() <= text.size() + 16);
  require(stable_file(text).size() <= text.size());
  message_template(text);
  require(stable_message(text).size() <= 8 * text.size() + 64);
  parse_user_agent(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_names(text);
  const auto checked = check_event(text, 1 << 20);
  if (!checked) return 0;
  static const DigestSettings kAsSent = settings_of(R"({"scrubbing":{"enabled":false}})");
  static const DigestSettings kFirstVersion = settings_of(R"({"grouping":{"version":1,"previous_version":2}})");
  static const DigestSettings kWithRules =
      settings_of(R"j({"owners":"*.c @a\n/src/ @b\ntags.*:* @c","grouping":{"rules":[
      {"match":{"type":"*a*","path":"**/*.c","tags.a":"!x"},"fingerprint":["{{ default }}","{{ value }}"],"title":"{{ path }}"}]}})j");
  for (const DigestSettings* settings : {&kAsSent, &kFirstVersion, &kWithRules}) {
    DigestedEvent first;
    try {
      first = digest(checked->json, *settings);
    } catch (const std::exception&) {
      // Only the scrubber may refuse, and only what is nested too deeply for it.
      require(settings->scrubber != nullptr);
      continue;
    }
    require(first.fingerprint.size() == 32 && !first.title.empty());
    const nlohmann::json stored = nlohmann::json::parse(first.payload);
    require(stored.is_object() && stored.contains("event_id"));
    const DigestedEvent again = digest(checked->json, *settings);
    require(again.fingerprint == first.fingerprint && again.payload == first.payload);
    const DigestedEvent twice = digest(first.payload, kAsSent);
    require(twice.event_id == kId && twice.timestamp == first.timestamp);
  }
  return 0;
}
