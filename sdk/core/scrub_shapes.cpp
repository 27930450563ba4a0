#include "sdk/core/scrub_shapes.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "sdk/core/ascii.h"

namespace trapline::core::shapes {
namespace {

bool is_word(char c) { return is_alnum(c) || c == '_'; }
/// Characters of RFC 7235's token68 and of JSON web tokens.
bool is_token_character(char c) {
  return is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
}
bool is_key_character(char c) { return is_alnum(c) || c == '_' || c == '-'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

template <class Is>
std::size_t end_of_run(std::string_view text, std::size_t from, Is is) {
  while (from < text.size() && is(text[from])) ++from;
  return from;
}

bool starts_at(std::string_view text, std::size_t at, std::string_view what) {
  return text.substr(std::min(at, text.size()), what.size()) == what;
}

bool starts_at_in_any_case(std::string_view text, std::size_t at, std::string_view lower) {
  if (text.size() - at < lower.size()) return false;
  return std::equal(lower.begin(), lower.end(), text.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char expected, char actual) { return expected == to_lower(actual); });
}

/// A secret has more to it than a word of plain text does.
bool looks_like_plain_word(std::string_view value) {
  constexpr std::size_t kLongestWord = 24;
  if (value.size() > kLongestWord) return false;
  if (value.empty()) return true;
  return std::all_of(value.begin() + 1, value.end(), [](char c) { return is_lower(c) || c == '-'; }) &&
         is_letter(value.front());
}

/// The number of up to three digits at `at`; its end, or 0 when there is none up to 255.
std::size_t end_of_octet(std::string_view text, std::size_t at) {
  int value = 0;
  std::size_t end = at;
  while (end < text.size() && end - at < 3 && is_digit(text[end])) value = value * 10 + (text[end++] - '0');
  return end > at && value <= 255 ? end : 0;
}

}  // namespace

bool is_luhn_valid(std::string_view digits) {
  int sum = 0;
  bool doubles = digits.size() % 2 == 0;  // every second digit from the end
  for (const char digit : digits) {
    int value = digit - '0';
    if (doubles) value = value * 2 > 9 ? value * 2 - 9 : value * 2;
    sum += value;
    doubles = !doubles;
  }
  return sum % 10 == 0;
}

Finding ipv4(std::string_view text, std::size_t begin) {
  if (begin > 0 && (text[begin - 1] == '.' || is_word(text[begin - 1]))) return {};
  std::size_t end = end_of_octet(text, begin);
  for (int octet = 1; octet < 4; ++octet) {
    if (end == 0 || end >= text.size() || text[end] != '.') return {};
    end = end_of_octet(text, end + 1);
  }
  if (end == 0) return {};
  if (end < text.size() && is_word(text[end])) return {};
  if (end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1])) return {};
  // No machine has such an address, but browsers have such versions: "Chrome/120.0.0.0".
  if (text.substr(begin, end - begin).ends_with(".0.0.0")) return {};
  return {begin, end, "[ip]", "ip"};
}

Finding ipv6(std::string_view text, std::size_t at, std::size_t settled) {
  constexpr std::size_t kLongestGroup = 4;
  constexpr int kGroups = 8;
  std::size_t begin = at;
  while (begin > settled && at - begin < kLongestGroup && is_hex_digit(text[begin - 1])) --begin;
  if (begin > 0 && (is_word(text[begin - 1]) || text[begin - 1] == ':')) return {};
  int groups = 0;
  bool has_gap = false;
  bool has_digit = false;
  std::size_t end = begin;
  while (groups < kGroups) {
    const std::size_t group_end = std::min(end_of_run(text, end, is_hex_digit), end + kLongestGroup);
    if (group_end > end) {
      if (group_end < text.size() && text[group_end] == '.' && groups > 0) {  // …:192.0.2.1
        std::size_t tail = end_of_octet(text, end);
        for (int octet = 1; octet < 4 && tail != 0; ++octet) {
          tail = tail < text.size() && text[tail] == '.' ? end_of_octet(text, tail + 1) : 0;
        }
        if (tail != 0) {
          groups += 2;
          has_digit = true;
          end = tail;
          break;
        }
      }
      has_digit |= std::any_of(text.begin() + static_cast<std::ptrdiff_t>(end),
                               text.begin() + static_cast<std::ptrdiff_t>(group_end), is_digit);
      ++groups;
      end = group_end;
    }
    if (end + 1 < text.size() && text[end] == ':' && text[end + 1] == ':') {
      if (has_gap) return {};
      has_gap = true;
      end += 2;
      if (end >= text.size() || !is_hex_digit(text[end])) break;
    } else if (group_end > begin && end + 1 < text.size() && text[end] == ':' && is_hex_digit(text[end + 1]) &&
               groups < kGroups) {
      ++end;
    } else {
      break;
    }
  }
  const bool is_whole = has_gap ? groups >= 1 && groups < kGroups : groups == kGroups;
  const bool is_bounded = end >= text.size() || (!is_word(text[end]) && text[end] != ':');
  if (!is_whole || !is_bounded || !has_digit || end <= at) return {};
  return {begin, end, "[ip]", "ip"};
}

