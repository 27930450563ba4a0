#include "collector/accounts/email_address.h"

#include <algorithm>

namespace trapline::collector {

namespace {

char to_lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

bool may_stand_in_address(char letter) {
  constexpr std::string_view kNever = " \"(),:;<>[\\]";
  const auto code = static_cast<unsigned char>(letter);
  return code > 0x20 && code != 0x7f && kNever.find(letter) == std::string_view::npos;
}

bool is_domain(std::string_view domain) {
  return !domain.empty() && domain.front() != '.' && domain.back() != '.' && domain.front() != '-' &&
         domain.find("..") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> normalise_email(std::string_view text) {
  constexpr std::size_t kMaxLength = 254;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  if (text.size() > kMaxLength || !std::all_of(text.begin(), text.end(), may_stand_in_address)) return std::nullopt;

  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0 || text.find('@', at + 1) != std::string_view::npos) return std::nullopt;
  if (!is_domain(text.substr(at + 1))) return std::nullopt;

  std::string address(text);
  std::transform(address.begin(), address.end(), address.begin(), to_lower);
  return address;
}

}  // namespace trapline::collector
