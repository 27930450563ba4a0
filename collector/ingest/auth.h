#pragma once

/// Where a request carries its DSN's public key. The key is no secret (it is in every web page that reports errors): it
/// says which project an event belongs to.

#include <optional>
#include <string>
#include <string_view>

#include "sdk/core/result.h"

namespace trapline::collector {

/// The parts of a request that may hold a key, as they came; empty where there is none.
struct KeySources {
  std::string_view x_sentry_auth;  ///< `Sentry sentry_version=7, sentry_key=…`, keys in any order, spaces optional
  std::string_view query_key;      ///< ?sentry_key=
  std::string_view authorization;  ///< `Sentry sentry_key=…` or `Trapline <key>`
  std::string_view query_client;   ///< ?sentry_client=
};

/// The key of the first source that has one, or nothing. Errors: "malformed_key" when that key is not 32 lower-case hex
/// digits.
core::Result<std::optional<std::string>> find_key(const KeySources& sources);

/// How the client calls itself beside its key, "name/version"; empty when it does not.
std::string client_of(const KeySources& sources);

/// The key in an envelope header's `dsn`.
core::Result<std::string> key_of_dsn(std::string_view dsn);

}  // namespace trapline::collector
