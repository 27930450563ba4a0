#pragma once

#include <chrono>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <trapline/trapline.hpp>

#include "tests/support/recording_receiver.h"
#include "tests/support/temporary_folder.h"

namespace trapline::tests {

/// The SDK running against a receiver of the test's, with its data in a folder of its own.
struct SdkSession {
  RecordingReceiver receiver;
  TemporaryFolder folder;

  explicit SdkSession(Options options = {}) {
    options.dsn = receiver.dsn();
    options.release = "test@1";
    options.capture_uncaught = false;
    options.data_folder = folder.path("");
    const Status status = init(options);
    REQUIRE_MESSAGE(status.ok(), status.message());
  }
  ~SdkSession() { trapline_shutdown(0); }
  SdkSession(const SdkSession&) = delete;
  SdkSession& operator=(const SdkSession&) = delete;

  /// What has arrived once everything has.
  std::vector<nlohmann::json> events() {
    REQUIRE(flush(std::chrono::seconds(30)).ok());
    return receiver.events();
  }
  nlohmann::json only_event() {
    const auto all = events();
    REQUIRE(all.size() == 1);
    return all[0];
  }
};

}  // namespace trapline::tests
