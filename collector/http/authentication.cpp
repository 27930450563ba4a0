#include "collector/http/authentication.h"

#include <variant>

#include "sdk/core/ascii.h"

namespace trapline::collector {
namespace {

/// "https://host:port" without its scheme.
std::string_view authority_of(std::string_view origin) {
  const std::size_t scheme_end = origin.find("://");
  return scheme_end == std::string_view::npos ? origin : origin.substr(scheme_end + 3);
}

/// Who may make a change, and what the others are told.
struct Demand {
  TokenScope scope;
  Role role;
  std::string_view token_refusal;
  std::string_view user_refusal;
};

/// A token that was sent, or the user whose session it is.
using Caller = std::variant<ApiToken, User>;

Result<Caller> identify(Accounts& accounts, const HttpRequest& request) {
  if (const auto secret = bearer_token(request)) {
    const auto token = accounts.find_token(*secret);
    if (!token) return token.error();
    if (*token) return Caller(**token);
    return Error{"not_signed_in", "this token is not known: trapline-collector token create makes one"};
  }
  const std::string secret = session_secret(request);
  if (!secret.empty()) {
    const auto user = accounts.user_of_session(secret);
    if (!user) return user.error();
    if (*user) return Caller(**user);
  }
  return Error{"not_signed_in", "sign in, or send a token as Authorization: Bearer <token>"};
}

Result<std::string> authenticate_change(Accounts& accounts, const HttpRequest& request, const Demand& demand) {
  const auto caller = identify(accounts, request);
  if (!caller) return caller.error();
  if (const auto* token = std::get_if<ApiToken>(&*caller)) {
    if (token->scope < demand.scope) return Error{"forbidden", std::string(demand.token_refusal)};
    return token->name;
  }
  const User& user = std::get<User>(*caller);
  if (user.role < demand.role) return Error{"forbidden", std::string(demand.user_refusal)};
  // A page of another site can ask for what changes nothing, and does not see the answer.
  if (request.method == "GET" || request.method == "HEAD") return user.email;
  if (Status status = check_same_origin(request); !status) return status.error();
  return user.email;
}

}  // namespace

std::string session_secret(const HttpRequest& request) {
  std::string_view cookies = request.header("cookie");
  while (!cookies.empty()) {
    const std::size_t semicolon = cookies.find(';');
    const std::string_view cookie = core::trim(cookies.substr(0, semicolon));
    const std::size_t equals = cookie.find('=');
    if (equals != std::string_view::npos && cookie.substr(0, equals) == kSessionCookie) {
      return std::string(cookie.substr(equals + 1));
    }
    cookies.remove_prefix(semicolon == std::string_view::npos ? cookies.size() : semicolon + 1);
  }
  return {};
}

std::optional<std::string_view> bearer_token(const HttpRequest& request) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view authorization = request.header("authorization");
  if (!authorization.starts_with(kBearer)) return std::nullopt;
  return core::trim(authorization.substr(kBearer.size()));
}

Status authenticate_reader(Accounts& accounts, const HttpRequest& request) {
  const auto caller = identify(accounts, request);
  return caller ? Status{} : Status{caller.error()};
}

Result<std::string> signed_in_user(Accounts& accounts, const HttpRequest& request) {
  const auto caller = identify(accounts, request);
  if (!caller) return caller.error();
  const auto* const user = std::get_if<User>(&*caller);
  return user != nullptr ? user->email : std::string();
}

Result<std::string> authenticate_writer(Accounts& accounts, const HttpRequest& request) {
  return authenticate_change(
      accounts, request,
      {TokenScope::kWrite, Role::kMember,
       "this token may only read: trapline-collector token create --scope write makes one that may change things",
       "viewers may look at everything and change nothing"});
}

Result<std::string> authenticate_admin(Accounts& accounts, const HttpRequest& request) {
  return authenticate_change(accounts, request,
                             {TokenScope::kAdmin, Role::kAdmin,
                              "this token may not change projects and keys, nor see or erase the data of users: "
                              "trapline-collector token create --scope admin makes one that may",
                              "owners and admins change projects and keys, and see and erase the data of users"});
}

Status check_same_origin(const HttpRequest& request) {
  if (!request.header("content-type").starts_with("application/json")) {
    return Error{"unsupported_content_type", "send the body as Content-Type: application/json"};
  }
  const std::string_view origin = request.header("origin");
  if (!origin.empty() && authority_of(origin) != request.header("host")) {
    return Error{"forbidden", "this request comes from a page of another site, " + std::string(origin)};
  }
  return {};
}

}  // namespace trapline::collector
