#pragma once

/// Which handler answers a method and a path. Own code instead of the HTTP library's: that one matches every route as a
/// std::regex, which recurses once a character and runs out of stack on a long path.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/http/reply.h"

namespace trapline::collector {

class Router {
 public:
  using Handler = std::function<HttpReply(const HttpRequest&)>;

  /// `pattern` is a path whose segments are words or {names}: "/api/v1/issues/{id}". A final slash makes no difference,
  /// on either side. "GET" also answers HEAD.
  void add(std::string method, std::string_view pattern, Handler handler);

  /// Answers the request, filling in its path_params: 405 when only the method is wrong, 404 when nothing has this
  /// path.
  HttpReply route(HttpRequest& request) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Handler handler;
  };

  std::vector<Route> routes_;
};

}  // namespace trapline::collector
