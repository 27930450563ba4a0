#include "collector/http/project_change.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include <nlohmann/json.hpp>

#include "sdk/core/bounded_json.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

Error invalid_project(const std::string& message) { return {"invalid_parameter", message}; }

/// The fields of a body; the first error is kept and ends the reading.
class BodyReader {
 public:
  BodyReader(std::string_view text, std::initializer_list<std::string_view> fields)
      : body_(core::parse_bounded_json(text)) {
    if (!body_.is_object()) {
      error_ = invalid_project("the body is a JSON object");
      return;
    }
    for (const auto& [name, value] : body_.items()) {
      const auto is_it = [&own = name](std::string_view known) { return known == own; };
      if (!std::any_of(fields.begin(), fields.end(), is_it)) {
        error_ = invalid_project("there is no '" + name.substr(0, 60) + "' to be set here");
      }
    }
  }

  void read(const char* field, std::optional<std::string>& target) {
    if (const json* value = find(field, &json::is_string, "a text")) target = value->get<std::string>();
  }
  void read(const char* field, std::optional<bool>& target) {
    if (const json* value = find(field, &json::is_boolean, "true or false")) target = value->get<bool>();
  }
  void read(const char* field, std::optional<std::vector<std::string>>& target) {
    const json* value = find(field, &json::is_array, "a list of texts");
    if (value == nullptr) return;
    target.emplace();
    for (const json& entry : *value) {
      if (!entry.is_string()) {
        error_ = invalid_project(std::string(field) + " takes a list of texts");
        return;
      }
      target->push_back(entry.get<std::string>());
    }
  }
  /// A number, or the word for one.
  void read_limit(const char* field, std::optional<std::int64_t>& target) {
    if (error_ || !body_.contains(field)) return;
    const json& value = body_[field];
    // As text, so that a number and a word are read by the same rules.
    const auto limit = read_rate_limit(value.is_string() ? value.get_ref<const std::string&>() : value.dump());
    if (limit) {
      target = *limit;
    } else {
      error_ = limit.error();
    }
  }

  template <class T>
  Result<T> finish(T value) {
    if (error_) return *std::move(error_);
    return value;
  }

 private:
  const json* find(const char* field, bool (json::*is_right)() const noexcept, std::string_view takes) {
    if (error_ || !body_.contains(field)) return nullptr;
    const json& value = body_[field];
    if ((value.*is_right)()) return &value;
    error_ = invalid_project(std::string(field) + " takes " + std::string(takes));
    return nullptr;
  }

  json body_;
  std::optional<Error> error_;
};

}  // namespace

Result<std::string> read_new_project(std::string_view text) {
  BodyReader body(text, {"name"});
  std::optional<std::string> name;
  body.read("name", name);
  const auto read = body.finish(name);
  if (!read) return read.error();
  if (!name) return invalid_project("the body is {\"name\": \"<the project's name>\"}");
  return *name;
}

Result<ProjectChange> read_project_change(std::string_view text) {
  BodyReader body(
      text, {"name", "require_signature", "allowed_origins", "allowed_ips", "rate_limit_per_hour", "retention_days"});
  ProjectChange change;
  body.read("name", change.name);
  body.read("require_signature", change.require_signature);
  body.read("allowed_origins", change.allowed_origins);
  body.read("allowed_ips", change.allowed_ips);
  body.read_limit("rate_limit_per_hour", change.rate_limit_per_hour);
  body.read_limit("retention_days", change.retention_days);
  return body.finish(std::move(change));
}

Result<NewKey> read_new_key(std::string_view text) {
  BodyReader body(text.empty() ? "{}" : text, {"with_secret", "rate_limit_per_hour"});
  std::optional<bool> with_secret;
  std::optional<std::int64_t> limit;
  body.read("with_secret", with_secret);
  body.read_limit("rate_limit_per_hour", limit);
  return body.finish(NewKey{with_secret.value_or(false), limit.value_or(0)});
}

Result<KeyChange> read_key_change(std::string_view text) {
  BodyReader body(text, {"is_active", "rate_limit_per_hour"});
  KeyChange change;
  body.read("is_active", change.is_active);
  body.read_limit("rate_limit_per_hour", change.rate_limit_per_hour);
  return body.finish(change);
}

}  // namespace trapline::collector