Finding social_security_number(std::string_view text, std::size_t begin) {
  constexpr std::size_t kLength = 11;
  if (text.size() - begin < kLength || text[begin + 3] != '-' || text[begin + 6] != '-') return {};
  const std::string_view number = text.substr(begin, kLength);
  for (std::size_t index = 0; index < kLength; ++index) {
    if (index != 3 && index != 6 && !is_digit(number[index])) return {};
  }
  const std::size_t end = begin + kLength;
  if (begin > 0 && text[begin - 1] == '-') return {};
  if (end < text.size() && (is_word(text[end]) || text[end] == '-')) return {};
  const std::string_view area = number.substr(0, 3);
  const bool is_never_issued =
      area == "000" || area == "666" || area[0] == '9' || number.substr(4, 2) == "00" || number.substr(7) == "0000";
  if (is_never_issued) return {};
  return {begin, end, "[ssn]", "ssn"};
}

namespace {

/// Whether cards of these digits are issued, by the first four digits and the length.
bool is_card_range(std::string_view digits) {
  struct Range {
    int first;
    int last;
    std::size_t shortest;
    std::size_t longest;
  };
  constexpr Range kRanges[] = {
      {4000, 4999, 13, 19}, {5100, 5599, 16, 16}, {2221, 2720, 16, 16}, {3400, 3499, 15, 15}, {3700, 3799, 15, 15},
      {6011, 6011, 16, 19}, {6440, 6599, 16, 19}, {3528, 3589, 16, 19}, {3000, 3059, 14, 19}, {3600, 3699, 14, 19},
      {3800, 3999, 16, 19}, {6200, 6299, 16, 19}, {5000, 5099, 12, 19}, {5600, 5899, 12, 19}, {6300, 6399, 12, 19},
      {6700, 6799, 12, 19}, {2200, 2204, 16, 19},
  };
  const int start = (digits[0] - '0') * 1000 + (digits[1] - '0') * 100 + (digits[2] - '0') * 10 + (digits[3] - '0');
  return std::any_of(std::begin(kRanges), std::end(kRanges), [&](const Range& range) {
    return start >= range.first && start <= range.last && digits.size() >= range.shortest &&
           digits.size() <= range.longest;
  });
}

}  // namespace

Finding card(std::string_view text, std::size_t begin) {
  constexpr std::size_t kFewest = 12;
  constexpr std::size_t kMost = 19;
  if (begin > 0 && text[begin - 1] == '.') return {};
  std::array<char, kMost> digits{};
  std::size_t count = 0;
  std::size_t best_end = 0;
  std::size_t at = begin;
  while (at < text.size() && is_digit(text[at]) && count < kMost) {
    digits[count++] = text[at++];
    const bool is_group_end = at == text.size() || !is_digit(text[at]);
    if (!is_group_end) continue;
    const bool is_bounded = at == text.size() ||
                            !(is_word(text[at]) || (text[at] == '.' && at + 1 < text.size() && is_digit(text[at + 1])));
    const std::string_view number(digits.data(), count);
    if (count >= kFewest && is_bounded && is_card_range(number) && is_luhn_valid(number)) best_end = at;
    if (at < text.size() && (text[at] == ' ' || text[at] == '-')) ++at;
  }
  if (best_end == 0) return {};
  return {begin, best_end, "[card]", "card"};
}

