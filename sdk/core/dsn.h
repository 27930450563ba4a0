#pragma once

/// A DSN says where a project's events go and with which key:
/// `scheme://<public_key>[:<secret_key>]@host[:port][/prefix]/<project_id>`.

#include <cstdint>
#include <string>
#include <string_view>

#include "sdk/core/result.h"

namespace trapline::core {

struct Dsn {
  std::string scheme;      ///< "http" or "https"
  std::string public_key;  ///< 32 lower-case hex digits
  std::string secret_key;  ///< empty, or 32 lower-case hex digits
  std::string host;        ///< name or address; an IPv6 address keeps its brackets
  std::uint16_t port = 0;  ///< 0: the scheme's own
  std::string path;        ///< the prefix before the API's paths: empty, or "/" and more, without a final slash
  std::string project_id;  ///< decimal digits

  /// "https://errors.example.com:8443/prefix", without a final slash.
  [[nodiscard]] std::string base_url() const;

  /// The whole DSN again.
  [[nodiscard]] std::string to_string() const;
};

/// Reads a DSN. The error's code is "invalid_dsn"; its message says which part is wrong and what belongs there, without
/// repeating the keys. Our own forms are required (keys of 32 lower-case hex digits, a decimal project id, no trailing
/// slash), because a DSN of another form would be refused by published clients.
Result<Dsn> parse_dsn(std::string_view text);

}  // namespace trapline::core
