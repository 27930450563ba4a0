#pragma once

/// The listening socket, its connections and their limits, on cpp-httplib. What is answered is decided by the routes;
/// here requests are read, bounded, and handed to them.

#include <memory>
#include <string>

#include "collector/http/router.h"
#include "collector/ingest/intake.h"
#include "sdk/core/result.h"

namespace trapline::collector {

class HttpServer {
 public:
  /// Borrows the intake. The doors take bodies up to its limit, all other paths up to 64 KiB.
  HttpServer(Router router, Intake& intake);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Binds the socket; port 0 picks a free one. Answers the port. Error: "cannot_listen".
  Result<int> bind(const std::string& host, int port);

  /// Answers requests until stop(). After bind().
  void run();

  /// Lets the requests in hand finish and makes run() return, after at most the keep-alive time. Any thread.
  void stop();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace trapline::collector
