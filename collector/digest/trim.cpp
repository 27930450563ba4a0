#include "collector/digest/trim.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "collector/digest/json_edit.h"
#include "sdk/core/utf8.h"

namespace trapline::collector {
namespace {

using nlohmann::json;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

/// Parts that go, in this order, from an event that is too large as a whole.
constexpr std::string_view kExpendable[] = {"extra", "breadcrumbs", "modules", "threads", "request", "contexts"};

/// The list with one remark: which rule, what it did, and what range is left.
json removal(std::initializer_list<json> remark) { return json::array({json(json::array_t(remark))}); }

/// Writes the event anew, within its limits. Only for those that are over them.
class Trimmer {
 public:
  explicit Trimmer(const TrimLimits& limits) : limits_(limits) {}

  void write(const element& value) {
    switch (value.type()) {
      case element_type::OBJECT:
        write_object(value.get_object().value_unsafe());
        break;
      case element_type::ARRAY:
        write_array(value.get_array().value_unsafe());
        break;
      case element_type::STRING:
        write_text(value.get_string().value_unsafe());
        break;
      default:
        json_ += simdjson::minify(value);
    }
  }

  void write_object(const object& value) {
    if (path_.size() >= limits_.depth) {
      note({{"rem", removal({"!depth", "x"})}});
      json_ += "null";
      return;
    }
    json_ += '{';
    std::size_t count = 0;
    for (const auto member : value) {
      if (++count > limits_.elements) continue;
      if (count > 1) json_ += ',';
      json_ += json_quoted(member.key);
      json_ += ':';
      path_.emplace_back(member.key);
      write(member.value);
      path_.pop_back();
    }
    json_ += '}';
    if (count > limits_.elements) note({{"len", count}, {"rem", removal({"!limit", "x"})}});
  }

  [[nodiscard]] std::string take(const object& event) {
    if (!notes_.empty()) add_notes(event);
    return std::move(json_);
  }
  void drop(std::string_view part) {
    path_ = {std::string(part)};
    set_json_member(json_, {part}, "null");
    note({{"rem", removal({"!size", "x"})}});
    path_.clear();
  }
  [[nodiscard]] std::size_t size() const { return json_.size(); }

 private:
  void write_array(const array& value) {
    if (path_.size() >= limits_.depth) {
      note({{"rem", removal({"!depth", "x"})}});
      json_ += "null";
      return;
    }
    const std::size_t count = value.size();
    const Kept kept = what_to_keep(count);
    json_ += '[';
    std::size_t index = 0;
    std::size_t written = 0;
    for (const element one : value) {
      const std::size_t own = index++;
      if (own >= kept.first && own < count - kept.last) continue;
      if (written > 0) json_ += ',';
      path_.push_back(std::to_string(written++));
      write(one);
      path_.pop_back();
    }
    json_ += ']';
    if (written < count) note({{"len", count}, {"rem", removal({"!limit", "x"})}});
  }

  struct Kept {
    std::size_t first = 0;
    std::size_t last = 0;
  };
  [[nodiscard]] Kept what_to_keep(std::size_t count) const {
    if (is_under("frames") && count > limits_.frames) return {limits_.frames / 2, limits_.frames - limits_.frames / 2};
    if (!path_.empty() && path_.front() == "breadcrumbs" && path_.size() <= 2 && count > limits_.breadcrumbs) {
      return {0, limits_.breadcrumbs};
    }
    return count > limits_.elements ? Kept{limits_.elements, 0} : Kept{count, 0};
  }

  void write_text(std::string_view text) {
    const std::size_t limit = limit_of_text();
    if (text.size() > limit) {
      note({{"len", text.size()}, {"rem", removal({"!limit", "s", 0, limit})}});
      text = core::truncate_utf8(text, limit);
    }
    json_ += json_quoted(text);
  }
  [[nodiscard]] std::size_t limit_of_text() const {
    if (!path_.empty() && path_.front() == "tags") return limits_.tag_bytes;
    const bool is_message = is_under("value") || is_under("message") || is_under("formatted") || is_under("culprit");
    return is_message && path_.front() != "extra" ? limits_.message_bytes : limits_.text_bytes;
  }
  [[nodiscard]] bool is_under(std::string_view key) const { return !path_.empty() && path_.back() == key; }

