#include "sdk/client/thread_scope_copy.h"

#include <cstring>

#include "sdk/client/scope.h"

namespace trapline::sdk {
namespace {

/// Of the thread's own block, which is there from its start: other thread-local variables of a library may be made when
/// they are first used, which a signal handler must not do.
[[gnu::tls_model("initial-exec")]] thread_local const ThreadScopes* shown = nullptr;

}  // namespace

void show_thread_scopes(const ThreadScopes* scopes) { shown = scopes; }

std::size_t copy_thread_scopes(char* to, std::size_t room) {
  const ThreadScopes* const scopes = shown;
  if (scopes == nullptr) return 0;
  std::size_t written = 0;
  for (std::size_t level = 0; level < scopes->depth(); ++level) {
    const std::string_view row = scopes->row(level);
    if (written + row.size() > room) break;
    std::memcpy(to + written, row.data(), row.size());
    written += row.size();
  }
  return written;
}

}  // namespace trapline::sdk
