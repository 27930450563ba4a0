#include "collector/http/http_server.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include <httplib.h>
#include <spdlog/spdlog.h>

#include "collector/http/ingest_routes.h"
#include "collector/http/static_files.h"

namespace trapline::collector {
namespace {

/// A connection occupies a thread while it is open, idle or not: enough of them that idle clients keep nobody waiting.
/// Idle threads cost some kilobytes each.
constexpr std::size_t kThreads = 512;
constexpr int kBacklog = 1024;
constexpr int kKeepAliveSeconds = 5;
constexpr std::size_t kRequestsPerConnection = 100'000;
constexpr int kReadSeconds = 30;
constexpr int kWriteSeconds = 30;
/// A whole body must have arrived in this time, however steadily it trickles.
constexpr std::chrono::seconds kBodyDeadline{60};
constexpr std::size_t kMostSmallBody = std::size_t{64} << 10;
/// A body over the limit is read and thrown away up to here, so that its sender gets to read the answer.
constexpr std::size_t kMostDrained = std::size_t{256} << 20;

/// Gives the listening socket out, whose backlog of 5 has to be raised.
class ListeningServer : public httplib::Server {
 public:
  [[nodiscard]] int socket() const { return svr_sock_; }
};

/// Headers that cpp-httplib acts upon by itself, and must not: it would inflate bodies without a limit, before
/// signature and size are checked, and parse multipart bodies into handlers that we do not have. They travel under
/// other names.
constexpr std::pair<const char*, const char*> kHiddenHeaders[] = {
    {"Content-Encoding", "X-Trapline-Hidden-Content-Encoding"}, {"Content-Type", "X-Trapline-Hidden-Content-Type"}};

void hide_headers(httplib::Headers& headers) {
  for (const auto& [name, hidden_name] : kHiddenHeaders) {
    headers.erase(hidden_name);
    const auto found = headers.find(name);
    if (found == headers.end()) continue;
    std::string value = found->second;
    headers.erase(name);
    headers.emplace(hidden_name, std::move(value));
  }
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& character : lower) {
    if (character >= 'A' && character <= 'Z') character = static_cast<char>(character - 'A' + 'a');
  }
  return lower;
}

std::map<std::string, std::string> read_headers(const httplib::Headers& headers) {
  std::map<std::string, std::string> read;
  for (const auto& [name, value] : headers) read.emplace(to_lower(name), value);
  for (const auto& [name, hidden_name] : kHiddenHeaders) {
    auto hidden = read.extract(to_lower(hidden_name));
    if (hidden.empty()) continue;
    hidden.key() = to_lower(name);
    read.insert(std::move(hidden));
  }
  return read;
}

std::string path_of(const httplib::Request& request) {
  const std::string& target = request.target;
  return httplib::detail::decode_url(target.substr(0, target.find('?')), false);
}

bool is_api_path(std::string_view path) { return path.starts_with("/api/") || path.starts_with("/v1/"); }

bool is_health_path(std::string_view path) { return path == "/healthz" || path == "/readyz" || path == "/metrics"; }

enum class BodyOutcome { kComplete, kTooLarge, kIncomplete };

/// Reads a body of at most `max_bytes` into `body`. What is over the limit is not kept.
BodyOutcome read_body(const httplib::Request& request, const httplib::ContentReader& reader, std::size_t max_bytes,
                      std::string& body) {
  const bool has_body = request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
  if (!has_body) return BodyOutcome::kComplete;  // cpp-httplib would read until the connection ends
  const auto deadline = std::chrono::steady_clock::now() + kBodyDeadline;
  std::size_t received = 0;
  const bool is_complete = reader([&](const char* data, std::size_t size) {
    received += size;
    if (received <= max_bytes) {
      body.append(data, size);
    } else {
      body = std::string();
    }
    return received <= max_bytes + kMostDrained && std::chrono::steady_clock::now() < deadline;
  });
  if (received > max_bytes) return BodyOutcome::kTooLarge;
  return is_complete ? BodyOutcome::kComplete : BodyOutcome::kIncomplete;
}

void write_reply(const HttpReply& reply, httplib::Response& response) {
  response.status = reply.status;
  response.set_header("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : reply.headers) response.set_header(name, value);
  if (reply.status != 204) response.set_content(reply.body, reply.content_type);
}

}  // namespace

class HttpServer::Implementation {
 public:
  Implementation(Router router, Intake& intake) : router_(std::move(router)), intake_(intake) {
    set_limits();
    set_handlers();
  }

