#include "sdk/delivery/retry_policy.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "sdk/core/timestamp.h"

namespace trapline::sdk {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstCeiling{1'000};
constexpr milliseconds kHighestCeiling{300'000};
constexpr milliseconds kLongestWait{3'600'000};
constexpr int kMostDoublings = 9;  // 512 s is past the highest ceiling

std::optional<std::int64_t> parse_seconds(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(seconds) : std::nullopt;
}

/// "Sat, 21 Nov 2026 01:08:27 GMT", the one form that RFC 9110 lets senders use.
std::optional<core::UnixMillis> parse_http_date(std::string_view text) {
  constexpr std::size_t kLength = 29;
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != kLength || !text.ends_with(" GMT")) return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  const std::string number = std::to_string(month - kMonths.begin() + 1);
  const std::string iso = std::string(text.substr(12, 4)) + (number.size() == 1 ? "-0" : "-") + number + "-" +
                          std::string(text.substr(5, 2)) + "T" + std::string(text.substr(17, 8)) + "Z";
  return core::parse_timestamp(iso);
}

}  // namespace

Verdict judge(const HttpAnswer& answer) {
  if (answer.status >= 200 && answer.status < 300) return Verdict::kDelivered;
  // A wrong key, a project that is not there yet, a proxy that redirects: none of it is the event's fault.
  constexpr std::array<int, 9> kMayChange = {401, 403, 404, 405, 407, 408, 421, 425, 429};
  const bool is_refusal = answer.status >= 400 && answer.status < 500 &&
                          std::find(kMayChange.begin(), kMayChange.end(), answer.status) == kMayChange.end();
  return is_refusal ? Verdict::kRefused : Verdict::kRetry;
}

std::optional<milliseconds> parse_retry_after(std::string_view text, core::UnixMillis now) {
  if (text.empty()) return std::nullopt;
  if (const auto seconds = parse_seconds(text)) {
    return milliseconds(std::clamp<std::int64_t>(*seconds, 0, kLongestWait.count() / 1000) * 1000);
  }
  const auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  return std::clamp(milliseconds(*date - now), milliseconds{0}, kLongestWait);
}

milliseconds backoff(int attempt, double random) {
  const milliseconds ceiling =
      std::min<milliseconds>(kFirstCeiling * (1LL << std::clamp(attempt, 0, kMostDoublings)), kHighestCeiling);
  return milliseconds(static_cast<std::int64_t>(static_cast<double>(ceiling.count()) * random));
}

void RateLimits::note(const HttpAnswer& answer, core::UnixMillis wall_now, Time now) {
  // "60:error;transaction:key, 2700::organization": seconds, categories, scope, reason.
  std::string_view limits = answer.rate_limits;
  while (!limits.empty()) {
    const std::size_t comma = limits.find(',');
    std::string_view limit = limits.substr(0, comma);
    limits.remove_prefix(comma == std::string_view::npos ? limits.size() : comma + 1);
    limit.remove_prefix(std::min(limit.find_first_not_of(' '), limit.size()));
    const std::size_t colon = limit.find(':');
    const auto seconds = parse_seconds(limit.substr(0, colon));
    if (!seconds || colon == std::string_view::npos) continue;
    const Time until = now + std::clamp<milliseconds>(std::chrono::seconds(*seconds), milliseconds{0}, kLongestWait);
    std::string_view categories = limit.substr(colon + 1);
    categories = categories.substr(0, categories.find(':'));
    if (categories.empty()) extend("", until);
    while (!categories.empty()) {
      const std::size_t semicolon = categories.find(';');
      extend(std::string(categories.substr(0, semicolon)), until);
      categories.remove_prefix(semicolon == std::string_view::npos ? categories.size() : semicolon + 1);
    }
  }
  const bool asks_to_wait = answer.status == 429 || answer.status == 503;
  if (!asks_to_wait || !answer.rate_limits.empty()) return;
  if (const auto wait = parse_retry_after(answer.retry_after, wall_now)) extend("", now + *wait);
}

RateLimits::Time RateLimits::blocked_until(std::string_view category) const {
  Time until{};
  for (const std::string_view one : {std::string_view(), category}) {
    const auto found = until_.find(one);
    if (found != until_.end()) until = std::max(until, found->second);
  }
  return until;
}

void RateLimits::extend(const std::string& category, Time until) {
  Time& known = until_[category];
  known = std::max(known, until);
}

}  // namespace trapline::sdk
