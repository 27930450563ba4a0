#include "collector/storage/search_parser.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "collector/storage/records.h"
#include "collector/storage/search_keys.h"
#include "collector/storage/time_span.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kMostBytes = 2'000;
constexpr std::size_t kMostTerms = 32;
constexpr std::size_t kMostDepth = 16;
constexpr std::ptrdiff_t kMostStars = 5;  ///< what matching costs grows with each
constexpr std::ptrdiff_t kMostStarsInAll = 20;

struct SearchWord {
  std::string text;
  bool is_quoted = false;
};

class SearchParser {
 public:
  SearchParser(std::string_view text, const SearchContext& context) : text_(text), context_(context) {}

  core::Result<Search> parse() {
    if (text_.size() > kMostBytes) {
      return core::Error{"invalid_query", "a search has at most " + std::to_string(kMostBytes) + " bytes"};
    }
    skip_blanks();
    Search search;
    if (at_ < text_.size()) search = read_any();
    if (!error_ && at_ < text_.size()) fail(at_, "there is no '(' before this ')'");
    if (error_) return *std::move(error_);
    return search;
  }

 private:
  void fail(std::size_t at, const std::string& what) {
    if (error_) return;
    const auto is_first_byte = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
    const std::string_view before = text_.substr(0, std::min(at, text_.size()));
    const auto column = std::count_if(before.begin(), before.end(), is_first_byte) + 1;
    error_ = core::Error{"invalid_query", "column " + std::to_string(column) + ": " + what};
  }