  Result<int> bind(const std::string& host, int port) {
    const int bound_port = port != 0 ? (server_.bind_to_port(host, port) ? port : -1) : server_.bind_to_any_port(host);
    if (bound_port < 0) {
      return Error{"cannot_listen",
                   "cannot listen on " + host + ":" + std::to_string(port) + " (" +
                       std::strerror(errno) +  // NOLINT(concurrency-mt-unsafe): before any thread starts
                       "): is another program using the port? choose one with --listen HOST:PORT"};
    }
    ::listen(server_.socket(), kBacklog);
    return bound_port;
  }

  void run() { server_.listen_after_bind(); }
  void stop() { server_.stop(); }

 private:
  void set_limits() {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server_.set_tcp_nodelay(true);  // without it a keep-alive answer waits 40 ms for the client's delayed ACK
    server_.set_keep_alive_timeout(kKeepAliveSeconds);
    server_.set_keep_alive_max_count(kRequestsPerConnection);
    server_.set_read_timeout(kReadSeconds);
    server_.set_write_timeout(kWriteSeconds);
    // The default also sets SO_REUSEPORT, with which a second collector on the port would take half of the requests.
    server_.set_socket_options([](int socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
  }

  void set_handlers() {
    server_.set_pre_routing_handler([](const httplib::Request& request, httplib::Response&) {
      // The handler gets a const request of an object that is not: what the library does with it next is what we
      // change.
      auto& own = const_cast<httplib::Request&>(request);
      hide_headers(own.headers);
      own.path = "/";  // our router reads `target`; the library's would match std::regex against a path of any length
      return httplib::Server::HandlerResponse::Unhandled;
    });
    const auto without_body = [this](const httplib::Request& request, httplib::Response& response) {
      handle(request, response, nullptr);
    };
    const auto with_body = [this](const httplib::Request& request, httplib::Response& response,
                                  const httplib::ContentReader& reader) { handle(request, response, &reader); };
    server_.Get("/", without_body);
    server_.Options("/", without_body);
    server_.Delete("/", without_body);
    server_.Post("/", with_body);
    server_.Put("/", with_body);
    server_.Patch("/", with_body);
    server_.Delete("/", with_body);
    // What the library refuses by itself (a malformed request line, an endless header) gets our form of an error.
    server_.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty() || response.status == 204) return;
      write_reply(error_reply(response.status, "bad_request", "the HTTP request is malformed"), response);
    });
  }

  void handle(const httplib::Request& request, httplib::Response& response, const httplib::ContentReader* reader) {
    try {
      write_reply(answer(request, reader), response);
    } catch (const std::exception& error) {
      spdlog::error("{} {} failed: {}", request.method, request.target, error.what());
      write_reply(error_reply(500, "internal", "the collector failed at this request; its log says why"), response);
    }
  }

  HttpReply answer(const httplib::Request& request, const httplib::ContentReader* reader) {
    const std::string path = path_of(request);
    const auto door = find_door(path);
    std::string body;
    if (reader != nullptr) {
      const std::size_t max_bytes = door ? intake_.limits().max_body_bytes : kMostSmallBody;
      switch (read_body(request, *reader, max_bytes, body)) {
        case BodyOutcome::kComplete:
          break;
        case BodyOutcome::kIncomplete:
          return error_reply(400, "incomplete_body", "the body ended, or stopped arriving, before it was complete");
        case BodyOutcome::kTooLarge:
          return door ? refuse_large_body(intake_)
                      : error_reply(
                            Error{"body_too_large", "a body here may have " + std::to_string(max_bytes) + " bytes"});
      }
    }
    HttpRequest call;
    call.method = request.method;
    call.path = path;
    call.query = request.params;
    call.headers = read_headers(request.headers);
    call.body = body;
    call.peer = request.remote_addr;
    if (door && call.method == "POST") return take_in(intake_, *door, call);
    if (door && call.method == "OPTIONS") return answer_preflight(call);
    if (door) return refuse_method();
    const bool is_page = !is_api_path(path) && !is_health_path(path) && (call.method == "GET" || call.method == "HEAD");
    return is_page ? serve_dashboard(call) : router_.route(call);
  }

  ListeningServer server_;
  Router router_;
  Intake& intake_;
};

HttpServer::HttpServer(Router router, Intake& intake)
    : implementation_(std::make_unique<Implementation>(std::move(router), intake)) {}
HttpServer::~HttpServer() = default;

Result<int> HttpServer::bind(const std::string& host, int port) { return implementation_->bind(host, port); }
void HttpServer::run() { implementation_->run(); }
void HttpServer::stop() { implementation_->stop(); }

}  // namespace trapline::collector
