#include "sdk/core/scrubber.h"

#include <algorithm>
#include <ctime>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "sdk/core/json_text.h"

using namespace trapline::core;
using nlohmann::json;

namespace {

const Scrubber& scrubber() {
  static const auto kScrubber = Scrubber::create();
  return *kScrubber;
}

std::string scrub(const std::string& text) { return scrubber().scrub_text(text); }

json scrub_event(const json& event) {
  const auto scrubbed = scrubber().scrub_event(event.dump());
  REQUIRE_MESSAGE(scrubbed.ok(), scrubbed.error().message);
  return json::parse(*scrubbed);
}

}  // namespace

TEST_CASE("emails go, and what only looks a little like one stays") {
  CHECK(scrub("mail from ada.l+x@shop.example.co.uk!") == "mail from [email]!");
  CHECK(scrub("<ada@example.com>,bob@example.org") == "<[email]>,[email]");
  for (const char* kept : {"a @ b", "@decorator", "user@", "std::vector@0x1", "x@localhost"}) {
    CHECK(scrub(kept) == kept);
  }
}

TEST_CASE("cards go when issuer, length and Luhn's sum fit; other long numbers stay") {
  CHECK(scrub("card 4111 1111 1111 1111 declined") == "card [card] declined");
  CHECK(scrub("5500-0000-0000-0004") == "[card]");
  CHECK(scrub("378282246310005.") == "[card].");
  for (const char* kept : {"4111 1111 1111 1112", "order 1234567890123456", "20261121093000", "0x4111111111111111"}) {
    CHECK(scrub(kept) == kept);
  }
}

TEST_CASE("IP addresses go, versions and scope operators stay") {
  CHECK(scrub("from 192.168.10.7:8080 to 10.0.0.1") == "from [ip]:8080 to [ip]");
  CHECK(scrub("peer 2001:db8::ff00:42:8329 gone") == "peer [ip] gone");
  CHECK(scrub("[fe80::1]:80") == "[[ip]]:80");
  for (const char* kept : {"1.2.3", "1.2.3.4.5", "999.1.1.1", "std::string", "12:30:45", "a::b"})
    CHECK(scrub(kept) == kept);
}

TEST_CASE("credentials and keys of well-known services go") {
  CHECK(scrub("Authorization: Bearer abcDEF123456.x-y") == "Authorization: [removed]");
  CHECK(scrub("sent bearer abcDEF1234567890 to it") == "sent bearer [token] to it");
  CHECK(scrub("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123 end").find("eyJ") == std::string::npos);
  CHECK(scrub("key AKIAIOSFODNN7EXAMPLE used") == "key [token] used");
  CHECK(scrub("ghp_0123456789abcdefghijABCDEFGHIJ012345").find("0123") == std::string::npos);
  CHECK(scrub("the key whsec_0123456789abcdefghij is new") == "the key [token] is new");
  CHECK(scrub("sk_live_0123456789abcdefABCDEF01").find("0123") == std::string::npos);
  CHECK(scrub("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\nafter").find("MIIE") ==
        std::string::npos);
  CHECK(scrub("the bearer of this letter") == "the bearer of this letter");
}

TEST_CASE("passwords in URLs and queries go, the rest of the URL stays") {
  CHECK(scrub("GET https://ada:s3cret@shop.example/x?page=2").find("s3cret") == std::string::npos);
  CHECK(scrub("https://shop.example/x?page=2&token=abc&b=1#f") ==
        "https://shop.example/x?page=2&token=[removed]&b=1#f");
  CHECK(scrub("password=hunter2 user=ada") == "password=[removed] user=ada");
  CHECK(scrub("api_key: 'abc def'").find("abc") == std::string::npos);
}

TEST_CASE("secrets in the ways that people write them") {
  CHECK(scrub("authorization=Bearer abcDEF123 user=ada") == "authorization=[removed] user=ada");
  CHECK(scrub("Authorization: Token abc\nAccept: x") == "Authorization: [removed]\nAccept: x");
  CHECK(scrub("password=[hunter2] x") == "password=[removed] x");
  CHECK(scrub("tokens=[abc,def] x") == "tokens=[removed] x");
  CHECK(scrub("secret=/aB3x9 y") == "secret=[removed] y");
  CHECK(scrub("{\"password\"=>\"x y\", \"a\"=>1}") == "{\"password\"=>\"[removed]\", \"a\"=>1}");
  CHECK(scrub("if (password == other)") == "if (password == other)");
  CHECK(scrub("token::parse") == "token::parse");
  CHECK(scrub("to john%40example.com&x") == "to [email]&x");
  CHECK(scrub("john@example.com-42 john@example.com.2024") == "[email]-42 [email].2024");
}

TEST_CASE("the format's names mean nothing in the app's own data, and an object under one of them is looked at") {
  const json event = scrub_event(json::parse(R"({
    "extra": {"build": {"api_key": "k", "mail": "ada@example.com"}, "version": "password=x", "frames": ["ada@example.com"]},
    "tags": {"timestamp": "4111111111111111"},
    "contexts": {"mine": {"version": "ada@example.com"}, "os": {"version": "6.1.2.3", "build": {"token": "t"}}}})"));
  const std::string text = event.dump();
  for (const char* gone : {"ada@", "=x", "4111", "\"k\"", "\"t\""}) CHECK(text.find(gone) == std::string::npos);
  CHECK(event["contexts"]["os"]["version"] == "6.1.2.3");
}

