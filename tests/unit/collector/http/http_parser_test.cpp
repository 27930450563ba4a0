#include "collector/http/http_parser.h"

#include <string>

#include <doctest/doctest.h>

using namespace trapline::collector;
using State = RequestParser::State;

namespace {

/// Feeds the text in pieces of `step` bytes; answers how many were taken.
std::size_t feed(RequestParser& parser, const std::string& text, std::size_t step, std::size_t max_body = 1'000) {
  std::size_t taken = 0;
  while (taken < text.size() && parser.state() != State::kDone && parser.state() != State::kFailed) {
    const std::string_view piece = std::string_view(text).substr(taken, step);
    const std::size_t count = parser.feed(piece);
    taken += count;
    if (parser.state() == State::kHeadDone) parser.begin_body(max_body);
  }
  return taken;
}

const std::string kPost =
    "POST /a%20b?x=1&y=%26+z HTTP/1.1\r\nHost: h\r\nX-Two:  a  \r\nContent-Length: 5\r\n\r\nhello";
const std::string kChunked =
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: "
    "x\r\n\r\n";

}  // namespace

TEST_CASE("a request is read whole, in whatever pieces it comes, and what follows is left") {
  for (const std::string& text : {kPost, kChunked}) {
    for (std::size_t step = 1; step <= text.size() + 4; ++step) {
      RequestParser parser;
      CHECK(feed(parser, text + "GET ", step) == text.size());
      REQUIRE(parser.state() == State::kDone);
      CHECK(parser.body() == "hello");
    }
  }
}

TEST_CASE("path, query and headers are decoded") {
  RequestParser parser;
  feed(parser, kPost, 1'000);
  CHECK(parser.head().method == "POST");
  CHECK(parser.head().path() == "/a b");
  CHECK(parser.head().query().find("y")->second == "& z");
  CHECK(parser.head().headers.at("x-two") == "a");
  CHECK(parser.head().keeps_alive);
}

TEST_CASE("a target with scheme and host, as proxies send it, is read as its path") {
  const auto target = [](const std::string& text) {
    RequestParser parser;
    feed(parser, "GET " + text + " HTTP/1.1\r\nHost: h\r\n\r\n", 1'000);
    return parser.head().target;
  };
  CHECK(target("http://h:1/a?b") == "/a?b");
  CHECK(target("HTTPS://h") == "/");
  CHECK(target("/a?http://x/") == "/a?http://x/");
}

TEST_CASE("a connection is kept or closed as the client asks") {
  const auto keeps = [](const std::string& text) {
    RequestParser parser;
    feed(parser, text, 1'000);
    return parser.head().keeps_alive;
  };
  CHECK(keeps("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  CHECK_FALSE(keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n"));
  CHECK(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST_CASE("what is no request, or could be read in two ways, is refused") {
  struct Bad {
    std::string text;
    int status;
  };
  const Bad table[] = {
      {"nonsense\r\n\r\n", 400},
      {"GET\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 400},
      {"GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET / x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28), 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n folded\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: b\x01\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\nContent-Length: 5\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: h\n\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(9'000, '1'), 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n", 413},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", 413},
      {"GET /" + std::string(33'000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 431},
      {std::string(40'000, 'a'), 431},
  };
  for (const Bad& bad : table) {
    CAPTURE(bad.text.substr(0, 120));
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bad.text.size()}) {
      RequestParser parser;
      feed(parser, bad.text, step);
      REQUIRE(parser.state() == State::kFailed);
      CHECK(parser.failure().http_status == bad.status);
      CHECK_FALSE(parser.failure().message.empty());
    }
  }
}

TEST_CASE("chunks that add up to more than the limit are refused when they pass it") {
  RequestParser parser;
  std::string text = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int number = 0; number < 11; ++number) text += "64\r\n" + std::string(100, 'x') + "\r\n";
  feed(parser, text, 10);
  CHECK(parser.state() == State::kFailed);
  CHECK(parser.failure().code == "body_too_large");
}

TEST_CASE("many headers are refused, repeated ones count once or are one list") {
  std::string text = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int number = 0; number < 101; ++number) text += "X-" + std::to_string(number) + ": 1\r\n";
  RequestParser parser;
  feed(parser, text + "\r\n", 1'000);
  CHECK(parser.failure().http_status == 431);
  RequestParser twice;
  feed(twice, "GET / HTTP/1.1\r\nHost: h\r\nA: first\r\na: second\r\n\r\n", 1'000);
  CHECK(twice.head().headers.at("a") == "first");
  RequestParser list;
  feed(list, "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\n\r\n", 1'000);
  CHECK(list.head().headers.at("x-forwarded-for") == "1.1.1.1, 2.2.2.2");
}
