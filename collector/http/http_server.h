#pragma once

/// The listening socket, its connections and their limits. What is answered is decided by the routes; here requests are
/// read, bounded, and handed to them.
///
/// Why a front of our own instead of cpp-httplib's server: that gives every connection a thread for as long as it is
/// open, so that a few hundred idle or deliberately slow clients occupy all of them (measured: 300 idle ones made an
/// honest client wait 17.9 s with 64 threads); its time limits are for each read, which a client that sends a byte now
/// and then never reaches; and it inflates bodies by itself, without a limit. Here one thread (epoll) reads all
/// connections, each against a deadline for its whole head and its whole body, and only complete requests reach the
/// threads that answer: those of the doors, which wait for the spool's disk, and those of the API, which may wait for
/// the database, so that neither keeps the other waiting. A third kind makes answers that are too long for that piece
/// by piece (long_answer.h). Each kind has a bounded queue before it; what does not fit is told 503.

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "collector/http/router.h"
#include "collector/ingest/address.h"
#include "collector/ingest/intake.h"
#include "sdk/core/result.h"

namespace trapline::collector {

struct HttpOptions {
  std::chrono::milliseconds head_deadline{10'000};  ///< from a request's first byte to the end of its head
  std::chrono::milliseconds body_deadline{60'000};  ///< from there to the end of its body
  std::chrono::milliseconds idle_deadline{30'000};  ///< between requests
  std::chrono::milliseconds write_deadline{30'000};
  std::size_t max_connections = 10'000;        ///< above, the longest idle one makes room, or else a slow one
  std::size_t max_connections_per_ip = 1'024;  ///< trusted proxies excepted
  std::size_t max_waiting_requests = 1'024;    ///< before each kind of thread
  std::size_t max_buffered_bytes = std::size_t{256} << 20;  ///< of all bodies that are being read or answered
  std::size_t max_streams = 200;                            ///< of live updates (event_stream.h)
  std::chrono::milliseconds heartbeat{15'000};              ///< of a stream
  /// Then a stream is closed and its client comes back: so a token that was revoked, or a user who signed out, sees no
  /// more than that.
  std::chrono::milliseconds stream_lifetime{15 * 60'000};
  std::size_t max_long_answers = 16;  ///< exports that run at the same time
  std::size_t door_threads = 32;
  std::size_t api_threads = 8;
  std::size_t long_answer_threads = 2;
  std::vector<AddressRange> trusted_proxies;   ///< whose X-Forwarded-For is believed
  std::int64_t api_requests_per_minute = 600;  ///< of one token, session, or address that has neither; 0: no limit
};

/// What was counted since the start, and the connections that are open.
struct HttpCounts {
  std::size_t connections = 0;
  std::uint64_t refused_connections = 0;  ///< by the limit of one address
  std::uint64_t timed_out_requests = 0;   ///< that did not arrive in their time
  std::size_t streams = 0;                ///< of the connections
  std::uint64_t refused_requests = 0;     ///< for lack of room in the queue or in memory
};

class HttpServer {
 public:
  /// Borrows the intake. The doors take bodies up to its limit, all other paths up to 64 KiB.
  HttpServer(Router router, Intake& intake, HttpOptions options = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Binds the socket; port 0 picks a free one. Answers the port. Error: "cannot_listen".
  Result<int> bind(const std::string& host, int port);

  /// Answers requests until stop(). After bind().
  void run();

  /// Lets the requests in hand finish and makes run() return. Any thread.
  void stop();

  [[nodiscard]] HttpCounts counts() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace trapline::collector
