#pragma once

/// The HTTP server: accepts connections, reads requests within limits of size and time, and hands them to an
/// application. cpp-httplib decodes bodies and writes answers; the socket, the threads and the reading of heads are
/// ours (see request_head.h for why).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "collector/http/connection_stream.h"
#include "collector/http/listener.h"
#include "collector/http/message.h"
#include "collector/http/worker_pool.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// What answers requests. Called from many threads at once; does not throw.
class HttpApplication {
 public:
  virtual ~HttpApplication() = default;

  /// The longest body that the request, which has none yet, may have.
  virtual std::size_t max_body_bytes(const HttpRequest& request) = 0;

  virtual HttpResponse handle(const HttpRequest& request) = 0;

  /// The answer to a request that the server refuses by itself, with that status. Its body is missing.
  virtual HttpResponse refuse(const HttpRequest& request, int status, std::string_view code,
                              std::string_view message) = 0;
};

struct ServerLimits {
  WorkerLimits workers;
  StreamTimes times;
  std::size_t max_requests_per_connection = 10'000;
  /// Bodies being read and worked on, all together; beyond it requests are asked to come back (503).
  std::size_t max_body_bytes_at_once = std::size_t{256} << 20;
};

/// start() and stop() from one thread. Borrows the application, which must outlive it.
class HttpServer {
 public:
  HttpServer(HttpApplication& application, ServerLimits limits);
  ~HttpServer();  ///< stop()
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Takes connections from now on. Once only.
  void start(Listener listener);

  /// Closes the listening socket and idle connections, lets requests in hand be answered, and joins all threads.
  void stop();

 private:
  class Engine;

  void accept_connections(Listener& listener);
  void serve(int socket_fd);
  void serve_requests(ConnectionStream& stream, const std::string& remote_address);

  HttpApplication& application_;
  const ServerLimits limits_;
  WakeSignal stop_;
  std::unique_ptr<Engine> engine_;
  WorkerPool workers_;
  std::thread acceptor_;
};

}  // namespace trapline::collector
