#include "sdk/core/timestamp.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace trapline::core {
namespace {

constexpr UnixMillis kYear1 = -62135596800000;
constexpr UnixMillis kEndOfYear9999 = 253402300799999;

/// Walks over the text; every read_… returns nothing and stops the walk at the first character that does not fit.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool skip_one_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<int> read_digits(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int number = 0;
    for (const char digit : rest_.substr(0, count)) {
      if (digit < '0' || digit > '9') return std::nullopt;
      number = number * 10 + (digit - '0');
    }
    rest_.remove_prefix(count);
    return number;
  }

 private:
  std::string_view rest_;
};

std::optional<std::chrono::sys_days> read_date(Reader& reader) {
  const auto year = reader.read_digits(4);
  if (!year || !reader.skip_one_of("-")) return std::nullopt;
  const auto month = reader.read_digits(2);
  if (!month || !reader.skip_one_of("-")) return std::nullopt;
  const auto day = reader.read_digits(2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date};
}

/// "09:30" or "0930", in minutes.
std::optional<int> read_hours_and_minutes(Reader& reader, bool colon_is_required) {
  const auto hours = reader.read_digits(2);
  if (!hours || *hours > 23) return std::nullopt;
  if (!reader.skip_one_of(":") && colon_is_required) return std::nullopt;
  const auto minutes = reader.read_digits(2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return *hours * 60 + *minutes;
}

/// Whole seconds and the decimals behind them, in milliseconds. 60 is a leap second and counts as the next minute's
/// first.
std::optional<int> read_seconds(Reader& reader) {
  const auto seconds = reader.read_digits(2);
  if (!seconds || *seconds > 60) return std::nullopt;
  int millis = *seconds * 1000;
  if (!reader.skip_one_of(".,")) return millis;
  int weight = 100;
  if (!(reader.peek() >= '0' && reader.peek() <= '9')) return std::nullopt;
  while (const auto digit = reader.read_digits(1)) {
    millis += *digit * weight;
    weight /= 10;
  }
  return millis;
}

/// The offset from UTC in minutes; nothing at all counts as UTC.
std::optional<int> read_zone(Reader& reader) {
  if (reader.at_end() || reader.skip_one_of("Zz")) return 0;
  const bool is_negative = reader.peek() == '-';
  if (!reader.skip_one_of("+-")) return std::nullopt;
  const auto minutes = read_hours_and_minutes(reader, false);
  if (!minutes) return std::nullopt;
  return is_negative ? -*minutes : *minutes;
}

}  // namespace

std::string format_timestamp(UnixMillis time) {
  using std::chrono::milliseconds;
  const std::chrono::sys_time<milliseconds> point{milliseconds{std::clamp(time, kYear1, kEndOfYear9999)}};
  const auto midnight = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date{midnight};
  const std::chrono::hh_mm_ss<milliseconds> clock{point - midnight};
  std::string text = "0000-00-00T00:00:00.000Z";
  const auto write = [&](std::size_t at, std::size_t digits, std::int64_t number) {
    for (std::size_t digit = at + digits; digit > at; number /= 10)
      text[--digit] = static_cast<char>('0' + number % 10);
  };
  write(0, 4, static_cast<int>(date.year()));
  write(5, 2, static_cast<unsigned>(date.month()));
  write(8, 2, static_cast<unsigned>(date.day()));
  write(11, 2, clock.hours().count());
  write(14, 2, clock.minutes().count());
  write(17, 2, clock.seconds().count());
  write(20, 3, clock.subseconds().count());
  return text;
}

std::optional<UnixMillis> parse_timestamp(std::string_view text) {
  Reader reader(text);
  const auto date = read_date(reader);
  if (!date || !reader.skip_one_of("Tt ")) return std::nullopt;
  const auto minutes = read_hours_and_minutes(reader, true);
  if (!minutes || !reader.skip_one_of(":")) return std::nullopt;
  const auto millis = read_seconds(reader);
  if (!millis) return std::nullopt;
  const auto zone_minutes = read_zone(reader);
  if (!zone_minutes || !reader.at_end()) return std::nullopt;
  const auto day_millis = std::chrono::duration_cast<std::chrono::milliseconds>(date->time_since_epoch()).count();
  const UnixMillis time = day_millis + (*minutes - *zone_minutes) * UnixMillis{60000} + *millis;
  if (time < kYear1 || time > kEndOfYear9999) return std::nullopt;  // in UTC it could not be written again
  return time;
}

}  // namespace trapline::core
