#include "collector/http/session_routes.h"

#include <string>

#include <nlohmann/json.hpp>

#include "collector/http/api_json.h"
#include "collector/http/authentication.h"
#include "sdk/core/bounded_json.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

std::string cookie(std::string_view secret, std::chrono::seconds lifetime, bool is_https) {
  std::string text = std::string(kSessionCookie) + "=" + std::string(secret) +
                     "; Path=/; HttpOnly; SameSite=Lax; Max-Age=" + std::to_string(lifetime.count());
  if (is_https) text += "; Secure";
  return text;
}

/// The body as an object of texts. Error: "invalid_json".
Result<json> read_body(const HttpRequest& request) {
  if (const Status status = check_same_origin(request); !status) return status.error();
  json body = core::parse_bounded_json(request.body);
  if (!body.is_object()) return Error{"invalid_json", "the body must be a JSON object"};
  return body;
}

Result<std::string> text_of(const json& body, const char* key) {
  const auto found = body.find(key);
  if (found == body.end() || !found->is_string()) {
    return Error{"invalid_json", std::string("the body needs the text '") + key + "'"};
  }
  return found->get<std::string>();
}

HttpReply signed_in_reply(const Result<SignedIn>& signed_in, int status, bool is_https) {
  if (!signed_in) return error_reply(signed_in.error());
  HttpReply reply = json_reply(to_json(signed_in->user), status);
  reply.headers.emplace_back("Set-Cookie", cookie(signed_in->session_secret, Accounts::kSessionLifetime, is_https));
  return reply;
}

HttpReply sign_in(Accounts& accounts, const HttpRequest& request, bool is_https) {
  const auto body = read_body(request);
  if (!body) return error_reply(body.error());
  const auto email = text_of(*body, "email");
  if (!email) return error_reply(email.error());
  const auto password = text_of(*body, "password");
  if (!password) return error_reply(password.error());
  return signed_in_reply(accounts.sign_in(*email, *password, request.peer), 200, is_https);
}

HttpReply become_owner(Accounts& accounts, const HttpRequest& request, bool is_https) {
  const auto body = read_body(request);
  if (!body) return error_reply(body.error());
  const auto token = text_of(*body, "token");
  if (!token) return error_reply(token.error());
  const auto email = text_of(*body, "email");
  if (!email) return error_reply(email.error());
  const auto password = text_of(*body, "password");
  if (!password) return error_reply(password.error());
  return signed_in_reply(accounts.become_owner(*token, *email, *password, request.peer), 201, is_https);
}

HttpReply current_user(Accounts& accounts, const HttpRequest& request) {
  const auto user = accounts.user_of_session(session_secret(request));
  if (!user) return error_reply(user.error());
  if (!*user) return error_reply(Error{"not_signed_in", "nobody is signed in"});
  return json_reply(to_json(**user));
}

HttpReply sign_out(Accounts& accounts, const HttpRequest& request, bool is_https) {
  // SameSite=Lax keeps the cookie out of other sites' DELETE requests, so no body has to prove where this comes from.
  const Status status = accounts.sign_out(session_secret(request));
  if (!status) return error_reply(status.error());
  HttpReply reply;
  reply.status = 204;
  reply.headers.emplace_back("Set-Cookie", cookie("", std::chrono::seconds{0}, is_https));
  return reply;
}

}  // namespace

void add_session_routes(Router& router, Accounts& accounts, bool is_https) {
  router.add("GET", "/api/v1/session",
             [&accounts](const HttpRequest& request) { return current_user(accounts, request); });
  router.add("POST", "/api/v1/session",
             [&accounts, is_https](const HttpRequest& request) { return sign_in(accounts, request, is_https); });
  router.add("DELETE", "/api/v1/session",
             [&accounts, is_https](const HttpRequest& request) { return sign_out(accounts, request, is_https); });
  router.add("POST", "/api/v1/welcome",
             [&accounts, is_https](const HttpRequest& request) { return become_owner(accounts, request, is_https); });
}

}  // namespace trapline::collector