Finding iban(std::string_view text, std::size_t begin) {
  constexpr std::size_t kShortest = 15;
  constexpr std::size_t kLongest = 34;
  constexpr std::uint32_t kModulus = 97;
  if (text.size() - begin < kShortest || !is_upper(text[begin]) || !is_upper(text[begin + 1]) ||
      !is_digit(text[begin + 2]) || !is_digit(text[begin + 3])) {
    return {};
  }
  const auto append = [](std::uint32_t remainder, char c) {
    return is_digit(c) ? (remainder * 10 + static_cast<std::uint32_t>(c - '0')) % kModulus
                       : (remainder * 100 + static_cast<std::uint32_t>(c - 'A') + 10) % kModulus;
  };
  std::uint32_t remainder = 0;
  std::size_t count = 4;
  std::size_t best_end = 0;
  std::size_t at = begin + 4;
  while (at < text.size() && count < kLongest) {
    if (text[at] == ' ' && count % 4 == 0) ++at;  // groups of four
    if (at >= text.size() || !(is_upper(text[at]) || is_digit(text[at]))) break;
    remainder = append(remainder, text[at++]);
    ++count;
    if (count < kShortest || (at < text.size() && is_word(text[at]))) continue;
    std::uint32_t whole = remainder;
    for (std::size_t index = 0; index < 4; ++index) whole = append(whole, text[begin + index]);
    if (whole == 1) best_end = at;
  }
  if (best_end == 0) return {};
  return {begin, best_end, "[iban]", "iban"};
}

namespace {

struct KeyShape {
  std::string_view prefix;
  std::size_t fewest;  ///< characters after the prefix
};
/// As their issuers document them for secret scanning.
constexpr KeyShape kKeyShapes[] = {
    {"AKIA", 16},     {"ASIA", 16},     {"AIza", 30},     {"ghp_", 20},           {"gho_", 20},
    {"ghu_", 20},     {"ghs_", 20},     {"ghr_", 20},     {"github_pat_", 20},    {"glpat-", 16},
    {"sk_live_", 10}, {"sk_test_", 10}, {"rk_live_", 10}, {"rk_test_", 10},       {"sk-", 20},
    {"xoxb-", 10},    {"xoxp-", 10},    {"xoxa-", 10},    {"xoxs-", 10},          {"xoxr-", 10},
    {"xapp-", 10},    {"SG.", 20},      {"npm_", 30},     {"pypi-", 16},          {"dop_v1_", 32},
    {"hf_", 30},      {"ya29.", 20},    {"shpat_", 20},   {"EAACEdEose0cBA", 10}, {"AGE-SECRET-KEY-1", 20},
    {"whsec_", 16},   {"tlp_", 32},
};

constexpr std::array<std::uint64_t, 256> make_beginnings() {
  std::array<std::uint64_t, 256> beginnings{};
  const auto add = [&](char first, char second) {
    beginnings[static_cast<unsigned char>(first)] |= std::uint64_t{1} << (static_cast<unsigned char>(second) & 63U);
  };
  for (const KeyShape& shape : kKeyShapes) add(shape.prefix[0], shape.prefix[1]);
  for (const char first : {'B', 'b'}) {
    for (const char second : {'A', 'a', 'E', 'e'}) add(first, second);
  }
  add('e', 'y');
  for (char first = 'A'; first <= 'Z'; ++first) {
    for (char second = 'A'; second <= 'Z'; ++second) add(first, second);  // an IBAN's country
  }
  for (char first = '0'; first <= '9'; ++first) beginnings[static_cast<unsigned char>(first)] = ~std::uint64_t{0};
  return beginnings;
}

Finding service_key(std::string_view text, std::size_t begin) {
  const char first = text[begin];
  for (const KeyShape& shape : kKeyShapes) {
    if (shape.prefix.front() != first || !starts_at(text, begin, shape.prefix)) continue;
    const std::size_t end =
        end_of_run(text, begin + shape.prefix.size(), [](char c) { return is_word(c) || c == '-' || c == '.'; });
    if (end - begin - shape.prefix.size() >= shape.fewest) return {begin, end, "[token]", "token"};
  }
  return {};
}

/// header.payload.signature, the first two base64url of JSON objects (RFC 7519).
Finding json_web_token(std::string_view text, std::size_t begin) {
  constexpr std::size_t kFewest = 10;
  if (!starts_at(text, begin, "eyJ")) return {};
  if (begin > 0 && text[begin - 1] == '-') return {};  // inside what was looked at already
  const auto is_base64url = [](char c) { return is_alnum(c) || c == '-' || c == '_'; };
  const std::size_t header_end = end_of_run(text, begin, is_base64url);
  if (header_end - begin < kFewest || header_end >= text.size() || text[header_end] != '.') return {};
  const std::size_t payload_end = end_of_run(text, header_end + 1, is_base64url);
  if (payload_end - header_end < kFewest) return {};
  std::size_t end = payload_end;
  if (end < text.size() && text[end] == '.') end = end_of_run(text, end + 1, is_base64url);
  return {begin, end, "[token]", "token"};
}

/// "Bearer <token>" and "Basic <token>" (RFC 6750, RFC 7617): the token.
Finding credentials(std::string_view text, std::size_t begin, std::string_view scheme) {
  constexpr std::size_t kFewest = 8;
  if (!starts_at_in_any_case(text, begin, scheme)) return {};
  std::size_t at = begin + scheme.size();
  if (at >= text.size() || text[at] != ' ') return {};
  while (at < text.size() && text[at] == ' ' && at - begin < scheme.size() + 4) ++at;
  const std::size_t end = end_of_run(text, at, is_token_character);
  const std::string_view value = text.substr(at, end - at);
  if (value.size() < kFewest || looks_like_plain_word(value)) return {};
  return {at, end, "[token]", "token"};
}

}  // namespace

