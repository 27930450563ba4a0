#include "collector/http/access.h"

namespace trapline::collector {

namespace {

HttpResponse unauthorised(std::string_view message) {
  HttpResponse response = error_response(401, "unauthorized", message);
  response.set_header("WWW-Authenticate", "Bearer realm=\"trapline\"");
  return response;
}

/// The token of "Authorization: Bearer …"; nothing for another scheme or no header.
std::optional<std::string_view> bearer_token(const HttpRequest& request) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view header = request.header("Authorization");
  const HeaderNameLess less;
  const std::string_view scheme = header.substr(0, kScheme.size());
  if (less(scheme, kScheme) || less(kScheme, scheme)) return std::nullopt;
  return header.substr(kScheme.size());
}

std::string_view media_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  return content_type;
}

}  // namespace

std::string_view find_cookie(const HttpRequest& request, std::string_view name) {
  std::string_view rest = request.header("Cookie");
  while (!rest.empty()) {
    std::string_view part = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    while (part.starts_with(' ')) part.remove_prefix(1);
    if (part.size() > name.size() && part.starts_with(name) && part[name.size()] == '=') {
      return part.substr(name.size() + 1);
    }
  }
  return {};
}

std::optional<HttpResponse> refuse_unless_reader(Accounts& accounts, const HttpRequest& request) {
  if (const auto token = bearer_token(request)) {
    const auto known = accounts.find_token(*token);
    if (!known) return error_response(known.error());
    if (known->has_value()) return std::nullopt;
    return unauthorised("the API token is not known; 'trapline-collector token create' makes one");
  }
  const auto user = accounts.find_session_user(find_cookie(request, kSessionCookie));
  if (!user) return error_response(user.error());
  if (user->has_value()) return std::nullopt;
  return unauthorised("sign in, or send an API token as 'Authorization: Bearer <token>'");
}

std::optional<HttpResponse> refuse_unless_own_page(const HttpRequest& request) {
  if (request.method == "POST" && media_type(request.header("Content-Type")) != "application/json") {
    return error_response(415, "unsupported_media_type", "send the body as Content-Type: application/json");
  }
  const std::string_view origin = request.header("Origin");
  if (origin.empty()) return std::nullopt;
  const std::size_t host_at = origin.find("://");
  const bool is_same_host = host_at != std::string_view::npos && origin.substr(host_at + 3) == request.header("Host");
  if (is_same_host) return std::nullopt;
  return error_response(403, "other_origin", "this may only be asked for from the collector's own pages");
}

}  // namespace trapline::collector
