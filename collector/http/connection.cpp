#include "collector/http/connection.h"

#include <array>
#include <cerrno>
#include <ctime>

#include <sys/socket.h>

namespace trapline::collector {
namespace {

struct Reason {
  int status;
  std::string_view phrase;
};

constexpr Reason kReasons[] = {{200, "OK"},
                               {201, "Created"},
                               {202, "Accepted"},
                               {204, "No Content"},
                               {304, "Not Modified"},
                               {400, "Bad Request"},
                               {401, "Unauthorized"},
                               {403, "Forbidden"},
                               {404, "Not Found"},
                               {405, "Method Not Allowed"},
                               {408, "Request Timeout"},
                               {409, "Conflict"},
                               {413, "Content Too Large"},
                               {415, "Unsupported Media Type"},
                               {429, "Too Many Requests"},
                               {431, "Request Header Fields Too Large"},
                               {500, "Internal Server Error"},
                               {501, "Not Implemented"},
                               {503, "Service Unavailable"}};

std::string_view phrase_of(int status) {
  for (const Reason& reason : kReasons) {
    if (reason.status == status) return reason.phrase;
  }
  return "Status";
}

/// "Thu, 26 Nov 2026 11:07:48 GMT", made once a second.
const std::string& date() {
  thread_local std::time_t made_at = 0;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now == made_at) return text;
  std::tm parts{};
  gmtime_r(&now, &parts);
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 40> buffer{};
  // Not strftime's names: they follow the locale.
  const std::string format = std::string(kDays[static_cast<std::size_t>(parts.tm_wday)]) + ", %d " +
                             kMonths[static_cast<std::size_t>(parts.tm_mon)] + " %Y %H:%M:%S GMT";
  text.assign(buffer.data(), std::strftime(buffer.data(), buffer.size(), format.c_str(), &parts));
  made_at = now;
  return text;
}

/// The status line and the headers that every answer has.
std::string head_of(const HttpReply& reply) {
  std::string bytes;
  bytes.reserve(512 + reply.body.size());
  bytes += "HTTP/1.1 " + std::to_string(reply.status) + " ";
  bytes += phrase_of(reply.status);
  bytes += "\r\nDate: ";
  bytes += date();
  bytes += "\r\nX-Content-Type-Options: nosniff\r\n";
  for (const auto& [name, value] : reply.headers) {
    bytes += name;
    bytes += ": ";
    bytes += value;
    bytes += "\r\n";
  }
  return bytes;
}

}  // namespace

std::string serialize_stream_head(const HttpReply& reply) {
  // Without the last header proxies such as nginx would hold events back until they have enough for a buffer.
  return head_of(reply) + "Content-Type: " + reply.content_type +
         "\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\nConnection: close\r\n\r\n";
}

std::string serialize_long_head(const HttpReply& reply, bool is_chunked, bool keeps_alive) {
  return head_of(reply) + "Content-Type: " + reply.content_type + "\r\nCache-Control: no-store\r\n" +
         (is_chunked ? "Transfer-Encoding: chunked\r\n" : "") + (keeps_alive ? "" : "Connection: close\r\n") + "\r\n";
}

std::string serialize(const HttpReply& reply, bool is_head, bool keeps_alive) {
  std::string bytes = head_of(reply);
  const bool has_content = reply.status != 204 && reply.status != 304;
  if (has_content) {
    bytes += "Content-Type: " + reply.content_type;
    bytes += "\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n";
  }
  if (!keeps_alive) bytes += "Connection: close\r\n";
  bytes += "\r\n";
  if (has_content && !is_head) bytes += reply.body;
  return bytes;
}

SendOutcome send_output(Connection& connection) {
  while (connection.written < connection.output.size()) {
    const ssize_t sent = send(connection.socket, connection.output.data() + connection.written,
                              connection.output.size() - connection.written, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? SendOutcome::kLater : SendOutcome::kFailed;
    connection.written += static_cast<std::size_t>(sent);
  }
  return SendOutcome::kDone;
}

bool has_hung_up(const Connection& connection) {
  char next = 0;
  const ssize_t count = recv(connection.socket, &next, 1, MSG_PEEK | MSG_DONTWAIT);
  return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void mark_broken(const Connection& connection) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};  // the close is a reset
  setsockopt(connection.socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace trapline::collector
