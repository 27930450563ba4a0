#include "collector/http/server.h"

#include <utility>

#include <unistd.h>

#include "collector/http/log.h"
#include "collector/http/server_engine.h"

namespace trapline::collector {

namespace {

/// Sent without reading anything, when there is not even a place in the queue.
constexpr std::string_view kNoPlace =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 2\r\nAccess-Control-Allow-Origin: *\r\n"
    "Content-Type: application/json\r\nContent-Length: 86\r\n\r\n"
    R"({"error":{"code":"busy","message":"too many connections; try again in a few seconds"}})";
static_assert(
    std::string_view(R"({"error":{"code":"busy","message":"too many connections; try again in a few seconds"}})")
        .size() == 86);

}  // namespace

HttpServer::HttpServer(HttpApplication& application, ServerLimits limits)
    : application_(application),
      limits_(limits),
      engine_(std::make_unique<Engine>(application, limits.max_body_bytes_at_once)),
      workers_(limits.workers) {}

HttpServer::~HttpServer() { stop(); }

void HttpServer::start(Listener listener) {
  acceptor_ = std::thread([this, taken = std::move(listener)]() mutable { accept_connections(taken); });
}

void HttpServer::stop() {
  stop_.add_one();
  if (acceptor_.joinable()) acceptor_.join();
  workers_.stop();
}

void HttpServer::accept_connections(Listener& listener) {
  pthread_setname_np(pthread_self(), "http-accept");
  for (;;) {
    const int socket_fd = listener.accept(stop_);
    if (socket_fd < 0) return;
    if (workers_.submit([this, socket_fd] { serve(socket_fd); })) continue;
    ConnectionStream(socket_fd, stop_.fd(), limits_.times).write_all(kNoPlace);
    close(socket_fd);
  }
}

void HttpServer::serve(int socket_fd) {
  ConnectionStream stream(socket_fd, stop_.fd(), limits_.times);
  std::string remote_address;
  int remote_port = 0;
  stream.get_remote_ip_and_port(remote_address, remote_port);
  try {
    serve_requests(stream, remote_address);
  } catch (const std::exception& problem) {
    // Out of memory, most likely: this client's connection ends, the others go on.
    log_event(Severity::kError, "connection failed", {{"error", problem.what()}, {"client", remote_address}});
  }
  close(socket_fd);
}

void HttpServer::serve_requests(ConnectionStream& stream, const std::string& remote_address) {
  for (std::size_t count = 1; stream.wait_for_request(workers_.wanted()); ++count) {
    auto text = stream.read_head();
    if (std::holds_alternative<ConnectionStream::Gone>(text)) return;
    auto head = std::holds_alternative<std::string>(text)
                    ? parse_request_head(std::get<std::string>(text))
                    : std::variant<RequestHead, HeadProblem>(std::get<HeadProblem>(std::move(text)));
    if (const auto* problem = std::get_if<HeadProblem>(&head)) {
      engine_->refuse(stream, *problem);
      return stream.finish();
    }
    auto& request = std::get<RequestHead>(head);
    request.keep_alive = request.keep_alive && count < limits_.max_requests_per_connection;
    const Engine::Outcome outcome = engine_->process(stream, request, remote_address);
    if (outcome == Engine::Outcome::kUnreadBody) return stream.finish();
    if (outcome == Engine::Outcome::kEnd) return;
  }
}

}  // namespace trapline::collector
