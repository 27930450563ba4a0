#pragma once

/// What the API's routes have in common.

#include "collector/http/api_routes.h"

namespace trapline::collector {

using ApiWork = HttpReply (*)(const ApiContext&, const HttpRequest&);

/// A GET for those who may read.
void add_reading(Router& router, const ApiContext& context, std::string_view pattern, ApiWork work);

/// A change by those who may make it, as `authenticate` tells; it answers who that is.
using ApiChange = HttpReply (*)(const ApiContext&, const HttpRequest&, const std::string& actor);
using Authenticate = Result<std::string> (*)(Accounts&, const HttpRequest&);
void add_changing(Router& router, const ApiContext& context, const char* method, std::string_view pattern,
                  Authenticate authenticate, ApiChange work);

/// The records that a route's first path parameter names. Errors: "not_found", saying what there is not.
Result<Project> project_of_path(const ApiContext& context, const HttpRequest& request);
Result<Issue> issue_of_path(const ApiContext& context, const HttpRequest& request);

/// What the parameter `query` looks for. Errors: "invalid_query", and signed_in_user()'s.
Result<Search> read_search(const ApiContext& context, const HttpRequest& request);

/// The error that says it. `name` may be anything that a client wrote.
core::Error no_such(std::string_view what, std::string_view name);

}  // namespace trapline::collector
