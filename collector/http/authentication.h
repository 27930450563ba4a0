#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collector/accounts/accounts.h"
#include "collector/http/reply.h"

namespace trapline::collector {

constexpr std::string_view kSessionCookie = "trapline_session";

/// The token of `Authorization: Bearer <token>`, if the request has such a header.
std::optional<std::string_view> bearer_token(const HttpRequest& request);

/// The session secret in the request's cookies; empty when there is none.
std::string session_secret(const HttpRequest& request);

/// Whether somebody who may read is asking: by `Authorization: Bearer <token>`, or by the session cookie. Errors:
/// "not_signed_in", "storage".
Status authenticate_reader(Accounts& accounts, const HttpRequest& request);

/// The e-mail address of the user whose session it is; empty for a token. Errors as authenticate_reader()'s.
Result<std::string> signed_in_user(Accounts& accounts, const HttpRequest& request);

/// Who may change something is asking: a user who is a member or more, from our own pages, or a token of scope write or
/// admin. Answers the e-mail address or the token's name, for the history. Errors: "not_signed_in", "forbidden",
/// "unsupported_content_type", "storage".
Result<std::string> authenticate_writer(Accounts& accounts, const HttpRequest& request);

/// The same of what only admins and owners may change, or see, and tokens of scope admin.
Result<std::string> authenticate_admin(Accounts& accounts, const HttpRequest& request);

/// Whether a request that changes something comes from our own pages: JSON, and from the origin it is sent to. A page
/// of another site can send neither without the browser asking us first. Errors: "unsupported_content_type",
/// "forbidden".
Status check_same_origin(const HttpRequest& request);

}  // namespace trapline::collector
