#include "sdk/core/dsn.h"

#include <string>

#include <doctest/doctest.h>

using trapline::core::parse_dsn;

namespace {
const std::string kKey = "5f0e1d2c3b4a59687f6e5d4c3b2a1908";
}

TEST_CASE("a DSN that is malformed is refused with a sentence about the part that is wrong") {
  struct Bad {
    std::string text;
    std::string says;
  };
  const Bad table[] = {
      {"", "is empty"},
      {"localhost", "no scheme"},
      {"ftp://" + kKey + "@h/1", "'ftp' is not supported"},
      {"http://h/1", "no public key"},
      {"http://short@h/1", "it has 5 characters"},
      {"http://5F0E1D2C3B4A59687F6E5D4C3B2A1908@h/1", "not all of them 0-9 or a-f"},
      {"http://" + kKey + ":secret@h/1", "secret key"},
      {"http://" + kKey + "@/1", "no host"},
      {"http://" + kKey + "@h:0/1", "port '0'"},
      {"http://" + kKey + "@h:99999/1", "port '99999'"},
      {"http://" + kKey + "@h:8x/1", "port '8x'"},
      {"http://" + kKey + "@[::1/1", "no closing ']'"},
      {"http://" + kKey + "@h", "no project id"},
      {"http://" + kKey + "@h/", "ends in a slash"},
      {"http://" + kKey + "@h/1/", "ends in a slash"},
      {"http://" + kKey + "@h/shop", "'shop' is not a decimal number"},
      {"http://" + kKey + "@h/1?x=y", "query or fragment"},
      {"http://" + kKey + "@h/1 ", "blank or control character"},
      {"http://" + kKey + "@h@x/1", "character that no host name has"},
  };
  for (const Bad& bad : table) {
    CAPTURE(bad.text);
    const auto dsn = parse_dsn(bad.text);
    REQUIRE_FALSE(dsn);
    CHECK(dsn.error().code == "invalid_dsn");
    CHECK_MESSAGE(dsn.error().message.find(bad.says) != std::string::npos, dsn.error().message);
    CHECK(dsn.error().message.find(kKey) == std::string::npos);
  }
}

TEST_CASE("a DSN gives its parts and is written as it was read") {
  const std::string secret(32, 'a');
  const std::string text = "https://" + kKey + ":" + secret + "@[::1]:8443/tools/errors/12";
  const auto dsn = parse_dsn(text);
  REQUIRE(dsn);
  CHECK(dsn->public_key == kKey);
  CHECK(dsn->secret_key == secret);
  CHECK(dsn->host == "[::1]");
  CHECK(dsn->port == 8443);
  CHECK(dsn->path == "/tools/errors");
  CHECK(dsn->project_id == "12");
  CHECK(dsn->base_url() == "https://[::1]:8443/tools/errors");
  CHECK(dsn->to_string() == text);
}
