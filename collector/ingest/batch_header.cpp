#include "collector/ingest/batch_header.h"

#include <algorithm>

#include <simdjson.h>

#include "sdk/core/event_id.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

constexpr std::string_view kBeginning = "{\"trapline_batch\":";
constexpr std::string_view kAddressKey = "\"image_addr\":\"";
constexpr std::size_t kMostImages = 2'000;
/// A longer description of one module would only serve to make small requests large.
constexpr std::size_t kLongestImage = 2'048;

/// More than a ledger with all its reasons has.
constexpr std::size_t kLongestCounters = 8'192;

std::string counters_of(const simdjson::dom::element& batch) {
  simdjson::dom::element run;
  if (batch["run"].get(run) != simdjson::SUCCESS) return {};
  std::string json = "{\"run\":" + simdjson::minify(run);
  for (const char* key : {"release", "ledger"}) {
    simdjson::dom::element value;
    if (batch[key].get(value) != simdjson::SUCCESS) continue;
    json.append(",\"").append(key).append("\":").append(simdjson::minify(value));
  }
  return json.size() < kLongestCounters ? json + '}' : R"({"run":"too long"})";
}

}  // namespace

bool is_batch_header(std::string_view line) { return line.starts_with(kBeginning); }

core::Result<BatchHeader> BatchHeader::read(std::string_view line) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  const simdjson::error_code code = parser.parse(simdjson::padded_string(line)).get(root);
  if (code != simdjson::SUCCESS) {
    return core::Error{"invalid_json",
                       std::string("the batch's first line is not valid JSON: ") + simdjson::error_message(code)};
  }
  BatchHeader header;
  simdjson::dom::element batch;
  if (root["trapline_batch"].get(batch) != simdjson::SUCCESS) return header;
  header.run_counters_ = counters_of(batch);
  std::string_view sent_at;
  if (batch["sent_at"].get_string().get(sent_at) == simdjson::SUCCESS) {
    header.sent_at_ = core::parse_timestamp(sent_at).value_or(0);
  }
  std::string_view run;
  if (batch["run"].get_string().get(run) == simdjson::SUCCESS) {
    header.run_id_ = core::normalise_event_id(run).value_or("");
  }
  simdjson::dom::array images;
  if (batch["debug_meta"]["images"].get_array().get(images) != simdjson::SUCCESS) return header;
  for (const simdjson::dom::element image : images) {
    std::string_view address;
    if (image["image_addr"].get_string().get(address) != simdjson::SUCCESS) continue;
    std::string json = simdjson::minify(image);
    if (json.size() <= kLongestImage) header.images_.emplace_back(address, std::move(json));
    if (header.images_.size() == kMostImages) break;
  }
  std::sort(header.images_.begin(), header.images_.end());
  return header;
}

std::string BatchHeader::complete(std::string json) {
  if (images_.empty() || json.find("\"debug_meta\"") != std::string::npos) return json;
  std::vector<bool> is_named(images_.size());
  bool has_some = false;
  for (std::size_t at = json.find(kAddressKey); at != std::string::npos; at = json.find(kAddressKey, at)) {
    at += kAddressKey.size();
    const std::string_view address = std::string_view(json).substr(at, json.find('"', at) - at);
    const auto found =
        std::lower_bound(images_.begin(), images_.end(), address,
                         [](const auto& image, std::string_view wanted) { return image.first < wanted; });
    if (found == images_.end() || found->first != address) continue;
    is_named[static_cast<std::size_t>(found - images_.begin())] = true;
    has_some = true;
  }
  if (!has_some) return json;
  const std::size_t closing = json.rfind('}');
  std::string debug_meta = ",\"debug_meta\":{\"images\":[";
  for (std::size_t index = 0; index < images_.size(); ++index) {
    const std::size_t size = debug_meta.size() + images_[index].second.size();
    if (!is_named[index] || size > std::min(kMostAddedToEvent, room_)) continue;
    if (debug_meta.back() != '[') debug_meta += ',';
    debug_meta += images_[index].second;
  }
  debug_meta += "]}";
  room_ -= std::min(room_, debug_meta.size());
  json.insert(closing, debug_meta);
  return json;
}

}  // namespace trapline::collector
