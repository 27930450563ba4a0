#include "sdk/core/event_id.h"

#include "sdk/core/hex.h"
#include "sdk/core/random.h"

namespace trapline::core {
namespace {

constexpr std::size_t kIdDigits = 32;

bool is_dash_position(std::size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

}  // namespace

std::string new_event_id() {
  std::string id = random_hex(kIdDigits / 2);
  id[12] = '4';  // the version nibble
  constexpr std::string_view kVariants = "89ab";
  const std::size_t low_bits = static_cast<unsigned char>(id[16]) & 0x03U;
  id[16] = kVariants[low_bits];
  return id;
}

std::optional<std::string> normalise_event_id(std::string_view text) {
  const bool has_dashes = text.size() == kIdDigits + 4;
  if (text.size() != kIdDigits && !has_dashes) return std::nullopt;
  std::string id;
  id.reserve(kIdDigits);
  for (std::size_t position = 0; position < text.size(); ++position) {
    const char character = text[position];
    if (has_dashes && is_dash_position(position)) {
      if (character != '-') return std::nullopt;
      continue;
    }
    const bool is_upper_hex = character >= 'A' && character <= 'F';
    id.push_back(is_upper_hex ? static_cast<char>(character - 'A' + 'a') : character);
  }
  if (!is_lower_hex(id)) return std::nullopt;
  if (id.find_first_not_of('0') == std::string::npos) return std::nullopt;
  return id;
}

}  // namespace trapline::core
