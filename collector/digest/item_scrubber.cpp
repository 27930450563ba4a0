#include "collector/digest/item_scrubber.h"

#include <initializer_list>
#include <string>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "collector/digest/grouping/part_hash.h"

namespace trapline::collector {
namespace {

using core::Scrubber;
using nlohmann::json;

/// A text of an item, and where an event would have it: there the scrubber treats it as it does in events.
struct Place {
  const char* pointer;  ///< a JSON pointer
  std::string& text;
};

void scrub_texts(const Scrubber& scrubber, std::initializer_list<Place> places) {
  json event = json::object();
  for (const Place& place : places) {
    if (!place.text.empty()) event[json::json_pointer(place.pointer)] = place.text;
  }
  if (event.empty()) return;
  const auto scrubbed = scrubber.scrub_event(event.dump(-1, ' ', false, json::error_handler_t::replace));
  // What the scrubber cannot read is not kept.
  const json left = scrubbed ? json::parse(*scrubbed, nullptr, false) : json();
  for (const Place& place : places) {
    if (place.text.empty()) continue;
    const json::json_pointer pointer(place.pointer);
    const bool is_text = left.is_object() && left.contains(pointer) && left[pointer].is_string();
    place.text = is_text ? left[pointer].get<std::string>() : "[removed]";
  }
}

/// How the items of a project are scrubbed.
struct Rules {
  const Scrubber& scrubber;
  ProjectId project;
  const UserKey& user_key;
};

/// Sessions are counted by their users: one that is private becomes a hash that tells them apart as well.
void scrub_user(const Rules& rules, std::string& user) {
  if (user.empty()) return;
  std::string scrubbed = user;
  scrub_texts(rules.scrubber, {{"/user/id", scrubbed}});
  if (scrubbed == user) return;
  user = hidden_session_user(rules.user_key, rules.project, user);
}

void scrub_content(const Rules& rules, Attachment& file) { file.filename = rules.scrubber.scrub_text(file.filename); }
void scrub_content(const Rules& rules, SessionUpdate& session) { scrub_user(rules, session.user); }
void scrub_content(const Rules& rules, SessionCounts& counts) { scrub_user(rules, counts.user); }
void scrub_content(const Rules& rules, UserReport& report) {
  scrub_texts(rules.scrubber, {{"/user/name", report.name},
                               {"/user/email", report.email},
                               {"/message", report.message},
                               {"/request/url", report.url}});
}
void scrub_content(const Rules&, ClientLoss&) {}
void scrub_content(const Rules&, RunCounters&) {}
void scrub_content(const Rules& rules, CheckIn& check_in) {
  // The settings are JSON themselves: a text that the scrubber looks into.
  scrub_texts(rules.scrubber, {{"/extra/monitor", check_in.monitor}, {"/extra/config", check_in.monitor_config}});
}
void scrub_content(const Rules& rules, Transaction& transaction) {
  scrub_texts(rules.scrubber, {{"/transaction", transaction.name}, {"/extra/operation", transaction.operation}});
}

}  // namespace

std::string hidden_session_user(const UserKey& user_key, ProjectId project, std::string_view user) {
  PartHash hash(user_key);
  hash.add("session user");
  hash.add(std::to_string(project));
  hash.add(user);
  return hash.finish();
}

core::Status ItemScrubber::scrub(std::span<StoredItem> items) {
  for (StoredItem& item : items) {
    const auto settings = settings_.find(item.project_id);
    if (!settings) return settings.error();
    if (!(*settings)->scrubber) continue;
    const Rules rules{*(*settings)->scrubber, item.project_id, user_key_};
    std::visit([&](auto& content) { scrub_content(rules, content); }, item.content);
  }
  return {};
}

}  // namespace trapline::collector
