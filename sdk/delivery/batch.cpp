#include "sdk/delivery/batch.h"

#include "sdk/core/clock.h"
#include "sdk/core/json_writer.h"
#include "sdk/core/timestamp.h"

namespace trapline::sdk {

std::string finished_event(const BufferedItem& item, std::string_view debug_meta) {
  std::string json = item.body;
  if (item.repeat_count == 0 && debug_meta.empty()) return json;
  json.pop_back();  // the closing bracket
  if (item.repeat_count > 0) {
    json += ",\"repeat_count\":" + std::to_string(item.repeat_count) + ",\"repeat_last\":\"" +
            core::format_timestamp(item.repeat_last) + '"';
  }
  if (!debug_meta.empty()) json.append(",\"debug_meta\":").append(debug_meta);
  json += '}';
  return json;
}

std::string batch_body(const std::vector<BufferedItem>& items, std::string_view debug_meta, const RunLedger& ledger) {
  std::size_t bytes = debug_meta.size() + 1024;
  for (const BufferedItem& item : items) bytes += item.body.size() + 64;
  std::string body;
  body.reserve(bytes);
  body += "{\"trapline_batch\":{";
  if (!debug_meta.empty()) body.append("\"debug_meta\":").append(debug_meta).append(",");
  body.append("\"sent_at\":\"").append(core::format_timestamp(core::system_clock().unix_millis())).append("\",");
  core::JsonWriter run;
  run.begin_object().key("run").text(ledger.run_id).optional_text("release", ledger.release);
  body.append(std::string_view(run.end_object().take()).substr(1));
  body.back() = ',';  // in place of the closing bracket
  body.append("\"ledger\":").append(ledger_json(ledger)).append("}}\n");
  for (const BufferedItem& item : items) {
    if (item.repeat_count == 0) {
      body += item.body;
    } else {
      body += finished_event(item);
    }
    body += '\n';
  }
  return body;
}

std::string envelope(std::string_view event_id, std::string_view item_header, std::string_view payload) {
  core::JsonWriter header;
  header.begin_object().optional_text("event_id", event_id);
  header.key("sent_at").text(core::format_timestamp(core::system_clock().unix_millis()));
  std::string text = header.end_object().take();
  text += '\n';
  text += item_header;
  text += '\n';
  text += payload;
  text += '\n';
  return text;
}

std::string ledger_json(const RunLedger& ledger) {
  core::JsonWriter json;
  json.begin_object().key("captured").number(static_cast<std::int64_t>(ledger.captured));
  for (std::size_t fate = 0; fate < kFates; ++fate) {
    const std::uint64_t count = ledger.of(static_cast<Fate>(fate));
    if (count > 0) json.key(discard_reason(static_cast<Fate>(fate))).number(static_cast<std::int64_t>(count));
  }
  return json.end_object().take();
}

}  // namespace trapline::sdk
