#include "sdk/crash/macos/crash_site.h"

namespace trapline::sdk {
namespace {

constinit CrashSite the_site;

}  // namespace

CrashSite& crash_site() { return the_site; }

void allow_crash_reports(bool is_allowed) { crash_site().is_allowed.store(is_allowed); }

void set_thread_scopes_copier(CopyThreadScopes copy) { crash_site().copy_thread_scopes.store(copy); }

}  // namespace trapline::sdk