  void skip_blanks() {
    while (at_ < text_.size() && is_search_blank(text_[at_])) ++at_;
  }
  [[nodiscard]] bool is_next(char c) const { return at_ < text_.size() && text_[at_] == c; }
  /// Takes a word of the language, where it stands by itself.
  bool take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    const std::size_t end = at_ + word.size();
    if (end < text_.size() && !is_search_blank(text_[end]) && text_[end] != '(' && text_[end] != ')') return false;
    at_ = end;
    skip_blanks();
    return true;
  }

  SearchNode read_any() {
    SearchNode node;
    node.kind = SearchNode::Kind::kAny;
    do {
      node.parts.push_back(read_all());
    } while (!error_ && take("OR"));
    return node.parts.size() == 1 ? SearchNode(std::move(node.parts.front())) : node;
  }

  SearchNode read_all() {
    SearchNode node;
    bool has_and = false;
    do {
      node.parts.push_back(read_factor());
      has_and = !error_ && take("AND");
    } while (has_and || (!error_ && at_ < text_.size() && !is_next(')') && !is_or()));
    return node.parts.size() == 1 ? SearchNode(std::move(node.parts.front())) : node;
  }
  bool is_or() {
    const std::size_t here = at_;
    const bool is_or = take("OR");
    at_ = here;
    return is_or;
  }

  SearchNode read_factor() {
    const std::size_t begin = at_;
    if (take("AND") || take("OR")) fail(begin, "a word or a condition is missing before this");
    const bool is_sign = is_next('!') || (is_next('-') && !key_name(at_ + 1).empty());
    if (is_sign) ++at_;
    if (is_sign || take("NOT")) {
      skip_blanks();
      return negated(deeper(begin, [this] { return read_factor(); }));
    }
    if (!is_next('(')) return read_term();
    ++at_;
    skip_blanks();
    SearchNode inside = deeper(begin, [this] { return read_any(); });
    if (!error_ && !is_next(')')) fail(begin, "this '(' has no ')'");
    ++at_;
    skip_blanks();
    return inside;
  }

  template <class Read>
  SearchNode deeper(std::size_t begin, Read read) {
    if (depth_ == kMostDepth) {
      fail(begin, "parentheses and negations go at most " + std::to_string(kMostDepth) + " levels deep");
      return {};
    }
    ++depth_;
    SearchNode node = read();
    --depth_;
    return node;
  }

  static SearchNode negated(SearchNode node) {
    SearchNode negation;
    negation.kind = SearchNode::Kind::kNot;
    negation.parts.push_back(std::move(node));
    return negation;
  }

  SearchNode leaf(SearchTerm term) {
    if (++terms_ > kMostTerms) fail(at_, "a search has at most " + std::to_string(kMostTerms) + " conditions");
    SearchNode node;
    node.kind = SearchNode::Kind::kTerm;
    node.term = std::move(term);
    return node;
  }

  SearchNode read_term() {
    if (at_ >= text_.size() || is_next(')')) {
      fail(at_, "a word or a condition is missing here");
      return {};
    }
    if (const std::string_view name = key_name(at_); !name.empty()) return read_condition(name);
    SearchWord word = read_word(false);
    skip_blanks();
    return leaf({SearchField::kText, SearchOperator::kEqual, std::move(word.text), 0, {}, word.is_quoted});
  }

  /// What stands here before a colon, as it is written; nothing where the colon belongs to text.
  [[nodiscard]] std::string_view key_name(std::size_t begin) const {
    std::size_t end = begin;
    if (text_.substr(std::min(begin, text_.size())).starts_with(kTagBegin)) {
      end = text_.find(']', begin);
      if (end == std::string_view::npos || end == begin + kTagBegin.size()) return {};
      ++end;
    } else if (begin < text_.size() && text_[begin] != '-') {
      while (end < text_.size() && is_of_search_key(text_[end])) ++end;
    }
    const std::string_view rest = text_.substr(std::min(end, text_.size()));
    const bool is_key = rest.starts_with(':') && !rest.starts_with("::") && !rest.starts_with("://");
    return is_key ? text_.substr(begin, end - begin) : std::string_view();
  }

  /// The key of that name: one of those that are always there, or a tag's, whose own name is put into `tag`.
  const SearchKey* key_of(std::size_t begin, std::string_view name, std::string& tag) {
    static const SearchKey kTagKey{SearchField::kTag, SearchValues::kText, {"a tag"}, ""};
    if (name.starts_with(kTagBegin) && name.ends_with(']')) {
      tag = name.substr(kTagBegin.size(), name.size() - kTagBegin.size() - 1);
      return &kTagKey;
    }
    if (const SearchKey* key = find_search_key(name)) return key;
    const std::string_view meant = nearest_search_key(name);
    tag = name;
    if (meant.empty()) return &kTagKey;
    fail(begin, "there is no key '" + tag + "', did you mean '" + std::string(meant) +
                    "'? A tag of that name is tags[" + tag + "], and text is written in quotes");
    return nullptr;
  }

  /// Up to a blank, a parenthesis or, in a list, a comma or bracket.
  SearchWord read_word(bool is_in_list) {
    if (is_next('"')) return read_quoted();
    const std::size_t begin = at_;
    const auto ends = [&](char c) {
      return is_search_blank(c) || c == '"' || c == '(' || c == ')' || (is_in_list && (c == ',' || c == ']'));
    };
    while (at_ < text_.size() && !ends(text_[at_])) ++at_;
    if (at_ == begin) fail(begin, "a word is missing here");
    return {std::string(text_.substr(begin, at_ - begin)), false};
  }

  SearchWord read_quoted() {
    const std::size_t begin = at_;
    SearchWord word{{}, true};
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      const bool is_escape = text_[at_] == '\\' && at_ + 1 < text_.size();
      if (is_escape && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\')) ++at_;
      word.text += text_[at_];
    }
    if (at_ >= text_.size()) fail(begin, "this quote is not closed");
    ++at_;
    if (!error_ && word.text.empty()) fail(begin, "there is nothing in these quotes");
    return word;
  }

  SearchNode read_condition(std::string_view name) {
    std::string tag;
    const SearchKey* const key = key_of(at_, name, tag);
    if (key == nullptr) return {};
    at_ += name.size() + 1;
    if (at_ >= text_.size() || is_search_blank(text_[at_])) {
      fail(at_, "a value is missing here; as text, '" + std::string(name) + ":' is written in quotes");
      return {};
    }
    const bool is_not = is_next('!');
    if (is_not) ++at_;
    SearchNode node = is_next('[') ? read_list(*key, tag) : read_value(*key, tag, false);
    skip_blanks();
    return is_not ? negated(std::move(node)) : node;
  }

  SearchNode read_list(const SearchKey& key, const std::string& tag) {
    const std::size_t begin = at_;
    SearchNode node;
    node.kind = SearchNode::Kind::kAny;
    do {
      ++at_;
      skip_blanks();
      node.parts.push_back(read_value(key, tag, true));
      skip_blanks();
    } while (!error_ && is_next(','));
    if (!error_ && !is_next(']')) fail(begin, "this list is not closed; it is written [a, b]");
    ++at_;
    return node;
  }

  SearchOperator read_comparison() {
    const bool is_less = is_next('<');
    if (!is_less && !is_next('>')) return SearchOperator::kEqual;
    ++at_;
    const bool is_or_equal = is_next('=');
    if (is_or_equal) ++at_;
    if (is_less) return is_or_equal ? SearchOperator::kLessOrEqual : SearchOperator::kLess;
    return is_or_equal ? SearchOperator::kGreaterOrEqual : SearchOperator::kGreater;
  }

  SearchNode read_value(const SearchKey& key, const std::string& tag, bool is_in_list) {
    const std::size_t begin = at_;
    const SearchOperator comparison = read_comparison();
    const SearchWord word = read_word(is_in_list);
    if (error_) return {};
    const bool is_ordered = key.values == SearchValues::kNumber || key.values == SearchValues::kTime ||
                            key.values == SearchValues::kLevel || key.values == SearchValues::kRelease;
    if (comparison != SearchOperator::kEqual && !is_ordered) {
      fail(begin, "'" + (tag.empty() ? std::string(key.names.front()) : tag) +
                      "' has no order: it takes no < or >; what begins with one is written in quotes");
      return {};
    }
    switch (key.values) {
      case SearchValues::kState:
        return read_state(begin, word.text);
      case SearchValues::kLevel:
        return read_level(begin, comparison, word.text);
      case SearchValues::kPerson:
        return read_person(begin, word);
      case SearchValues::kText:
      case SearchValues::kUser:
        return read_text(begin, {key.field, SearchOperator::kEqual, word.text, key.number, tag}, word.is_quoted);
      case SearchValues::kRelease:
        return read_release(begin, comparison, word);
      case SearchValues::kNumber:
        return read_number(begin, key.field, comparison, word.text);
      case SearchValues::kTime:
        return read_time(begin, key.field, comparison, word.text);
      case SearchValues::kKey:
        break;
    }
    return read_presence(begin, word.text);
  }

  /// The term, with a pattern where there are stars.
  SearchNode read_text(std::size_t begin, SearchTerm term, bool is_quoted) {
    const auto stars = is_quoted ? 0 : std::count(term.text.begin(), term.text.end(), '*');
    if (stars > kMostStars) fail(begin, "a value has at most " + std::to_string(kMostStars) + " stars");
    stars_ += stars;
    if (stars_ > kMostStarsInAll) fail(begin, "a search has at most " + std::to_string(kMostStarsInAll) + " stars");
    if (stars > 0) term.comparison = SearchOperator::kMatches;
    return leaf(std::move(term));
  }

  SearchNode read_release(std::size_t begin, SearchOperator comparison, const SearchWord& word) {
    SearchTerm term{SearchField::kRelease, comparison, word.text, 0};
    if (comparison == SearchOperator::kEqual) return read_text(begin, std::move(term), word.is_quoted);
    if (word.text.find('*') != std::string::npos) fail(begin, "a release to compare with has no stars");
    return leaf(std::move(term));
  }

  SearchNode read_state(std::size_t begin, const std::string& word) {
    if (const auto status = parse_issue_status(word)) {
      return leaf({SearchField::kStatus, SearchOperator::kEqual, {}, static_cast<std::int64_t>(*status)});
    }
    if (word == "assigned" || word == "unassigned") {
      SearchNode is_set = leaf({SearchField::kAssignee, SearchOperator::kIsSet, {}, 0});
      return word == "assigned" ? is_set : negated(std::move(is_set));
    }
    fail(begin, "'is' takes unresolved, resolved, ignored, archived, assigned or unassigned");
    return {};
  }

  SearchNode read_level(std::size_t begin, SearchOperator comparison, const std::string& word) {
    const auto level = parse_level(word);
    if (!level) {
      fail(begin, "'level' takes fatal, error, warning, info or debug");
      return {};
    }
    return leaf({SearchField::kLevel, comparison, {}, static_cast<std::int64_t>(*level)});
  }

  SearchNode read_person(std::size_t begin, const SearchWord& word) {
    if (word.is_quoted || (word.text != "me" && word.text != "none")) {
      return read_text(begin, {SearchField::kAssignee, SearchOperator::kEqual, word.text, 0}, word.is_quoted);
    }
    if (word.text == "none") return negated(leaf({SearchField::kAssignee, SearchOperator::kIsSet, {}, 0}));
    if (context_.me.empty()) {
      fail(begin, "a token is nobody: 'assigned:me' is for people who are signed in");
      return {};
    }
    return leaf({SearchField::kAssignee, SearchOperator::kEqual, context_.me, 0});
  }

  SearchNode read_number(std::size_t begin, SearchField field, SearchOperator comparison, const std::string& word) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size()) {
      fail(begin, "a whole number is needed here, such as 100 or >100");
      return {};
    }
    return leaf({field, comparison, {}, number});
  }

  /// "-24h": within the last day; "+24h": longer ago. A date alone is its whole day, in UTC.
  SearchNode read_time(std::size_t begin, SearchField field, SearchOperator comparison, const std::string& word) {
    const bool is_relative = comparison == SearchOperator::kEqual && (word[0] == '-' || word[0] == '+');
    const auto span = is_relative ? parse_span(std::string_view(word).substr(1)) : std::nullopt;
    if (span) {
      const auto since = word[0] == '-' ? SearchOperator::kGreaterOrEqual : SearchOperator::kLess;
      return leaf({field, since, {}, context_.now - *span});
    }
    constexpr std::size_t kDateLength = 10;
    const bool is_date = word.size() == kDateLength;
    const auto time = core::parse_timestamp(is_date ? word + "T00:00:00Z" : word);
    if (is_relative || !time) {
      fail(begin, "a time is needed here, such as -24h, +30d, >2026-01-31 or <2026-01-31T08:00:00Z");
      return {};
    }
    if (comparison != SearchOperator::kEqual) {
      // What is after a day is after its end, and what is up to it is before that.
      const bool is_end =
          is_date && (comparison == SearchOperator::kGreater || comparison == SearchOperator::kLessOrEqual);
      if (!is_end) return leaf({field, comparison, {}, *time});
      const bool is_after = comparison == SearchOperator::kGreater;
      return leaf({field, is_after ? SearchOperator::kGreaterOrEqual : SearchOperator::kLess, {}, *time + kDayMs});
    }
    SearchNode node;
    node.parts.push_back(leaf({field, SearchOperator::kGreaterOrEqual, {}, *time}));
    node.parts.push_back(leaf({field, SearchOperator::kLess, {}, *time + (is_date ? kDayMs : 1)}));
    return node;
  }

  static std::optional<UnixMillis> parse_span(std::string_view word) {
    constexpr std::int64_t kMost = 100'000;
    if (word.size() < 2) return std::nullopt;
    std::int64_t number = 0;
    const char* const last = word.data() + word.size() - 1;
    const auto [end, error] = std::from_chars(word.data(), last, number);
    if (error != std::errc() || end != last || number < 0 || number > kMost) return std::nullopt;
    switch (*last) {
      case 'm':
        return number * 60'000;
      case 'h':
        return number * kHourMs;
      case 'd':
        return number * kDayMs;
      case 'w':
        return number * 7 * kDayMs;
      default:
        return std::nullopt;
    }
  }

  SearchNode read_presence(std::size_t begin, const std::string& word) {
    std::string tag;
    const SearchKey* key = key_of(begin, word, tag);
    if (key == nullptr) return {};
    const bool may_be_empty = key->values == SearchValues::kText || key->values == SearchValues::kRelease ||
                              key->values == SearchValues::kPerson || key->values == SearchValues::kUser;
    if (!may_be_empty) {
      fail(begin, "'has' takes a key that may be empty, such as release, environment, assigned or a tag");
      return {};
    }
    return leaf({key->field, SearchOperator::kIsSet, {}, key->number, tag});
  }

  std::string_view text_;
  const SearchContext& context_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t terms_ = 0;
  std::ptrdiff_t stars_ = 0;
  std::optional<core::Error> error_;
};

}  // namespace

core::Result<Search> parse_search(std::string_view text, const SearchContext& context) {
  return SearchParser(text, context).parse();
}

}  // namespace trapline::collector
