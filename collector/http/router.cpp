#include "collector/http/router.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace trapline::collector {
namespace {

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (!segment.empty()) segments.push_back(segment);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return segments;
}

bool is_name(std::string_view segment) { return segment.starts_with('{'); }

/// What stands at the pattern's names, when the path fits the pattern.
std::optional<std::vector<std::string>> match(const std::vector<std::string>& pattern,
                                              const std::vector<std::string_view>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  std::vector<std::string> params;
  for (std::size_t index = 0; index < path.size(); ++index) {
    if (is_name(pattern[index])) {
      params.emplace_back(path[index]);
    } else if (pattern[index] != path[index]) {
      return std::nullopt;
    }
  }
  return params;
}

}  // namespace

void Router::add(std::string method, std::string_view pattern, Handler handler) {
  Route route;
  route.method = std::move(method);
  for (const std::string_view segment : split_path(pattern)) route.segments.emplace_back(segment);
  route.handler = std::move(handler);
  routes_.push_back(std::move(route));
}

HttpReply Router::route(HttpRequest& request) const {
  const std::vector<std::string_view> path = split_path(request.path);
  const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : request.method;
  std::string allowed;
  for (const Route& route : routes_) {
    auto params = match(route.segments, path);
    if (!params) continue;
    if (route.method == method) {
      request.path_params = std::move(*params);
      return route.handler(request);
    }
    allowed += (allowed.empty() ? "" : ", ") + route.method;
  }
  if (allowed.empty()) {
    return error_reply(404, "not_found", "there is nothing at this path: GET /api/v1/openapi.json lists what there is");
  }
  HttpReply reply = error_reply(405, "method_not_allowed", "this path answers " + allowed + " only");
  reply.headers.emplace_back("Allow", allowed);
  return reply;
}

}  // namespace trapline::collector
