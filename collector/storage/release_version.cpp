#include "collector/storage/release_version.h"

#include <algorithm>
#include <string>
#include <vector>

#include "sdk/core/ascii.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kMostParts = 8;

using core::is_digit;
using core::is_letter;

bool is_number(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

/// Numbers of any length by value.
std::weak_ordering compare_numbers(std::string_view first, std::string_view second) {
  first.remove_prefix(std::min(first.find_first_not_of('0'), first.size()));
  second.remove_prefix(std::min(second.find_first_not_of('0'), second.size()));
  if (first.size() != second.size()) return first.size() <=> second.size();
  return first.compare(second) <=> 0;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

struct Version {
  std::string_view program;
  std::vector<std::string_view> parts;        ///< numbers
  std::vector<std::string_view> pre_release;  ///< identifiers; empty: it is none
  std::string_view build;
};

/// "2026-11-21"
bool is_dashed_date(std::string_view text) {
  const auto parts = split(text, '-');
  return parts.size() == 3 && parts[0].size() == 4 && parts[1].size() == 2 && parts[2].size() == 2 &&
         std::all_of(parts.begin(), parts.end(), is_number);
}

/// "rc1" as "rc" and "1"
void add_letters_and_digits(std::string_view text, std::vector<std::string_view>& parts) {
  const auto* const digits = std::find_if(text.begin(), text.end(), is_digit);
  const auto length = static_cast<std::size_t>(digits - text.begin());
  if (length > 0) parts.push_back(text.substr(0, length));
  if (length < text.size()) parts.push_back(text.substr(length));
}

std::optional<Version> parse(std::string_view text) {
  Version version;
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    version.program = text.substr(0, at);
    text.remove_prefix(at + 1);
  }
  if (const std::size_t plus = text.find('+'); plus != std::string_view::npos) {
    version.build = text.substr(plus + 1);
    text = text.substr(0, plus);
  }
  if (is_dashed_date(text)) {
    version.parts = split(text, '-');
    return version;
  }
  if (text.size() > 1 && (text.front() == 'v' || text.front() == 'V') && is_digit(text[1])) text.remove_prefix(1);
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    version.pre_release = split(text.substr(dash + 1), '.');
    text = text.substr(0, dash);
  }
  version.parts = split(text, '.');
  if (version.parts.size() > kMostParts) return std::nullopt;
  for (std::size_t index = 0; index < version.parts.size(); ++index) {
    std::string_view& part = version.parts[index];
    if (is_number(part)) continue;
    // "1.2rc1": the last part's letters begin a pre-release. A hash such as "4f7a2c" does not look like that.
    const auto* const letters = std::find_if(part.begin(), part.end(), is_letter);
    const auto length = static_cast<std::size_t>(letters - part.begin());
    const bool is_last = index + 1 == version.parts.size();
    const std::string_view rest = part.substr(length);
    const auto* const rest_digits = std::find_if(rest.begin(), rest.end(), is_digit);
    const bool is_word_and_number =
        std::all_of(rest.begin(), rest_digits, is_letter) && std::all_of(rest_digits, rest.end(), is_digit);
    if (!is_last || index == 0 || length == 0 || !is_number(part.substr(0, length)) || !is_word_and_number)
      return std::nullopt;
    add_letters_and_digits(rest, version.pre_release);
    part = part.substr(0, length);
  }
  return version;
}

/// semver.org, 11.4: numbers by value and before words, words by their bytes, fewer before more.
std::weak_ordering compare_pre_releases(const Version& first, const Version& second) {
  if (first.pre_release.empty() || second.pre_release.empty()) {
    return second.pre_release.size() <=> first.pre_release.size();  // having none comes later
  }
  const std::size_t shared = std::min(first.pre_release.size(), second.pre_release.size());
  for (std::size_t index = 0; index < shared; ++index) {
    const std::string_view a = first.pre_release[index];
    const std::string_view b = second.pre_release[index];
    std::weak_ordering order = std::weak_ordering::equivalent;
    if (is_number(a) && is_number(b)) {
      order = compare_numbers(a, b);
    } else if (is_number(a) != is_number(b)) {
      order = is_number(a) ? std::weak_ordering::less : std::weak_ordering::greater;
    } else {
      order = a.compare(b) <=> 0;
    }
    if (std::is_neq(order)) return order;
  }
  return first.pre_release.size() <=> second.pre_release.size();
}

}  // namespace

std::optional<std::weak_ordering> compare_releases(std::string_view first, std::string_view second) {
  if (first == second) return std::weak_ordering::equivalent;
  const auto a = parse(first);
  const auto b = parse(second);
  if (!a || !b || a->program != b->program) return std::nullopt;
  for (std::size_t index = 0; index < std::max(a->parts.size(), b->parts.size()); ++index) {
    const auto part = [&](const Version& version) { return index < version.parts.size() ? version.parts[index] : "0"; };
    if (const auto order = compare_numbers(part(*a), part(*b)); std::is_neq(order)) return order;
  }
  if (const auto order = compare_pre_releases(*a, *b); std::is_neq(order)) return order;
  if (is_number(a->build) && is_number(b->build)) return compare_numbers(a->build, b->build);
  return std::weak_ordering::equivalent;
}

}  // namespace trapline::collector
