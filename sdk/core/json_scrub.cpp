#include "sdk/core/json_scrub.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>

#include "sdk/core/ascii.h"
#include "sdk/core/byte_block.h"
#include "sdk/core/json_text.h"
#include "sdk/core/scrub_shapes.h"

namespace trapline::core {
namespace {

constexpr std::size_t kMostLevels = 1'024;
constexpr std::size_t kMostNotes = 100;
constexpr std::size_t kShortestCard = 12;
constexpr std::string_view kRemoved = "[removed]";
constexpr std::string_view kMeta = "_meta";

/// A few names, with a quick no for most others: of each first character and length, one bit of 64.
class Names {
 public:
  template <std::size_t N>
  explicit constexpr Names(const std::string_view (&names)[N]) : begin_(names), end_(names + N) {
    for (const std::string_view name : names) bits_ |= bit_of(name);
  }
  [[nodiscard]] bool contains(std::string_view name) const {
    if (name.empty() || (bits_ & bit_of(name)) == 0) return false;
    return std::find(begin_, end_, name) != end_;
  }

 private:
  static constexpr std::uint64_t bit_of(std::string_view name) {
    return std::uint64_t{1} << ((static_cast<unsigned char>(name.front()) * std::size_t{5} + name.size() * 7) & 63U);
  }
  const std::string_view* begin_;
  const std::string_view* end_;
  std::uint64_t bits_ = 0;
};

/// What the event format itself puts there: no person's data, and useless when changed.
constexpr std::string_view kOwnFieldNames[] = {"event_id", "timestamp", "platform",   "level",       "release",
                                               "dist",     "sdk",       "debug_meta", "modules",     "_meta",
                                               "type",     "received",  "sent_at",    "repeat_count"};
constexpr Names kOwnFields(kOwnFieldNames);
constexpr std::string_view kOwnLeafNames[] = {
    "trace_id", "span_id",          "parent_span_id", "thread_id",    "event_id",  "timestamp", "debug_id",
    "code_id",  "instruction_addr", "image_addr",     "symbol_addr",  "addr_mode", "version",   "kernel_version",
    "build",    "start_time",       "boot_time",      "exception_id", "parent_id"};
constexpr Names kOwnLeaves(kOwnLeafNames);
/// Under these, names are the app's, not the format's.
constexpr std::string_view kAppsNames[] = {"extra", "tags",    "user",    "request", "data",
                                           "vars",  "headers", "cookies", "env"};
constexpr Names kApps(kAppsNames);
constexpr std::string_view kContextNames[] = {"trace", "os", "device", "app", "runtime", "browser", "culture", "gpu"};
constexpr Names kFormatContexts(kContextNames);
constexpr std::string_view kFramePathNames[] = {"function", "raw_function", "filename", "abs_path",
                                                "module",   "package",      "symbol"};
constexpr Names kFramePaths(kFramePathNames);
constexpr std::string_view kFrameSourceNames[] = {"context_line", "pre_context", "post_context"};
constexpr Names kFrameSource(kFrameSourceNames);

SixteenBytes::Places quotes_and_escapes(const SixteenBytes& bytes) { return bytes.equal('"') | bytes.equal('\\'); }

std::size_t find_quote_or_escape(std::string_view text, std::size_t at) {
  for (; at < text.size(); at += ByteBlock::kBytes) {
    const std::uint32_t places = ByteBlock::load(text, at).where(quotes_and_escapes);
    if (places != 0) return at + static_cast<std::size_t>(std::countr_zero(places));
  }
  return text.size();
}

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

/// Most JSON has none.
inline void JsonScrub::skip_blanks() {
  while (at_ < json_.size() && json_[at_] <= ' ' && is_blank(json_[at_])) ++at_;
}

Result<std::string> JsonScrub::run() {
  const Error invalid{"invalid_json",
                      "the event could not be scrubbed: it is not one JSON object, or nested too deeply"};
  if (kind_ == Kind::kEvent) {
    skip_blanks();
    if (at_ >= json_.size() || json_[at_] != '{') return invalid;
  }
  if (!scan()) return invalid;
  if (!has_change_) return std::string(json_);
  if (kind_ == Kind::kEvent && !notes_.empty() && !has_meta_) {
    const std::size_t closing = json_.rfind('}');
    const std::string notes = notes_as_json();
    replace(closing, closing, notes);
    outline_.members.push_back({kMeta, 0, result_.size() - notes.size() + notes.find('{')});
  }
  result_.append(json_, copied_);
  return std::move(result_);
}

/// Reads one value and what surrounds it. False when the text is not JSON.
bool JsonScrub::scan() {
  levels_.reserve(16);
  bool is_done = false;
  while (!is_done) {
    skip_blanks();
    if (at_ >= json_.size()) return false;
    if (!levels_.empty() && !levels_.back().is_array && !read_key()) return false;
    if (!read_value() || !finish_value(is_done)) return false;
  }
  skip_blanks();
  return at_ == json_.size();
}

/// A key with its colon, unless the object ends here (only an empty one may).
bool JsonScrub::read_key() {
  if (json_[at_] != '"') return false;
  std::size_t end = 0;
  bool has_escape = false;
  if (!find_string_end(at_ + 1, end, has_escape)) return false;
  Level& level = levels_.back();
  const std::size_t key_begin = at_ + 1;
  level.key = json_.substr(key_begin, end - key_begin);
  at_ = end + 1;
  skip_blanks();
  if (at_ >= json_.size() || json_[at_] != ':') return false;
  ++at_;
  skip_blanks();
  // What cannot be read cannot be trusted.
  level.treatment =
      has_escape ? treatment_of(unescape_json(level.key).value_or("password")) : treatment_of_written(level.key);
  if (levels_.size() == 1) {
    has_meta_ = has_meta_ || level.key == "_meta";
    outline_.has_escaped_name = outline_.has_escaped_name || has_escape;
    outline_.members.push_back({level.key, at_, result_.size() + at_ - copied_});
  }
  const bool is_apps_name = level.is_apps || kind_ == Kind::kNested;
  if (is_apps_name && level.treatment == Treatment::kScrub) scrub_key(key_begin, end, has_escape);
  return at_ < json_.size();
}

/// Names hold private data, too: {"ada@example.com": 3}. The notes do not repeat it.
void JsonScrub::scrub_key(std::size_t begin, std::size_t end, bool has_escape) {
  const std::size_t before = copied_;
  ++values_;
  levels_.back().key = "[key]";
  scrub_string(begin, end, has_escape, Treatment::kScrub);
  if (copied_ == before) levels_.back().key = json_.substr(begin, end - begin);
}

/// treatment_of() for a key without escapes, which is remembered as it stands in the text.
JsonScrub::Treatment JsonScrub::treatment_of_written(std::string_view key) {
  const Level& level = levels_.back();
  if (level.inherited != Treatment::kScrub) return level.inherited;
  if (key.empty()) return treatment_of(key);
  const unsigned place = (levels_.size() == 1 ? 1U : 0U) | (level.is_apps ? 2U : 0U) | (level.is_frame ? 4U : 0U);
  const auto letter = [&](std::size_t index) { return std::uint32_t{static_cast<unsigned char>(key[index])}; };
  const std::uint32_t some = letter(0) | letter(key.size() / 2) << 8U | letter(key.size() - 1) << 16U |
                             static_cast<std::uint32_t>(key.size() << 24U);
  constexpr std::uint32_t kGolden = 0x9E3779B1U;  // multiplicative hashing (D. E. Knuth, TAOCP 3, 6.4)
  KnownKey& known = known_keys_[((some ^ place << 27U) * kGolden) >> (32U - kKnownKeyBits)];
  if (known.place != place || known.key != key) known = {key, place, treatment_of(key)};
  return known.treatment;
}

JsonScrub::Treatment JsonScrub::treatment_of(std::string_view key) const {
  const Level& level = levels_.back();
  if (level.inherited != Treatment::kScrub) return level.inherited;
  if (kind_ == Kind::kEvent && !level.is_apps) {
    const bool is_own = levels_.size() == 1 && (kOwnFields.contains(key) || (context_.keeps_user && key == "user"));
    if (is_own) return Treatment::kLeave;
    if (kOwnLeaves.contains(key)) return Treatment::kLeaf;
    if (level.is_frame && kFramePaths.contains(key)) return Treatment::kPath;
    if (level.is_frame && kFrameSource.contains(key)) return Treatment::kSource;
  }
  return context_.keys.matches(key) ? Treatment::kRemove : Treatment::kScrub;
}

JsonScrub::Treatment JsonScrub::current_treatment() const {
  if (levels_.empty()) return Treatment::kScrub;
  const Level& level = levels_.back();
  if (!level.is_array) return level.treatment;
  const bool is_secret_of_pair = level.index == 1 && level.first_is_sensitive && level.inherited == Treatment::kScrub;
  return is_secret_of_pair ? Treatment::kRemove : level.inherited;
}

bool JsonScrub::open(bool is_array) {
  if (levels_.size() == kMostLevels) return false;
  Level level;
  level.is_array = is_array;
  level.inherited = current_treatment();
  if (level.inherited == Treatment::kLeaf) level.inherited = Treatment::kScrub;
  if (!levels_.empty()) {
    const Level& parent = levels_.back();
    const std::string_view above = levels_.size() > 1 ? levels_[levels_.size() - 2].key : std::string_view();
    const bool is_list_of_frames =
        is_array && !parent.is_array && parent.key == "frames" && above.ends_with("stacktrace");
    const bool is_frame = !is_array && parent.is_array && parent.is_frame;
    level.is_frame = is_list_of_frames || is_frame;
    const bool is_apps_context =
        levels_.size() == 2 && levels_[0].key == "contexts" && !kFormatContexts.contains(parent.key);
    level.is_apps = parent.is_apps || is_apps_context || (!parent.is_array && kApps.contains(parent.key));
  }
  levels_.push_back(level);
  outline_.levels = std::max(outline_.levels, levels_.size());
  ++at_;
  return true;
}

/// A whole leaf, or the opening of an object or array that is not empty.
bool JsonScrub::read_value() {
  const char first = json_[at_];
  ++values_;
  if (first == '{' || first == '[') {
    const bool is_array = first == '[';
    if (!open(is_array)) return false;
    skip_blanks();
    if (at_ >= json_.size()) return false;
    if (json_[at_] == (is_array ? ']' : '}')) return true;  // empty: finish_value() closes it
    if (!is_array && !read_key()) return false;
    return read_value();
  }
  if (first != '"') return read_literal();
  std::size_t end = 0;
  bool has_escape = false;
  const std::size_t begin = at_ + 1;
  if (!find_string_end(begin, end, has_escape)) return false;
  outline_.longest_string = std::max(outline_.longest_string, end - begin);
  if (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.is_array && level.index == 0 && levels_.size() > 1) {
      const std::string_view name = json_.substr(begin, end - begin);
      // In the format's own lists, such as lines of source, two texts are no pair.
      const bool may_be_pair =
          levels_[levels_.size() - 2].is_array ||
          (level.is_apps && name.find(' ') == std::string_view::npos && is_one_value_left(end + 1));
      level.first_is_sensitive = may_be_pair && context_.keys.matches(name);
    }
  }
  scrub_string(begin, end, has_escape, current_treatment());
  at_ = end + 1;
  return true;
}

/// Whether the list goes on with one text or number and ends: ["password","x"] is a pair, a list of names is none.
bool JsonScrub::is_one_value_left(std::size_t at) const {
  const auto skip = [&] {
    while (at < json_.size() && is_blank(json_[at])) ++at;
  };
  skip();
  if (at >= json_.size() || json_[at] != ',') return false;
  ++at;
  skip();
  bool has_escape = false;
  if (at < json_.size() && json_[at] == '"') {
    if (!find_string_end(at + 1, at, has_escape)) return false;
    ++at;
  } else {
    at = std::min(json_.find_first_of(",]{[\"", at), json_.size());
  }
  skip();
  return at < json_.size() && json_[at] == ']';
}

bool JsonScrub::read_literal() {
  const std::size_t begin = at_;
  const auto belongs = [](char c) { return is_alnum(c) || c == '-' || c == '+' || c == '.'; };
  while (at_ < json_.size() && belongs(json_[at_])) ++at_;
  const std::string_view literal = json_.substr(begin, at_ - begin);
  if (literal == "true" || literal == "false" || literal == "null") return true;
  const bool is_number =
      !literal.empty() && (is_digit(literal.front()) || (literal.size() > 1 && literal.front() == '-'));
  if (!is_number) return false;
  const Treatment treatment = current_treatment();
  if (treatment == Treatment::kRemove) {
    replace(begin, at_, "\"[removed]\"");
    note("secret");
  } else if (treatment == Treatment::kScrub && context_.rules.cards && literal.size() >= kShortestCard) {
    const Finding card = shapes::card(literal, 0);
    if (card.end == literal.size()) {
      replace(begin, at_, "\"[card]\"");
      note("card");
    }
  }
  return true;
}

/// Reads what follows a value: commas, and the ends of what is open. `is_done` when the outermost value ended.
bool JsonScrub::finish_value(bool& is_done) {
  while (true) {
    if (levels_.empty()) {
      is_done = true;
      return true;
    }
    skip_blanks();
    if (at_ >= json_.size()) return false;
    Level& level = levels_.back();
    const char c = json_[at_];
    if (c == ',') {
      ++at_;
      ++level.index;
      return true;
    }
    if (c != (level.is_array ? ']' : '}')) return false;
    ++at_;
    outline_.most_elements = std::max(outline_.most_elements, level.index + 1);
    levels_.pop_back();
  }
}

bool JsonScrub::find_string_end(std::size_t begin, std::size_t& end, bool& has_escape) const {
  std::size_t at = find_quote_or_escape(json_, begin);
  if (at == json_.size()) return false;
  has_escape = json_[at] == '\\';
  while (at < json_.size() && json_[at] != '"') at += json_[at] == '\\' ? 2 : 1;
  end = at;
  return at < json_.size();
}

void JsonScrub::scrub_string(std::size_t begin, std::size_t end, bool has_escape, Treatment treatment) {
  if (begin == end || treatment == Treatment::kLeave || treatment == Treatment::kLeaf) return;
  const std::string_view inside = json_.substr(begin, end - begin);
  if (treatment == Treatment::kRemove) {
    if (inside == kRemoved) return;
    replace(begin, end, kRemoved);
    note("secret");
    return;
  }
  const bool has_patterns = treatment == Treatment::kScrub && !context_.patterns.empty();
  if (!has_escape && !has_patterns) {
    scrub_plain(begin, inside, treatment);
    return;
  }
  std::optional<std::string> text = unescape_json(inside);
  // What cannot be read cannot be trusted.
  if (!text) {
    replace(begin, end, kRemoved);
    note("unreadable");
    return;
  }
  scrub_escaped(begin, end, std::move(*text), treatment);
}

/// The text stands in the JSON as it is: what is found is replaced there.
void JsonScrub::scrub_plain(std::size_t begin, std::string_view text, Treatment treatment) {
  text_begin_ = begin;
  find_in(text, treatment);
}

/// The text had escapes: what is found is replaced in it, and the result is escaped again.
void JsonScrub::scrub_escaped(std::size_t begin, std::size_t end, std::string text, Treatment treatment) {
  bool is_changed = false;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool may_be_json = first != std::string::npos && (text[first] == '{' || text[first] == '[');
  if (may_be_json && kind_ == Kind::kEvent && treatment == Treatment::kScrub) {
    JsonScrub nested(text, context_, Kind::kNested);
    auto scrubbed = nested.run();
    if (scrubbed && nested.has_change_) {
      for (const Note& one : nested.notes_) {
        for (const std::string& rule : one.rules) note(rule);
      }
      text = std::move(*scrubbed);
      is_changed = true;
    }
  }
  if (!is_changed) {
    std::string rewritten;
    rewritten_ = &rewritten;
    rewritten_from_ = text;
    rewritten_copied_ = 0;
    find_in(text, treatment);
    rewritten_ = nullptr;
    if (rewritten_copied_ > 0) {
      rewritten.append(text, rewritten_copied_);
      text = std::move(rewritten);
      is_changed = true;
    }
  }
  if (treatment == Treatment::kScrub && !context_.patterns.empty()) {
    context_.patterns.apply(text, [&](const std::string& rule) {
      note(rule);
      is_changed = true;
    });
  }
  if (!is_changed) return;
  std::string inside;
  append_json_escaped(inside, text);
  replace(begin, end, inside);
}

void JsonScrub::find_in(std::string_view text, Treatment treatment) {
  if (treatment == Treatment::kPath) {
    find_home_folders(text, *this);
    return;
  }
  if (treatment == Treatment::kSource) {
    TextRules rules = context_.rules;
    rules.assignments = false;
    find_private(text, rules, context_.keys, *this);
    return;
  }
  find_private(text, context_.rules, context_.keys, *this);
}

void JsonScrub::found(const Finding& finding) {
  if (rewritten_ != nullptr) {
    rewritten_->append(rewritten_from_, rewritten_copied_, finding.begin - rewritten_copied_);
    *rewritten_ += finding.replacement;
    rewritten_copied_ = finding.end;
  } else {
    replace(text_begin_ + finding.begin, text_begin_ + finding.end, finding.replacement);
  }
  note(finding.rule);
}

void JsonScrub::replace(std::size_t begin, std::size_t end, std::string_view with) {
  if (!has_change_) result_.reserve(json_.size() + 256);
  has_change_ = true;
  result_.append(json_, copied_, begin - copied_);
  result_ += with;
  copied_ = end;
}

void JsonScrub::note(std::string_view rule) {
  const bool is_same_place = !notes_.empty() && notes_.back().value == values_;
  if (!is_same_place) {
    if (notes_.size() == kMostNotes) return;
    Note fresh;
    fresh.value = values_;
    for (const Level& level : levels_) {
      fresh.path.push_back(level.is_array ? std::to_string(level.index) : std::string(level.key));
    }
    const bool has_same_path = !notes_.empty() && notes_.back().path == fresh.path;  // a name and its value
    if (!has_same_path) notes_.push_back(std::move(fresh));
  }
  std::vector<std::string>& rules = notes_.back().rules;
  if (std::find(rules.begin(), rules.end(), rule) == rules.end()) rules.emplace_back(rule);
}

/// The notes' paths are in the order of the text, so neighbours share their beginnings.
std::string JsonScrub::notes_as_json() const {
  std::string meta = ",\"_meta\":{";
  std::vector<std::string> opened;
  bool needs_comma = false;
  for (const Note& one : notes_) {
    std::size_t shared = 0;
    while (shared < opened.size() && shared < one.path.size() && opened[shared] == one.path[shared]) ++shared;
    for (std::size_t level = opened.size(); level > shared; --level) meta += '}';
    opened.resize(shared);
    for (std::size_t level = shared; level < one.path.size(); ++level) {
      if (needs_comma) meta += ',';
      meta.append("\"").append(one.path[level]).append("\":{");
      opened.push_back(one.path[level]);
      needs_comma = false;
    }
    if (needs_comma) meta += ',';
    meta += R"("":{"rem":[)";
    for (std::size_t index = 0; index < one.rules.size(); ++index) {
      if (index > 0) meta += ',';
      meta.append("[\"").append(one.rules[index]).append("\",\"s\"]");
    }
    meta += "]}";
    needs_comma = true;
  }
  meta.append(opened.size(), '}');
  meta += '}';
  return meta;
}

}  // namespace trapline::core
