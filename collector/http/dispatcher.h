#pragma once

/// Whose a request is: a door's, the dashboard's, or a route's; and how often one caller may ask the API.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/http/http_parser.h"
#include "collector/http/router.h"
#include "collector/ingest/address.h"
#include "collector/ingest/intake.h"
#include "collector/ingest/token_bucket.h"

namespace trapline::collector {

/// Paths whose answers must not wait behind those of the API: the doors and the health routes.
bool is_urgent_path(const std::string& path);

/// Thread-safe. Borrows the intake.
class Dispatcher {
 public:
  /// `api_requests_per_minute`: of one token, session, or address that has neither; 0: no limit.
  Dispatcher(Router router, Intake& intake, std::vector<AddressRange> trusted_proxies,
             std::int64_t api_requests_per_minute);

  /// `peer` is the address at the connection's other end. Never throws: what a handler throws is told as 500.
  HttpReply answer(const RequestHead& head, std::string_view body, const std::string& peer);

  /// Counts a request that was not read, at a door for the project it names.
  void count_refused(const RequestHead& head, std::string_view reason);

 private:
  HttpReply route(const RequestHead& head, std::string_view body, const std::string& peer);

  Router router_;
  Intake& intake_;
  const std::vector<AddressRange> trusted_proxies_;
  TokenBuckets api_buckets_;
  TokenBuckets stranger_buckets_;  ///< by address, of requests whose token or session is nobody's
};

}  // namespace trapline::collector
