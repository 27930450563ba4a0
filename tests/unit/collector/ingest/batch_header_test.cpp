#include "collector/ingest/batch_header.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/ingest/events_body.h"

using namespace trapline::collector;
using nlohmann::json;

namespace {

constexpr const char* kHeader =
    R"({"trapline_batch":{"debug_meta":{"images":[{"code_file":"/a","image_addr":"0x1000"},{"code_file":"/b","image_addr":"0x2000"}]}}})";

}  // namespace

TEST_CASE("a batch's modules go to the events whose frames name them, and to no others") {
  auto header = BatchHeader::read(kHeader);
  REQUIRE(header.ok());
  const json event = json::parse(header->complete(R"({"frames":[{"image_addr":"0x2000"},{"image_addr":"0x3000"}]})"));
  REQUIRE(event["debug_meta"]["images"].size() == 1);
  CHECK(event["debug_meta"]["images"][0]["code_file"] == "/b");
  CHECK(header->complete(R"({"message":"x"})") == R"({"message":"x"})");
  const std::string own = R"({"debug_meta":{},"frames":[{"image_addr":"0x2000"}]})";
  CHECK(header->complete(own) == own);
}

TEST_CASE("what a header adds is bounded, to one event and to all of a batch") {
  std::string images;
  std::string frames;
  for (int number = 0; number < 1'000; ++number) {
    const std::string address = std::to_string(100'000 + number);
    images +=
        (number > 0 ? "," : "") + (R"({"image_addr":")" + address) + R"(","x":")" + std::string(1'000, 'x') + "\"}";
    frames += (number > 0 ? "," : "") + (R"({"image_addr":")" + address) + "\"}";
  }
  auto header = BatchHeader::read(R"({"trapline_batch":{"debug_meta":{"images":[)" + images + "]}}}");
  REQUIRE(header.ok());
  const std::string event = "{\"frames\":[" + frames + "]}";
  std::size_t added = 0;
  for (int number = 0; number < 300; ++number) {
    const std::string completed = header->complete(event);
    CHECK(completed.size() - event.size() <= kMostAddedToEvent + 100);
    added += completed.size() - event.size();
    if (number == 0) CHECK(json::parse(completed)["debug_meta"]["images"].size() > 200);
  }
  CHECK(added <= kMostAddedToBatch + 300 * 100);
}

TEST_CASE("the header is told from events, only on the first line") {
  const std::string body = std::string(kHeader) + "\n{\"message\":\"a\"}\n" + kHeader + "\n";
  const auto split = split_events(EventsFormat::kNdjson, body, 10);
  REQUIRE(split.ok());
  CHECK(split->batch_header == kHeader);
  CHECK(split->events.size() == 2);
}

TEST_CASE("a header that is broken is refused, one without modules changes nothing") {
  CHECK_FALSE(BatchHeader::read("{\"trapline_batch\":").ok());
  auto empty = BatchHeader::read(R"({"trapline_batch":{"ledger":{"captured":3}}})");
  REQUIRE(empty.ok());
  CHECK(empty->complete(R"({"image_addr":"0x1"})") == R"({"image_addr":"0x1"})");
}
