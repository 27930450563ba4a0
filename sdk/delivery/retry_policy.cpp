#include "sdk/delivery/retry_policy.h"

#include <algorithm>
#include <charconv>

#include <curl/curl.h>

namespace trapline::sdk {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstCeiling{1'000};
constexpr milliseconds kHighestCeiling{300'000};
constexpr milliseconds kLongestRetryAfter{3'600'000};
constexpr int kMostDoublings = 9;  // 512 s is past the highest ceiling

std::optional<milliseconds> parse_retry_after(const std::string& text, core::UnixMillis now) {
  if (text.empty()) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc{} && end == text.data() + text.size()) {
    return milliseconds(std::clamp<std::int64_t>(seconds, 0, kLongestRetryAfter.count() / 1000) * 1000);
  }
  const time_t date = curl_getdate(text.c_str(), nullptr);
  if (date < 0) return std::nullopt;
  return std::clamp(milliseconds(std::int64_t{date} * 1000 - now), milliseconds{0}, kLongestRetryAfter);
}

}  // namespace

Verdict judge(const HttpAnswer& answer) {
  if (answer.status >= 200 && answer.status < 300) return Verdict::kDelivered;
  const bool is_refusal = answer.status >= 300 && answer.status < 500 && answer.status != 408 && answer.status != 429;
  return is_refusal ? Verdict::kRefused : Verdict::kRetry;
}

milliseconds retry_delay(const HttpAnswer& answer, int attempt, double random, core::UnixMillis now) {
  if (const auto asked = parse_retry_after(answer.retry_after, now)) return *asked;
  const milliseconds ceiling =
      std::min<milliseconds>(kFirstCeiling * (1LL << std::clamp(attempt, 0, kMostDoublings)), kHighestCeiling);
  return milliseconds(static_cast<std::int64_t>(static_cast<double>(ceiling.count()) * random));
}

}  // namespace trapline::sdk