constexpr std::array<std::uint64_t, 256> kBeginnings = make_beginnings();

Finding token(std::string_view text, std::size_t begin) {
  switch (text[begin]) {
    case 'B':
    case 'b': {
      const Finding bearer = credentials(text, begin, "bearer");
      return bearer.end > bearer.begin ? bearer : credentials(text, begin, "basic");
    }
    case 'e':
      return json_web_token(text, begin);
    default:
      return service_key(text, begin);
  }
}

Finding pem_block(std::string_view text, std::size_t at) {
  if (!starts_at(text, at, "-----BEGIN ")) return {};
  const std::size_t last_line = text.find("-----END ", at);
  if (last_line == std::string_view::npos) return {at, text.size(), "[private key]", "private_key"};
  const std::size_t dashes = text.find("-----", last_line + 9);
  const std::size_t end = dashes == std::string_view::npos ? text.size() : dashes + 5;
  return {at, end, "[private key]", "private_key"};
}

Finding email(std::string_view text, std::size_t at, std::size_t settled) {
  constexpr std::size_t kLongestLocalPart = 64;  // RFC 5321, 4.5.3.1.1
  constexpr std::size_t kLongestDomain = 255;
  const std::size_t separator = text[at] == '@' ? 1 : 3;  // "%40" in URLs
  const auto is_local = [](char c) {
    return is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  const auto is_domain = [](char c) {
    return is_alnum(c) || c == '-' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
  };
  std::size_t begin = at;
  while (begin > settled && at - begin < kLongestLocalPart && is_local(text[begin - 1])) --begin;
  if (begin == at) return {};
  const std::size_t domain_begin = std::min(at + separator, text.size());
  std::size_t end = domain_begin;
  // The domain ends with the last label of letters: what is after it is the text's ("x@example.com-42", a full stop).
  std::size_t domain_end = 0;
  std::size_t label = domain_begin;
  bool has_digit = false;
  for (; end <= text.size() && end - domain_begin <= kLongestDomain; ++end) {
    const bool is_inside = end < text.size() && is_domain(text[end]);
    if (is_inside && text[end] != '.' && text[end] != '-') {
      has_digit = has_digit || is_digit(text[end]);
      continue;
    }
    if (label > domain_begin && text[label - 1] == '.' && end - label >= 2 && !has_digit) domain_end = end;
    if (!is_inside) break;
    label = end + 1;
    has_digit = false;
  }
  if (domain_end == 0) return {};
  return {begin, domain_end, "[email]", "email"};
}

Finding url_credentials(std::string_view text, std::size_t at) {
  constexpr std::size_t kLongestAuthority = 512;
  if (!starts_at(text, at, "://")) return {};
  const std::size_t begin = at + 3;
  const std::string_view rest = text.substr(begin, kLongestAuthority);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?# \t\r\n\"'<>\\"));
  const std::size_t sign = authority.rfind('@');
  if (sign == std::string_view::npos || sign == 0) return {};
  return {begin, begin + sign, "[credentials]", "credentials"};
}

namespace {

/// What stands there is a replacement of ours already.
bool is_placeholder(std::string_view text) {
  constexpr std::string_view kOurs[] = {"[removed]", "[email]", "[card]", "[token]",
                                        "[ip]",      "[ssn]",   "[iban]", "[user]"};
  return std::any_of(std::begin(kOurs), std::end(kOurs), [&](std::string_view ours) { return text.starts_with(ours); });
}

/// Where the secret that begins at `begin` ends; moves `begin` past an opening quote.
std::size_t end_of_secret(std::string_view text, std::size_t& begin, const std::string& name, char separator) {
  const auto is_before_line_end = [](char c) { return c != '\n' && c != '\r'; };
  const char first = text[begin];
  if (first == '"' || first == '\'') {
    ++begin;
    return end_of_run(text, begin, [first](char c) { return c != first && c != '\n'; });
  }
  // Headers: the whole line belongs to it ("Cookie: a=b; c=d", "Authorization: Token abc").
  const bool is_header = separator == ':' && (name.ends_with("cookie") || name.ends_with("authorization"));
  if (is_header) return end_of_run(text, begin, [](char c) { return c != '\n' && c != '\r' && c != '"' && c != '\''; });
  if (first == '[' || first == '{') {
    const char closing = first == '[' ? ']' : '}';
    const std::size_t end = end_of_run(text, begin, [&](char c) { return c != closing && is_before_line_end(c); });
    return end < text.size() && text[end] == closing ? end + 1 : end;
  }
  const auto is_value = [](char c) {
    return !is_space(c) && c != '&' && c != ',' && c != ';' && c != '"' && c != '\'' && c != ')' && c != '}' &&
           c != ']';
  };
  std::size_t end = end_of_run(text, begin, is_value);
  // "authorization=Bearer abc": the scheme's name is not the secret.
  const bool is_scheme = name.ends_with("authorization") && end < text.size() && text[end] == ' ' &&
                         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                     text.begin() + static_cast<std::ptrdiff_t>(end), is_letter);
  if (is_scheme) end = end_of_run(text, end + 1, is_value);
  return end;
}

}  // namespace

