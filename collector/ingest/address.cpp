#include "collector/ingest/address.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

namespace trapline::collector {
namespace {

constexpr int kMappedBits = 96;  // what stands before an address of version 4

bool is_version_4(const AddressBytes& address) {
  return std::all_of(address.begin(), address.begin() + 10, [](std::uint8_t byte) { return byte == 0; }) &&
         address[10] == 0xFF && address[11] == 0xFF;
}

}  // namespace

std::optional<AddressBytes> parse_address(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  text = text.substr(0, text.find('%'));
  if (text.empty() || text.size() > INET6_ADDRSTRLEN) return std::nullopt;
  const std::string terminated(text);
  AddressBytes address{};
  if (inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1) return address;
  address = {};
  address[10] = address[11] = 0xFF;
  if (inet_pton(AF_INET, terminated.c_str(), address.data() + 12) == 1) return address;
  return std::nullopt;
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto network = parse_address(text.substr(0, slash));
  if (!network) return std::nullopt;
  AddressRange range;
  range.network_ = *network;
  if (slash == std::string_view::npos) return range;
  const bool is_dotted = text.substr(0, slash).find(':') == std::string_view::npos;
  const std::string_view digits = text.substr(slash + 1);
  int bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size() || bits < 0 || bits > (is_dotted ? 32 : 128)) {
    return std::nullopt;
  }
  range.prefix_bits_ = bits + (is_dotted ? kMappedBits : 0);
  return range;
}

bool AddressRange::contains(const AddressBytes& address) const {
  const auto whole = static_cast<std::size_t>(prefix_bits_ / 8);
  if (!std::equal(network_.begin(), network_.begin() + static_cast<std::ptrdiff_t>(whole), address.begin())) {
    return false;
  }
  const int rest = prefix_bits_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFF << (8 - rest));
  return (network_[whole] & mask) == (address[whole] & mask);
}

std::string sender_of(const AddressBytes& address) {
  constexpr std::size_t kCustomerBytes = 8;
  const std::size_t size = is_version_4(address) ? address.size() : kCustomerBytes;
  return {reinterpret_cast<const char*>(address.data()), size};
}

}  // namespace trapline::collector
