#pragma once

/// Who sends a request: a program with an API token, or a person with a session cookie.

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "collector/accounts/accounts.h"
#include "collector/http/message.h"

namespace trapline::collector {

constexpr std::string_view kSessionCookie = "trapline_session";

/// The value of a cookie in the request; empty when it is not there.
std::string_view find_cookie(const HttpRequest& request, std::string_view name);

/// Lets a request read when it has a valid token of any scope, or a live session. Nothing when it may; else the answer
/// to give, which is 401.
std::optional<HttpResponse> refuse_unless_reader(Accounts& accounts, const HttpRequest& request);

/// A request that changes something on behalf of a signed-in person must come from our own page, not from another one
/// in the same browser: where the browser names the page's origin, it must be the request's host (403), and a POST must
/// be JSON, which a plain form cannot send (415). Nothing when it does; else the answer to give.
std::optional<HttpResponse> refuse_unless_own_page(const HttpRequest& request);

}  // namespace trapline::collector
