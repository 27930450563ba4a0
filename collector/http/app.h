#pragma once

/// Everything the collector answers over HTTP: routes, the dashboard's files, and the headers that every answer has.
/// It knows no sockets.

#include <span>
#include <string>
#include <string_view>

#include "collector/accounts/accounts.h"
#include "collector/digest/digester.h"
#include "collector/http/router.h"
#include "collector/http/server.h"
#include "collector/http/static_files.h"
#include "collector/ingest/intake.h"
#include "collector/storage/store.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

/// What the application speaks for. All of it must outlive it.
struct AppParts {
  Store& store;
  Spool& spool;
  Intake& intake;
  const Digester& digester;
  Accounts& accounts;
  std::string public_url;  ///< without a final slash
  std::span<const WebAsset> web_assets;
  const core::Clock& clock = core::system_clock();
};

/// Thread-safe.
class HttpApp final : public HttpApplication {
 public:
  explicit HttpApp(const AppParts& parts);

  std::size_t max_body_bytes(const HttpRequest& request) override;
  HttpResponse handle(const HttpRequest& request) override;
  HttpResponse refuse(const HttpRequest& request, int status, std::string_view code, std::string_view message) override;

 private:
  void add_status_routes();
  [[nodiscard]] Router::Found find_route(const HttpRequest& request) const;
  [[nodiscard]] HttpResponse route(const HttpRequest& request) const;
  [[nodiscard]] HttpResponse readiness() const;
  [[nodiscard]] HttpResponse metrics() const;

  AppParts parts_;
  StaticFiles files_;
  Router router_;
};

}  // namespace trapline::collector