  void note(json note) {
    constexpr std::size_t kMostNotes = 200;
    if (notes_.size() < kMostNotes) notes_.emplace_back(path_, std::move(note));
  }
  void add_notes(const object& event) {
    json meta = json::object();
    element own;
    if (event["_meta"].get(own) == simdjson::SUCCESS)
      meta = json::parse(std::string(simdjson::minify(own)), nullptr, false);
    if (!meta.is_object()) meta = json::object();
    for (auto& [path, note] : notes_) {
      json* at = &meta;
      for (const std::string& key : path) {
        at = &(*at)[key];
        if (!at->is_object()) *at = json::object();
      }
      json& own_note = (*at)[""];
      if (own_note.is_object()) {
        for (auto& [key, value] : note.items()) {
          if (key == "rem" && own_note.contains("rem") && own_note["rem"].is_array()) {
            own_note["rem"].insert(own_note["rem"].end(), value.begin(), value.end());
          } else {
            own_note[key] = value;
          }
        }
      } else {
        own_note = note;
      }
    }
    set_json_member(json_, {"_meta"}, meta.dump(-1, ' ', false, json::error_handler_t::replace));
  }

  TrimLimits limits_;
  std::string json_;
  std::vector<std::string> path_;
  std::vector<std::pair<std::vector<std::string>, json>> notes_;
};

/// Whether anything in the value may be over a limit: quick, and never says no wrongly.
bool may_be_over(const element& value, const TrimLimits& limits, std::size_t depth) {
  switch (value.type()) {
    case element_type::STRING:
      return value.get_string().value_unsafe().size() > std::min(limits.message_bytes, limits.text_bytes);
    case element_type::ARRAY: {
      if (depth >= limits.depth) return true;
      const array list = value.get_array().value_unsafe();
      if (list.size() > limits.breadcrumbs) return true;
      for (const element one : list) {
        if (may_be_over(one, limits, depth + 1)) return true;
      }
      return false;
    }
    case element_type::OBJECT: {
      if (depth >= limits.depth) return true;
      std::size_t count = 0;
      const object members = value.get_object().value_unsafe();  // named: the loop would outlive a temporary
      for (const auto member : members) {
        if (++count > limits.elements || may_be_over(member.value, limits, depth + 1)) return true;
      }
      return false;
    }
    default:
      return false;
  }
}

bool has_long_tag(const object& event, const TrimLimits& limits) {
  element tags;
  if (event["tags"].get(tags) != simdjson::SUCCESS) return false;
  TrimLimits short_texts = limits;
  short_texts.text_bytes = limits.tag_bytes;
  return may_be_over(tags, short_texts, 0);
}

bool is_surely_within(const core::JsonOutline& outline, const TrimLimits& limits) {
  // What scrubbing puts in a string's place is short, and its notes nest a little deeper than what they are about.
  constexpr std::size_t kNotesLevels = 4;
  return outline.longest_string <= std::min(limits.message_bytes, limits.text_bytes) &&
         outline.most_elements <= std::min(limits.breadcrumbs, limits.elements) &&
         outline.levels + kNotesLevels <= limits.depth;
}

}  // namespace

std::optional<std::string> trim_event(const object& event, std::size_t event_bytes, const core::JsonOutline* outline,
                                      const TrimLimits& limits) {
  bool is_over = event_bytes > limits.event_bytes || has_long_tag(event, limits);
  if (outline == nullptr || !is_surely_within(*outline, limits)) {
    for (const auto member : event) is_over = is_over || may_be_over(member.value, limits, 1);
  }
  if (!is_over) return std::nullopt;
  Trimmer trimmer(limits);
  trimmer.write_object(event);
  for (const std::string_view part : kExpendable) {
    element value;
    const bool has_part = event[part].get(value) == simdjson::SUCCESS && !value.is_null();
    if (trimmer.size() > limits.event_bytes && has_part) trimmer.drop(part);
  }
  return trimmer.take(event);
}

}  // namespace trapline::collector
