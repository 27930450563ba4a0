#include "collector/http/message.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace trapline::collector {

namespace {

char to_lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  const char lower = to_lower(digit);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

struct StatusOfCode {
  std::string_view code;
  int status;
};

constexpr std::array<StatusOfCode, 9> kStatuses{{{"not_found", 404},
                                                 {"unknown_link", 404},
                                                 {"conflict", 409},
                                                 {"invalid_cursor", 400},
                                                 {"invalid_parameter", 400},
                                                 {"invalid_email", 400},
                                                 {"invalid_password", 400},
                                                 {"wrong_credentials", 401},
                                                 {"too_many_attempts", 429}}};

int status_of(std::string_view code) {
  const auto* found =
      std::find_if(kStatuses.begin(), kStatuses.end(), [&](const StatusOfCode& known) { return known.code == code; });
  if (found != kStatuses.end()) return found->status;
  return code == "busy" ? 503 : 500;
}

}  // namespace

bool HeaderNameLess::operator()(std::string_view left, std::string_view right) const {
  return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end(),
                                      [](char a, char b) { return to_lower(a) < to_lower(b); });
}

QueryParameters QueryParameters::parse(std::string_view query) {
  QueryParameters parameters;
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.empty()) continue;
    const std::string_view name = part.substr(0, part.find('='));
    const std::string_view value = part.substr(std::min(part.size(), name.size() + 1));
    parameters.values_.try_emplace(decode_percent(name, true), decode_percent(value, true));
  }
  return parameters;
}

std::optional<std::string_view> QueryParameters::find(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::string_view HttpRequest::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::string decode_percent(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool has_two_more = at + 2 < text.size();
    const int high = text[at] == '%' && has_two_more ? hex_digit(text[at + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[at + 2]) : -1;
    if (low >= 0) {
      decoded += static_cast<char>(high * 16 + low);
      at += 2;
    } else {
      decoded += plus_is_space && text[at] == '+' ? ' ' : text[at];
    }
  }
  return decoded;
}

HttpResponse json_response(int status, std::string json) {
  return HttpResponse{.status = status, .content_type = "application/json", .body = std::move(json), .headers = {}};
}

HttpResponse error_response(int status, std::string_view code, std::string_view message) {
  const nlohmann::json body = {{"error", {{"code", code}, {"message", message}}}};
  // Messages quote what was sent, which need not be UTF-8.
  return json_response(status, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

HttpResponse error_response(const core::Error& error) {
  return error_response(status_of(error.code), error.code, error.message);
}

}  // namespace trapline::collector