TEST_CASE("names are scrubbed as values are, escaped or not, and the notes do not repeat them") {
  const auto scrubbed = scrubber().scrub_event(R"({"extra":{"ada@example.com":"x 10.1.2.3","pass\u0077ord":"y"}})");
  REQUIRE(scrubbed.ok());
  const json event = json::parse(*scrubbed);
  CHECK(event["extra"]["[email]"] == "x [ip]");
  CHECK(scrubbed->find("ada@") == std::string::npos);
  CHECK(scrubbed->find("\"y\"") == std::string::npos);
}

TEST_CASE("social security numbers and IBANs go when they can be real") {
  CHECK(scrub("ssn 123-45-6789") == "ssn [ssn]");
  CHECK(scrub("000-45-6789") == "000-45-6789");
  CHECK(scrub("pay DE89 3704 0044 0532 0130 00 now") == "pay [iban] now");
  CHECK(scrub("DE89370400440532013001") == "DE89370400440532013001");
}

TEST_CASE("only the user's name goes from a home folder's path") {
  CHECK(scrub("/home/ada/src/main.cpp") == "/home/[user]/src/main.cpp");
  CHECK(scrub("C:\\Users\\Ada Lovelace\\x.txt").find("Ada") == std::string::npos);
  CHECK(scrub("/usr/home") == "/usr/home");
}

TEST_CASE("values under sensitive names go wherever they stand, whatever their type") {
  const json event = scrub_event(json::parse(R"({
    "extra": {"pair": ["password", "hunter2"], "number": ["pin", 1234], "names": ["password", "name", "age"],
              "one": ["password"], "sentence": ["no token", "left"], "deeper": ["password", {"a": "b"}],
              "db_password": "x", "Api-Key": 5, "count": 5, "auth": {"deep": ["y", {"z": "w"}]}},
    "request": {"headers": [["Cookie", "a=b"], ["Accept", "text/html"]]},
    "stacktrace": {"frames": [{"pre_context": ["token:", "use it"]}]
}
, "tags" : { "csrfToken" : "t", "shop" : "berlin" }
})"));
  CHECK(event["stacktrace"]["frames"][0]["pre_context"][1] == "use it");
  CHECK(event["extra"]["db_password"] == "[removed]");
  CHECK(event["extra"]["Api-Key"] == "[removed]");
  CHECK(event["extra"]["count"] == 5);
  CHECK(event["extra"]["auth"].dump().find('y') == std::string::npos);
  CHECK(event["extra"]["auth"].dump().find('w') == std::string::npos);
  CHECK(event["request"]["headers"][0][1] == "[removed]");
  CHECK(event["request"]["headers"][1][1] == "text/html");
  CHECK(event["extra"]["pair"] == nlohmann::json({"password", "[removed]"}));
  CHECK(event["extra"]["number"] == nlohmann::json({"pin", "[removed]"}));
  CHECK(event["extra"]["names"] == nlohmann::json({"password", "name", "age"}));
  CHECK(event["extra"]["one"] == nlohmann::json({"password"}));
  CHECK(event["extra"]["sentence"][1] == "left");
  CHECK(event["extra"]["deeper"][1]["a"] == "b");
  CHECK(event["tags"]["csrfToken"] == "[removed]");
  CHECK(event["tags"]["shop"] == "berlin");
}

TEST_CASE("notes in _meta say where which rule hit") {
  const json event = scrub_event(json::parse(R"({"message":"ada@example.com","extra":{"password":"x"}})"));
  CHECK(event["message"] == "[email]");
  CHECK(event["_meta"]["message"][""]["rem"][0][0] == "email");
  CHECK(event["_meta"]["extra"]["password"][""]["rem"][0][0] == "secret");
}

TEST_CASE("messages, exception values, breadcrumbs, contexts and JSON within strings are all scrubbed") {
  const json event = scrub_event(json::parse(R"({
    "logentry": {"formatted": "ada@example.com"},
    "exception": {"values": [{"type": "E", "value": "no 4111111111111111"}]},
    "breadcrumbs": {"values": [{"message": "10.1.2.3 called", "data": {"url": "http://u:pw@h/"}}]},
    "contexts": {"app": {"owner": "ada@example.com"}},
    "extra": {"body": "{\"password\": \"x1\", \"page\": 3, \"mail\": \"ada@example.com\"}"}})"));
  const std::string text = event.dump();
  for (const char* gone : {"ada@", "4111", "10.1.2.3", "pw@", "x1"}) CHECK(text.find(gone) == std::string::npos);
  CHECK(json::parse(event["extra"]["body"].get<std::string>())["page"] == 3);
}

