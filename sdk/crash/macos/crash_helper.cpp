#include "sdk/crash/crash_helper.h"

namespace trapline::sdk {

core::Result<bool> start_helper(const HelperOptions& /*options*/) {
  return core::Error{"no_helper", "there is no crash helper on macOS"};
}

void forget_helper() {}

}  // namespace trapline::sdk