Finding assignment(std::string_view text, std::size_t at, std::size_t settled, const SensitiveKeys& keys) {
  constexpr std::size_t kLongestName = 64;
  std::size_t name_end = at;
  if (name_end > settled && (text[name_end - 1] == ' ' || text[name_end - 1] == '"' || text[name_end - 1] == '\''))
    --name_end;
  std::size_t name_begin = name_end;
  while (name_begin > settled && name_end - name_begin < kLongestName && is_key_character(text[name_begin - 1]))
    --name_begin;
  const std::string_view name = text.substr(name_begin, name_end - name_begin);
  if (name.empty() || !keys.matches(name)) return {};
  std::size_t begin = at + 1;
  const char next = begin < text.size() ? text[begin] : '\0';
  if (next == '=' || next == ':' || (text[at] == ':' && text.substr(begin, 2) == "//")) return {};  // ==, ::, ://
  if (next == '>') ++begin;                                                                         // "name" => "value"
  while (begin < text.size() && text[begin] == ' ' && begin - at < 4) ++begin;
  if (begin == text.size() || is_placeholder(text.substr(begin))) return {};
  const std::size_t end = end_of_secret(text, begin, to_lower(name), text[at]);
  if (end == begin) return {};
  const std::string_view value = text.substr(begin, end - begin);
  // "Unexpected token: identifier" is plain text, "token: 83hd-1k" is not; passwords may be plain words.
  const bool is_password = to_lower(name).find("pass") != std::string::npos;
  if (text[at] == ':' && !is_password && looks_like_plain_word(value)) return {};
  return {begin, end, "[removed]", "secret"};
}

Finding home_folder(std::string_view text, std::size_t at) {
  const char slash = text[at];
  std::size_t begin = 0;
  if (starts_at(text, at + 1, "home") && at + 5 < text.size() && text[at + 5] == slash) begin = at + 6;
  if (starts_at(text, at + 1, "Users") && at + 6 < text.size() && text[at + 6] == slash) begin = at + 7;
  if (begin == 0) return {};
  const std::size_t end = end_of_run(
      text, begin, [](char c) { return c != '/' && c != '\\' && !is_space(c) && c != ':' && c != '"' && c != '\''; });
  const std::string_view name = text.substr(begin, end - begin);
  if (name.empty() || name == "Shared" || name == "[user]") return {};
  return {begin, end, "[user]", "user_name"};
}

}  // namespace trapline::core::shapes
