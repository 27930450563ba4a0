#pragma once

/// Internet addresses, and ranges of them in CIDR notation, of both versions.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trapline::collector {

/// An address as 16 bytes; of version 4 as ::ffff:a.b.c.d, so that both spellings of one are equal.
using AddressBytes = std::array<std::uint8_t, 16>;

/// Nothing for what is no address. Brackets around version 6 and a zone behind it ("%eth0") are tolerated.
std::optional<AddressBytes> parse_address(std::string_view text);

/// "10.0.0.0/8", "2001:db8::/32", or one address.
class AddressRange {
 public:
  static std::optional<AddressRange> parse(std::string_view text);
  [[nodiscard]] bool contains(const AddressBytes& address) const;

 private:
  AddressBytes network_{};
  int prefix_bits_ = 128;
};

/// The address that counts as one sender's: of version 6 its /64, which is what one customer has.
std::string sender_of(const AddressBytes& address);

}  // namespace trapline::collector
