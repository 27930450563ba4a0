#include "sdk/core/bounded_json.h"

#include <string>

#include <doctest/doctest.h>

using namespace trapline::core;

namespace {

std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

}  // namespace

TEST_CASE("JSON is read up to a hundred levels deep, whatever its brackets are") {
  CHECK(parse_bounded_json(nested(100)).is_array());
  CHECK(parse_bounded_json(nested(101)).is_discarded());
  CHECK(parse_bounded_json(std::string(100'000, '[')).is_discarded());
  std::string objects;
  for (int level = 0; level < 101; ++level) objects += R"({"a":)";
  CHECK(parse_bounded_json(objects + "1" + std::string(101, '}')).is_discarded());
  CHECK(parse_bounded_json("{").is_discarded());
}

TEST_CASE("brackets inside of strings are text") {
  const std::string many(200, '[');
  CHECK(parse_bounded_json("[\"" + many + "\"]").is_array());
  CHECK(parse_bounded_json("[\"\\\"" + many + "\"]").is_array());
  CHECK(parse_bounded_json("[\"\\\\\"," + many).is_discarded());
}
