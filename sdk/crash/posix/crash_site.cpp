#include "sdk/crash/posix/crash_site.h"

namespace trapline::sdk {
namespace {

constinit CrashSite the_site;

}  // namespace

CrashSite& crash_site() { return the_site; }

}  // namespace trapline::sdk
