#include "sdk/core/gzip.h"

#include <string>

#include <doctest/doctest.h>

using namespace trapline::core;

namespace {

std::string sample() {
  std::string text;
  for (int line = 0; line < 5000; ++line) text += "line " + std::to_string(line) + "\n";
  return text;
}

}  // namespace

TEST_CASE("what was compressed comes back") {
  for (const std::string& text : {std::string(), std::string("x"), sample()}) {
    const auto back = inflate(gzip(text), DeflateFormat::kGzip, 1 << 20);
    REQUIRE(back);
    CHECK(*back == text);
  }
}

TEST_CASE("several gzip members in a row are one stream") {
  const auto back = inflate(gzip("one ") + gzip("two"), DeflateFormat::kGzip, 100);
  REQUIRE(back);
  CHECK(*back == "one two");
}

TEST_CASE("output of exactly the limit is taken, one byte more is refused") {
  const std::string text(1000, 'a');
  CHECK(inflate(gzip(text), DeflateFormat::kGzip, 1000).ok());
  const auto refused = inflate(gzip(text), DeflateFormat::kGzip, 999);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "inflated_too_large");
}

TEST_CASE("a stream that is cut short, damaged or followed by more is refused and says where") {
  const std::string whole = gzip(sample());
  std::string damaged = whole;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  for (const std::string& bad :
       {whole.substr(0, whole.size() / 2), damaged, whole + "more", std::string("not gzip"), std::string()}) {
    const auto result = inflate(bad, DeflateFormat::kGzip, 1 << 20);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == "invalid_compression");
    CHECK(result.error().message.find("byte") != std::string::npos);
  }
}

TEST_CASE("deflate is understood with and without its zlib wrapper") {
  // "hello hello hello" by zlib, and the same without header and checksum
  const std::string wrapped("\x78\x9c\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x90\x00\x3a\x2e\x06\x7d", 16);
  const auto first = inflate(wrapped, DeflateFormat::kZlibOrRaw, 100);
  const auto second = inflate(wrapped.substr(2, wrapped.size() - 6), DeflateFormat::kZlibOrRaw, 100);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*first == "hello hello hello");
  CHECK(*second == "hello hello hello");
}
