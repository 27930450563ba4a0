#include "collector/ingest/auth.h"

#include <algorithm>

#include "sdk/core/ascii.h"
#include "sdk/core/dsn.h"
#include "sdk/core/hex.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kKeyDigits = 32;
constexpr std::string_view kBlanks = " \t";

/// What follows the scheme word, in any case; nothing when the header begins otherwise.
std::optional<std::string_view> after_scheme(std::string_view header, std::string_view scheme) {
  header = core::trim(header);
  if (header.size() <= scheme.size() || kBlanks.find(header[scheme.size()]) == std::string_view::npos)
    return std::nullopt;
  const bool is_scheme = std::equal(scheme.begin(), scheme.end(), header.begin(),
                                    [](char left, char right) { return left == core::to_lower(right); });
  if (!is_scheme) return std::nullopt;
  return core::trim(header.substr(scheme.size()));
}

/// The value of `name` in "sentry_version=7, sentry_key=…"; empty when it is not there.
std::string_view field_of(std::string_view fields, std::string_view name) {
  while (!fields.empty()) {
    const std::size_t comma = fields.find(',');
    const std::string_view field = core::trim(fields.substr(0, comma));
    const std::size_t equals = field.find('=');
    if (equals != std::string_view::npos && core::trim(field.substr(0, equals)) == name) {
      return core::trim(field.substr(equals + 1));
    }
    if (comma == std::string_view::npos) break;
    fields.remove_prefix(comma + 1);
  }
  return {};
}

std::string_view first_key(const KeySources& sources) {
  if (const auto fields = after_scheme(sources.x_sentry_auth, "sentry")) {
    if (const auto key = field_of(*fields, "sentry_key"); !key.empty()) return key;
  }
  if (!sources.query_key.empty()) return sources.query_key;
  if (const auto fields = after_scheme(sources.authorization, "sentry")) {
    if (const auto key = field_of(*fields, "sentry_key"); !key.empty()) return key;
  }
  return after_scheme(sources.authorization, "trapline").value_or(std::string_view{});
}

}  // namespace

core::Result<std::optional<std::string>> find_key(const KeySources& sources) {
  const std::string_view key = first_key(sources);
  if (key.empty()) return std::optional<std::string>{};
  if (key.size() != kKeyDigits || !core::is_lower_hex(key)) {
    return core::Error{"malformed_key", "the key has " + std::to_string(key.size()) +
                                            " characters where a DSN's public key has 32 lower-case hex digits"};
  }
  return std::optional<std::string>{key};
}

std::string client_of(const KeySources& sources) {
  for (const std::string_view header : {sources.x_sentry_auth, sources.authorization}) {
    if (const auto fields = after_scheme(header, "sentry")) {
      if (const auto client = field_of(*fields, "sentry_client"); !client.empty()) return std::string(client);
    }
  }
  return std::string(sources.query_client);
}

core::Result<std::string> key_of_dsn(std::string_view dsn) {
  auto parsed = core::parse_dsn(dsn);
  if (!parsed)
    return core::Error{"malformed_key", "the envelope header's dsn is not usable: " + parsed.error().message};
  return std::move(parsed->public_key);
}

}  // namespace trapline::collector
