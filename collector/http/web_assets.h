#pragma once

/// The dashboard's files, embedded in the binary at build time (cmake/EmbedWeb.cmake writes the definition).

#include <span>
#include <string_view>

namespace trapline::collector {

struct WebAsset {
  std::string_view path;  ///< "/assets/index-4f2a.js"; "/index.html" is the page of every address of the dashboard
  std::string_view content_type;  ///< "text/javascript; charset=utf-8"
  std::string_view bytes;
  std::string_view gzip_bytes;  ///< the same, gzip -9; empty where that is not smaller
};

/// All of them; empty in a build without the dashboard. Lives as long as the process.
std::span<const WebAsset> web_assets();

}  // namespace trapline::collector
