#include "collector/http/static_files.h"

#include <algorithm>

#include "collector/http/web_assets.h"

namespace trapline::collector {
namespace {

// Nothing but our own files is loaded, run or asked for, and no other site may put the dashboard into a frame.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'";

constexpr std::string_view kNoDashboard =
    "<!doctype html><title>Trapline</title><p>This build of trapline-collector has no dashboard "
    "(TRAPLINE_BUILD_WEB was off). The API is at <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>.";

const WebAsset* find_asset(std::string_view path) {
  const auto assets = web_assets();
  const auto found =
      std::find_if(assets.begin(), assets.end(), [&](const WebAsset& asset) { return asset.path == path; });
  return found != assets.end() ? &*found : nullptr;
}

void add_security_headers(HttpReply& reply) {
  reply.headers.emplace_back("Content-Security-Policy", kContentSecurityPolicy);
  reply.headers.emplace_back("Referrer-Policy", "no-referrer");
  reply.headers.emplace_back("X-Frame-Options", "DENY");
}

}  // namespace

HttpReply serve_dashboard(const HttpRequest& request) {
  constexpr std::string_view kAssetFolder = "/assets/";
  const bool is_build_file = request.path.starts_with(kAssetFolder);
  const WebAsset* asset = find_asset(request.path);
  if (asset == nullptr && is_build_file) return error_reply(404, "not_found", "there is no such file");
  if (asset == nullptr) asset = find_asset("/index.html");
  HttpReply reply;
  add_security_headers(reply);
  if (asset == nullptr) {
    reply.content_type = "text/html; charset=utf-8";
    reply.body = kNoDashboard;
    return reply;
  }
  reply.content_type = asset->content_type;
  // The names of built files hold a hash of their content; the page that names them must be asked for anew.
  reply.headers.emplace_back("Cache-Control", is_build_file ? "public, max-age=31536000, immutable" : "no-cache");
  reply.headers.emplace_back("Vary", "Accept-Encoding");
  const bool takes_gzip = request.header("accept-encoding").find("gzip") != std::string_view::npos;
  if (takes_gzip && !asset->gzip_bytes.empty()) {
    reply.headers.emplace_back("Content-Encoding", "gzip");
    reply.body = asset->gzip_bytes;
  } else {
    reply.body = asset->bytes;
  }
  return reply;
}

}  // namespace trapline::collector