TEST_CASE("ids, times, versions and stack frames stay; a frame's path loses only the user's name") {
  const json event = json::parse(R"({
    "event_id": "41111111111111114111111111111111", "timestamp": "2026-11-21T09:30:00.125Z", "release": "shop@1.2.3.4",
    "exception": {"values": [{"type": "E", "value": "v", "stacktrace": {"frames": [
      {"function": "auth::token::password(int) const", "abs_path": "/srv/10.0.0.1/password=x.cpp", "instruction_addr": "0x4111111111111111"},
      {"function": "main", "abs_path": "/home/ada/main.cpp", "context_line": "password = read(user@host.example);"}]}}]}})");
  const json scrubbed = scrub_event(event);
  CHECK(scrubbed["event_id"] == event["event_id"]);
  CHECK(scrubbed["release"] == event["release"]);
  const json& frames = scrubbed["exception"]["values"][0]["stacktrace"]["frames"];
  CHECK(frames[0] == event["exception"]["values"][0]["stacktrace"]["frames"][0]);
  CHECK(frames[1]["abs_path"] == "/home/[user]/main.cpp");
}

TEST_CASE("an event with nothing private comes back byte for byte") {
  const std::string event = R"({ "message" : "all \u00e4 well",  "extra":{"a":[1,2.5e3,null,true,{}]} } )";
  CHECK(*scrubber().scrub_event(event) == event);
}

TEST_CASE("escaped text is scrubbed as what it stands for") {
  const auto scrubbed = scrubber().scrub_event(R"({"message":"\u0061da\u0040example.com \"x\""})");
  REQUIRE(scrubbed.ok());
  CHECK(json::parse(*scrubbed)["message"] == "[email] \"x\"");
}

TEST_CASE("what is not one well-formed object is refused, never passed on") {
  for (const char* bad :
       {"", "[]", "{", R"({"a")", R"({"a":})", R"({"a":1,})", R"({"a":"x)", R"({"a":1}x)", "nul", R"({"a":[1}})"}) {
    CAPTURE(bad);
    CHECK_FALSE(scrubber().scrub_event(bad).ok());
  }
  CHECK_FALSE(scrubber().scrub_event(R"({"a":)" + std::string(5'000, '[')).ok());
}

TEST_CASE("rules can be switched off, names added and excepted, patterns of the user's own applied") {
  ScrubOptions options;
  options.rules.ip_addresses = false;
  options.further_keys = {"diagnosis"};
  options.allowed_keys = {"session_name"};
  options.patterns = {{"order", "order-[0-9]+"}};
  const auto own = Scrubber::create(options);
  REQUIRE(own.ok());
  const json event = json::parse(*own->scrub_event(
      R"({"message":"order-77 from 10.0.0.1","extra":{"the_diagnosis":"x","session_name":"y","session":"z"}})"));
  CHECK(event["message"] == "[order] from 10.0.0.1");
  CHECK(event["extra"] == json{{"the_diagnosis", "[removed]"}, {"session_name", "y"}, {"session", "[removed]"}});
}

TEST_CASE("a pattern that cannot be compiled is refused with its name and the reason") {
  const auto broken = Scrubber::create({.patterns = {{"mine", "(x"}}});
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error().code == "invalid_pattern");
  CHECK(broken.error().message.find("mine") != std::string::npos);
}

namespace {

/// The least processor time in which `work` was done so many times, in seconds: what else the machine does costs none
/// of it. Windows counts in milliseconds.
template <class Work>
double cost_of(int times, Work work) {
  double best = 1e9;
  for (int round = 0; round < 2; ++round) {
    const std::clock_t begin = std::clock();
    for (int time = 0; time < times; ++time) work();
    best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  return best;
}
constexpr double kClockGrain = 0.005;

}  // namespace

TEST_CASE("a hostile text costs no more than its pieces do") {
  for (const std::string& piece :
       {std::string("a@"), std::string("1"), std::string("1."), std::string("::"), std::string("token="),
        std::string("/home/"), std::string("4 "), std::string("eyJ."), std::string("-----BEGIN "), std::string("://"),
        std::string("AB12"), std::string("\\\""), std::string("bearer "), std::string("a.b@a.b"), std::string("x-"),
        std::string("cookie:["), std::string("token=["), std::string("password={"), std::string("a%40b.c")}) {
    CAPTURE(piece);
    const auto cost = [&](int times, std::size_t bytes) {
      std::string text;
      while (text.size() < bytes) text += piece;
      return cost_of(times, [&] { static_cast<void>(scrub(text)); });
    };
    // Quadratic work would make it 16 times as much.
    CHECK(cost(1, 1 << 18) < 4 * cost(16, 1 << 14) + kClockGrain);
  }
}

TEST_CASE("many findings deep inside cost linear time, too") {
  const auto cost = [&](int times, int levels) {
    std::string event = R"({"extra":)";
    for (int level = 0; level < levels; ++level) event += R"({"a":"ada@example.com","b":)";
    event += "1" + std::string(static_cast<std::size_t>(levels) + 1, '}');
    return cost_of(times, [&] { REQUIRE(scrubber().scrub_event(event).ok()); });
  };
  // Quadratic work would make it 4 times as much.
  CHECK(cost(10, 960) < 3 * cost(40, 240) + kClockGrain);
}
