#include "collector/digest/search_facts.h"

#include <algorithm>
#include <string>
#include <utility>

#include "collector/digest/event_text.h"
#include "sdk/core/utf8.h"

namespace trapline::collector {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kMostTexts = 64;
constexpr std::size_t kMostFactBytes = std::size_t{8} << 10;
constexpr std::size_t kLongestText = std::size_t{2} << 10;
constexpr std::size_t kLongestField = 200;

/// Takes texts as long as there is room for them.
class TextSink {
 public:
  void add(std::vector<std::string>& texts, std::string_view text) {
    text = core::truncate_utf8(text, std::min(kLongestText, bytes_left_));
    if (text.empty() || left_ == 0 || std::find(texts.begin(), texts.end(), text) != texts.end()) return;
    --left_;
    bytes_left_ -= text.size();
    texts.emplace_back(text);
  }
  [[nodiscard]] bool is_full() const { return left_ == 0 || bytes_left_ == 0; }

 private:
  std::size_t left_ = kMostTexts;
  std::size_t bytes_left_ = kMostFactBytes;
};

/// A list, or {"values": [..]}.
std::vector<element> breadcrumbs_of(const EventMembers& event) {
  std::vector<element> crumbs;
  array list;
  object holder;
  const auto value = event["breadcrumbs"];
  if (value.get_array().get(list) != simdjson::SUCCESS) {
    if (value.get_object().get(holder) != simdjson::SUCCESS) return crumbs;
    if (holder["values"].get_array().get(list) != simdjson::SUCCESS) return crumbs;
  }
  for (const element one : list) crumbs.push_back(one);
  return crumbs;
}

void read_texts(const EventMembers& event, ReadEvent& read, std::string_view message) {
  DigestedEvent& record = read.record;
  TextSink sink;
  sink.add(record.texts, record.title);
  // The title says it where it is short.
  const auto add_new = [&](std::string_view text) {
    if (!record.title.ends_with(text)) sink.add(record.texts, text);
  };
  add_new(record.value);
  add_new(message);
  std::for_each(read.exceptions.rbegin(), read.exceptions.rend(), [&](const EventException& exception) {
    add_new(exception.type);
    if (exception.value != record.value) add_new(exception.value);
  });
  sink.add(record.texts, record.culprit);
  sink.add(record.texts, record.transaction);
  const auto crumbs = breadcrumbs_of(event);
  for (auto crumb = crumbs.rbegin(); crumb != crumbs.rend() && !sink.is_full(); ++crumb) {
    object one;
    if (crumb->get_object().get(one) == simdjson::SUCCESS) sink.add(record.trail_texts, text_field(one, "message"));
  }
}

void read_user_fields(const EventMembers& event, DigestedEvent& record, std::string_view client_ip) {
  const auto user = object_field(event, "user");
  if (!user) return;
  constexpr std::pair<std::string_view, UserField> kFields[] = {{"id", UserField::kId},
                                                                {"email", UserField::kEmail},
                                                                {"username", UserField::kUsername},
                                                                {"ip_address", UserField::kIpAddress}};
  for (const auto& [key, kind] : kFields) {
    std::string value = any_text_field(*user, key);
    if (value == kAutoAddress) value = client_ip;
    if (value.empty()) continue;
    record.user_fields.emplace_back(kind, core::truncate_utf8(value, kLongestField));
  }
}

void read_context_tags(const EventMembers& event, DigestedEvent& record) {
  const auto contexts = object_field(event, "contexts");
  if (!contexts) return;
  for (const std::string_view key : {"browser", "os", "client_os", "runtime"}) {
    const auto context = object_field(*contexts, key);
    if (context) add_context_tag(record, key, text_field(*context, "name"), any_text_field(*context, "version"));
  }
  if (const auto device = object_field(*contexts, "device")) {
    const std::string_view model = text_field(*device, "model");
    add_context_tag(record, "device", model.empty() ? text_field(*device, "family") : model, "");
  }
}

}  // namespace

void add_context_tag(DigestedEvent& record, std::string_view key, std::string_view name, std::string_view version) {
  if (name.empty()) return;
  const auto is_it = [&](const auto& other) { return other.first == key; };
  if (std::any_of(record.tags.begin(), record.tags.end(), is_it)) return;
  std::string value(name);
  if (!version.empty()) value.append(" ").append(version);
  record.context_tags.emplace_back(key, std::move(value));
}

void read_search_facts(const EventMembers& event, ReadEvent& read, std::string_view message,
                       std::string_view client_ip) {
  read_context_tags(event, read.record);
  read_user_fields(event, read.record, client_ip);
  read_texts(event, read, message);
}

}  // namespace trapline::collector
