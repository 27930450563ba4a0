#include "sdk/core/dsn.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "sdk/core/hex.h"

namespace trapline::core {
namespace {

constexpr std::size_t kKeyDigits = 32;

Error invalid(std::string what) {
  what += "; a DSN looks like https://<public key>@<host>[:<port>]/<project id>";
  return {"invalid_dsn", std::move(what)};
}

bool is_key(std::string_view text) { return text.size() == kKeyDigits && is_lower_hex(text); }

bool is_decimal(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool has_unprintable(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == '\x7f'; });
}

/// "<public>[:<secret>]"
std::optional<Error> read_keys(std::string_view keys, Dsn& dsn) {
  const std::size_t colon = keys.find(':');
  const std::string_view public_key = keys.substr(0, colon);
  if (!is_key(public_key)) {
    return invalid("the DSN's public key (before '@') must be 32 lower-case hex digits, it has " +
                   std::to_string(public_key.size()) + " characters" +
                   (public_key.size() == kKeyDigits ? ", not all of them 0-9 or a-f" : ""));
  }
  dsn.public_key = public_key;
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view secret_key = keys.substr(colon + 1);
  if (!is_key(secret_key))
    return invalid("the DSN's secret key (between ':' and '@') must be 32 lower-case hex digits");
  dsn.secret_key = secret_key;
  return std::nullopt;
}

std::optional<Error> read_port(std::string_view text, Dsn& dsn) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) {
    return invalid("the DSN's port '" + std::string(text) + "' is not a number from 1 to 65535");
  }
  dsn.port = port;
  return std::nullopt;
}

/// "host", "host:port" or "[ipv6]:port"
std::optional<Error> read_host(std::string_view authority, Dsn& dsn) {
  std::size_t host_end = authority.find(':');
  if (authority.starts_with('[')) {
    const std::size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) return invalid("the DSN's IPv6 host has no closing ']'");
    host_end = bracket + 1;
    if (host_end < authority.size() && authority[host_end] != ':') {
      return invalid("the DSN has text between its IPv6 host and its port");
    }
  }
  const std::string_view host = authority.substr(0, host_end);
  if (host.empty() || host == "[]") return invalid("the DSN has no host");
  constexpr std::string_view kNotInHost = "@/\\?#%";
  if (host.find_first_of(kNotInHost) != std::string_view::npos) {
    return invalid("the DSN's host '" + std::string(host) + "' has a character that no host name has");
  }
  dsn.host = host;
  if (host_end >= authority.size()) return std::nullopt;
  return read_port(authority.substr(host_end + 1), dsn);
}

/// "[/prefix]/<project id>"
std::optional<Error> read_path(std::string_view path, Dsn& dsn) {
  if (path.find_first_of("?#") != std::string_view::npos) {
    return invalid("the DSN has a query or fragment, nothing may follow the project id");
  }
  const std::size_t last_slash = path.rfind('/');
  if (last_slash == std::string_view::npos) return invalid("the DSN has no project id after its host");
  const std::string_view project_id = path.substr(last_slash + 1);
  if (project_id.empty()) return invalid("the DSN ends in a slash, the project id must be its last part");
  if (!is_decimal(project_id)) {
    return invalid("the DSN's project id '" + std::string(project_id) + "' is not a decimal number");
  }
  dsn.path = path.substr(0, last_slash);
  dsn.project_id = project_id;
  return std::nullopt;
}

}  // namespace

std::string Dsn::base_url() const {
  std::string url = scheme + "://" + host;
  if (port != 0) url += ":" + std::to_string(port);
  return url + path;
}

std::string Dsn::to_string() const {
  std::string text = scheme + "://" + public_key;
  if (!secret_key.empty()) text += ":" + secret_key;
  text += "@" + host;
  if (port != 0) text += ":" + std::to_string(port);
  return text + path + "/" + project_id;
}

Result<Dsn> parse_dsn(std::string_view text) {
  if (text.empty()) return invalid("the DSN is empty");
  if (has_unprintable(text)) return invalid("the DSN contains a blank or control character");
  Dsn dsn;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos)
    return invalid("the DSN has no scheme, it must begin with http:// or https://");
  dsn.scheme = text.substr(0, scheme_end);
  if (dsn.scheme != "http" && dsn.scheme != "https") {
    return invalid("the DSN's scheme '" + dsn.scheme + "' is not supported, use http or https");
  }
  text.remove_prefix(scheme_end + 3);
  const std::size_t path_start = std::min(text.find('/'), text.size());
  const std::string_view authority = text.substr(0, path_start);
  const std::size_t at = authority.find('@');
  if (at == std::string_view::npos) return invalid("the DSN has no public key before its host");
  if (auto error = read_keys(authority.substr(0, at), dsn)) return *error;
  if (auto error = read_host(authority.substr(at + 1), dsn)) return *error;
  if (auto error = read_path(text.substr(path_start), dsn)) return *error;
  return dsn;
}

}  // namespace trapline::core
