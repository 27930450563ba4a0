#include "sdk/core/event_json.h"

#include <string>

#include <doctest/doctest.h>

using namespace trapline::core;

TEST_CASE("a build id's debug id is its first 16 bytes as a little-endian UUID") {
  CHECK(debug_id_of("4a74492960e36a1cafdc0123456789ab00000000") == "2949744a-e360-1c6a-afdc-0123456789ab");
  CHECK(debug_id_of("4a74").empty());
}

TEST_CASE("an event is written oldest cause and oldest call first, as the payload has it") {
  Event event;
  event.event_id = "1fd941f72cb7453e8d29c2990c2422b4";
  event.level = "error";
  event.exceptions = {{"Caught", "c"}, {"Cause", "d"}};
  Frame inner;
  inner.address = 0x10;  // a return address: the call is before it
  inner.function = "inner";
  Frame outer;
  outer.address = 0x20;
  outer.function = "outer";
  event.frames = {inner, outer};
  const std::string json = to_json(event, {});
  CHECK(json.find("\"Cause\"") < json.find("\"Caught\""));
  CHECK(json.find("\"outer\"") < json.find("\"inner\""));
  CHECK(json.find("\"instruction_addr\":\"0xf\"") != std::string::npos);
  CHECK(json.find('\n') == std::string::npos);
}

TEST_CASE("a message carries its stack in the thread that captured it") {
  Event event;
  event.message = "hello";
  event.thread_id = 7;
  event.frames.resize(1);
  const std::string json = to_json(event, {});
  CHECK(json.find("\"threads\":{\"values\":[{\"id\":7") != std::string::npos);
  CHECK(json.find("\"stacktrace\"") != std::string::npos);
  CHECK(json.find("\"exception\"") == std::string::npos);
}

TEST_CASE("a debug id is written as the symbol servers of Windows and macOS have it") {
  const std::string id = "0123456789abcdef0011223344556677";
  CHECK(trapline::core::debug_id_of(id, trapline::core::ModuleFormat::kMachO) ==
        "01234567-89ab-cdef-0011-223344556677");
  CHECK(trapline::core::debug_id_of(id + "0000001f", trapline::core::ModuleFormat::kPe) ==
        "67452301-ab89-efcd-0011-223344556677-1f");
}
