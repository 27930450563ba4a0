#pragma once

/// The part of the server that is cpp-httplib: given a connection with a request on it, has the body decoded, the
/// application asked, and the answer written.

#include <atomic>
#include <string>

#include <httplib.h>

#include "collector/http/connection_stream.h"
#include "collector/http/server.h"

namespace trapline::collector {

/// Thread-safe: one engine serves all connections.
class HttpServer::Engine : private httplib::Server {
 public:
  Engine(HttpApplication& application, std::size_t max_body_bytes_at_once);

  enum class Outcome {
    kReusable,    ///< the next request may follow
    kEnd,         ///< the connection is to be closed
    kUnreadBody,  ///< the same, and the client may still be sending
  };

  /// Reads the rest of the request on the stream and answers it.
  Outcome process(ConnectionStream& stream, const RequestHead& head, const std::string& remote_address);

  /// Answers what is no request.
  void refuse(ConnectionStream& stream, const HeadProblem& problem);

 private:
  struct Exchange;
  class BodyShare;

  HandlerResponse answer_without_body(Exchange& exchange, httplib::Response& response);
  void answer_with_body(Exchange& exchange, httplib::Response& response, const httplib::ContentReader& reader);
  HttpResponse read_and_handle(Exchange& exchange, const httplib::ContentReader& reader);
  HttpResponse too_large(const Exchange& exchange);

  HttpApplication& application_;
  const std::size_t max_body_bytes_at_once_;
  std::atomic<std::size_t> body_bytes_at_once_{0};
};

}  // namespace trapline::collector
