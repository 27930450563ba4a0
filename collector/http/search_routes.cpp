#include "collector/http/search_routes.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "collector/http/api_support.h"
#include "collector/http/query_params.h"
#include "collector/storage/search_completion.h"
#include "sdk/core/ascii.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;
using Of = CompletionQuery::Of;

constexpr std::size_t kMostCompletions = 20;
constexpr std::size_t kLongestQuery = 2'000;

bool is_first_byte(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

std::size_t characters_in(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_first_byte));
}

/// Where the character of that number begins, counted from 0.
std::size_t byte_of_character(std::string_view text, std::size_t character) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (is_first_byte(text[at]) && character-- == 0) break;
  }
  return at;
}

/// Gathers what is offered at a place.
class Completions {
 public:
  Completions(Store& store, const CompletionPlace& place, std::optional<ProjectId> project)
      : store_(store), place_(place), project_(project) {}

  Result<json> run() {
    if (!place_.is_value) {
      add_keys();
      add_tag_keys(":");
    } else if (place_.key == nullptr) {
      add_stored(Of::kTagValues);
    } else {
      add_values(*place_.key);
    }
    if (error_) return *error_;
    return std::move(items_);
  }

 private:
  void add(std::string text, std::string_view description = {}) {
    if (items_.size() >= kMostCompletions) return;
    items_.push_back({{"text", std::move(text)}, {"description", description}});
  }

  [[nodiscard]] bool fits(std::string_view word) const {
    return core::to_lower(word).starts_with(core::to_lower(place_.prefix));
  }

  void add_words(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) {
      if (fits(word)) add(std::string(word));
    }
  }

  /// By any of a key's names; the first is offered unless another one is being written.
  void add_keys() {
    for (const SearchKey& key : search_keys()) {
      const auto name = std::find_if(key.names.begin(), key.names.end(), [&](auto one) { return fits(one); });
      if (name != key.names.end()) add(std::string(*name) + ":", key.description);
    }
  }

  std::vector<std::string> ask(Of of) {
    CompletionQuery query;
    query.of = of;
    query.key = place_.tag;
    if (place_.key != nullptr) query.user_field = place_.key->number;
    query.project_id = project_;
    query.prefix = place_.prefix;
    query.limit = kMostCompletions;
    auto found = store_.complete_search(query);
    if (found) return *std::move(found);
    error_ = found.error();
    return {};
  }

  void add_tag_keys(std::string_view end) {
    for (const std::string& key : ask(Of::kTagKeys)) {
      if (auto written = written_tag_key(key)) add(std::move(*written).append(end), "a tag");
    }
  }

  void add_stored(Of of) {
    for (const std::string& value : ask(of)) add(written_value(value));
  }

  void add_values(const SearchKey& key) {
    switch (key.values) {
      case SearchValues::kState:
        return add_words({"unresolved", "resolved", "ignored", "archived", "assigned", "unassigned"});
      case SearchValues::kLevel:
        return add_words({"fatal", "error", "warning", "info", "debug"});
      case SearchValues::kPerson:
        add_words({"me", "none"});
        return add_stored(Of::kAssignees);
      case SearchValues::kRelease:
        return add_stored(Of::kReleases);
      case SearchValues::kUser:
        return add_stored(Of::kUsers);
      case SearchValues::kTime:
        return add_words({"-1h", "-24h", "-7d", "-30d", "+30d"});
      case SearchValues::kText:
        if (key.field == SearchField::kEnvironment) add_stored(Of::kEnvironments);
        return;
      case SearchValues::kKey:
        add_words({"release", "environment", "assigned", "culprit", "type", "user", "user.id", "user.email"});
        return add_tag_keys("");
      case SearchValues::kNumber:
        return;
    }
  }

  Store& store_;
  const CompletionPlace& place_;
  std::optional<ProjectId> project_;
  json items_ = json::array();
  std::optional<core::Error> error_;
};

/// The parameter, in bytes; the text's end when it is not given.
Result<std::size_t> read_position(const HttpRequest& request, std::string_view text) {
  const std::string_view given = request.query_value("position");
  if (given.empty()) return text.size();
  std::size_t character = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), character);
  if (error != std::errc{} || end != given.data() + given.size()) {
    return Error{"invalid_parameter", "the parameter 'position' takes a number of characters, not '" +
                                          std::string(given.substr(0, 80)) + "'"};
  }
  return byte_of_character(text, character);
}

HttpReply complete(const ApiContext& context, const HttpRequest& request) {
  const std::string_view text = request.query_value("query");
  if (text.size() > kLongestQuery) return error_reply(Error{"invalid_query", "a search has at most 2000 bytes"});
  const auto project = read_project_param(request);
  if (!project) return error_reply(project.error());
  const auto position = read_position(request, text);
  if (!position) return error_reply(position.error());
  const CompletionPlace place = find_completion_place(text, *position);
  auto items = Completions(context.store, place, *project).run();
  if (!items) return error_reply(items.error());
  return json_reply({{"items", *std::move(items)},
                     {"from", characters_in(text.substr(0, place.from))},
                     {"to", characters_in(text.substr(0, place.to))}});
}

HttpReply list_tags(const ApiContext& context, const HttpRequest& request) {
  const auto issue = issue_of_path(context, request);
  if (!issue) return error_reply(issue.error());
  const auto tags = context.store.list_issue_tags(issue->id);
  if (!tags) return error_reply(tags.error());
  json items = json::array();
  for (const IssueTag& tag : *tags) {
    json values = json::array();
    for (const IssueTag::Value& value : tag.values) {
      values.push_back({{"value", value.value.empty() ? json(nullptr) : json(value.value)},
                        {"count", value.count},
                        {"last_seen", core::format_timestamp(value.last_seen)}});
    }
    items.push_back({{"key", tag.key}, {"value_count", tag.value_count}, {"values", std::move(values)}});
  }
  return json_reply({{"items", std::move(items)}, {"next_cursor", nullptr}});
}

}  // namespace

void add_search_routes(Router& router, const ApiContext& context) {
  add_reading(router, context, "/api/v1/issues/completions", complete);
  add_reading(router, context, "/api/v1/issues/{id}/tags", list_tags);
}

}  // namespace trapline::collector
