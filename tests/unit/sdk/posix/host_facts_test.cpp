#include <doctest/doctest.h>
#include <trapline/trapline.hpp>

#include "tests/support/sdk_session.h"

TEST_CASE("Linux tells its kernel's version, and names the main thread as the program") {
  trapline::tests::SdkSession session;
  trapline::capture_message("x");
  const nlohmann::json event = session.only_event();
  CHECK(event["contexts"]["os"]["name"] == "Linux");
  CHECK(event["contexts"]["os"].contains("kernel_version"));
  CHECK(event["threads"]["values"][0]["name"] == "sdk_tests");
}
