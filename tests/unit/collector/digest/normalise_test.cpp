/// What clients leave to the server, and what is too large or makes no sense.

#include <chrono>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/digest/digest_event.h"
#include "collector/digest/event_reader.h"
#include "collector/digest/json_edit.h"
#include "collector/digest/user_agent.h"
#include "sdk/core/scrubber.h"
#include "sdk/core/timestamp.h"

using namespace trapline::collector;
using nlohmann::json;

namespace {

constexpr UnixMillis kReceived = 1795223297698;
const std::string kId = "1fd941f72cb7453e8d29c2990c2422b4";
const std::string kChrome =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

SpooledEvent spooled(const std::string& payload) {
  SpooledEvent event;
  event.project_id = 1;
  event.event_id = kId;
  event.received_at = kReceived;
  event.payload = payload;
  event.client_ip = "203.0.113.7";
  return event;
}

json payload_of(SpooledEvent event, ReadOptions options = {}) {
  return json::parse(read_event(std::move(event), std::move(options)).record.payload);
}

DigestedEvent digest(const std::string& payload, const std::string& settings = "{}") {
  return digest_event(spooled(payload), DigestSettings::read(settings).value());
}

}  // namespace

TEST_CASE("a timestamp of the future, of long ago or of no sense becomes the time of receipt, and a note says so") {
  struct Case {
    const char* timestamp;
    const char* error;
  };
  for (const Case& one : {Case{"1795300000", "future_timestamp"}, Case{R"("1999-01-01T00:00:00Z")", "past_timestamp"},
                          Case{R"("yesterday")", "invalid_data"}, Case{"-3", "invalid_data"}}) {
    CAPTURE(one.timestamp);
    const json event = payload_of(spooled(std::string(R"({"timestamp":)") + one.timestamp + "}"));
    CHECK(event["timestamp"] == "2026-11-21T01:08:17.698Z");
    CHECK(event["_meta"]["timestamp"][""]["err"][0] == one.error);
    CHECK(event["_meta"]["timestamp"][""]["val"] == json::parse(one.timestamp));
  }
  CHECK_FALSE(payload_of(spooled(R"({"timestamp":1795223000})")).contains("_meta"));
}

TEST_CASE("the time of a clock that was an hour off when the event was sent is corrected, and a note says so") {
  struct Case {
    const char* what;
    UnixMillis sent_at;
    UnixMillis timestamp;
    UnixMillis wanted;
    const char* note;  ///< null: none
  };
  constexpr UnixMillis kMinute = 60'000;
  constexpr UnixMillis kHour = 60 * kMinute;
  const Case table[] = {
      {"an hour slow", kReceived - kHour, kReceived - kHour, kReceived, "clock_drift"},
      {"slow, and the event waited for two hours", kReceived - kHour, kReceived - 3 * kHour, kReceived - 2 * kHour,
       "clock_drift"},
      {"a day fast", kReceived + 24 * kHour, kReceived + 23 * kHour, kReceived - kHour, "clock_drift"},
      {"never set", 1'000, 900, kReceived - 100, "clock_drift"},
      {"right, and the event waited", kReceived - 2'000, kReceived - 3 * kHour, kReceived - 3 * kHour, nullptr},
      {"less off than may be the way", kReceived - 54 * kMinute, kReceived - kHour, kReceived - kHour, nullptr},
      {"not told", 0, kReceived - kHour, kReceived - kHour, nullptr},
      {"a sender that says anything", kReceived + 1000 * 24 * kHour, kReceived - kHour, kReceived, "past_timestamp"},
  };
  for (const Case& one : table) {
    CAPTURE(one.what);
    SpooledEvent event = spooled(R"({"timestamp":)" + std::to_string(one.timestamp / 1000) + "." +
                                 std::to_string(1000 + one.timestamp % 1000).substr(1) + "}");
    event.sent_at = one.sent_at;
    const DigestedEvent read = read_event(event).record;
    CHECK(read.timestamp == one.wanted);
    const json payload = json::parse(read.payload);
    CHECK(payload.contains("_meta") == (one.note != nullptr));
    if (one.note == nullptr) continue;
    CHECK(payload["_meta"]["timestamp"][""]["err"][0] == one.note);
    CHECK(payload["_meta"]["timestamp"][""]["val"] == json::parse(event.payload)["timestamp"]);
    CHECK(trapline::core::parse_timestamp(payload["timestamp"].get<std::string>()) == one.wanted);
  }
}

TEST_CASE("an unknown level is an error, with a note") {
  const json event = payload_of(spooled(R"({"level":"terrible"})"));
  CHECK(event["level"] == "error");
  CHECK(event["_meta"]["level"][""]["val"] == "terrible");
  CHECK_FALSE(payload_of(spooled(R"({"level":"warn"})")).contains("_meta"));
}

TEST_CASE("a release and an environment of any length are known by what indexes hold of them, and whole in the event") {
  const std::string half(199, 'r');
  const std::string name = half + "\xC3\xA9" + std::string(5'000, 'r');
  const DigestedEvent event = digest(json{{"release", name}, {"environment", name}}.dump());
  CHECK(event.release == half);
  CHECK(event.environment == half);
  CHECK(json::parse(event.payload)["release"].get<std::string>().starts_with(half + "\xC3\xA9rrr"));
}

TEST_CASE("what is not known to the collector is kept as it is") {
  const std::string event =
      R"({"event_id":"1fd941f72cb7453e8d29c2990c2422b4","new_field":{"a":[1,2.50,"\u00e9"]},"contexts":{"x":{"y":null}}})";
  CHECK(read_event(spooled(event)).record.payload == event);
}

TEST_CASE("{{auto}} counts the user by the connection's address, which is stored only where addresses may be") {
  const std::string event = R"({"user":{"ip_address":"{{auto}}"}})";
  const DigestedEvent by_default = digest(event);
  CHECK(by_default.user.empty());
  CHECK(by_default.user_identity == "ip:203.0.113.7");
  CHECK(json::parse(by_default.payload)["user"]["ip_address"] == "[ip]");
  const DigestedEvent kept = digest(event, R"({"scrubbing":{"keeps_ip_addresses":true}})");
  CHECK(kept.user == "ip:203.0.113.7");
  CHECK(json::parse(kept.payload)["user"]["ip_address"] == "203.0.113.7");
}

TEST_CASE("users are told apart by what scrubbing removes from the stored event") {
  const DigestedEvent ada = digest(R"({"user":{"email":"ada@example.com"}})");
  const DigestedEvent bob = digest(R"({"user":{"email":"bob@example.com"}})");
  CHECK(ada.payload.find("ada@") == std::string::npos);
  CHECK(ada.user == bob.user);
  CHECK(ada.user_identity != bob.user_identity);
}

TEST_CASE("events are scrubbed again, as the project says") {
  const std::string event = R"({"extra":{"note":"mail ada@example.com","password":"p","plan":"order 4711-X"}})";
  const json by_default = json::parse(digest(event).payload)["extra"];
  CHECK(by_default["note"] == "mail [email]");
  CHECK(by_default["password"] == "[removed]");
  CHECK(by_default["plan"] == "order 4711-X");
  const json own = json::parse(digest(event, R"({"scrubbing":{"keys":["plan"],"allowed_keys":["password"],
                                     "patterns":[{"name":"verb","expression":"^mail "}]}})")
                                   .payload)["extra"];
  CHECK(own["plan"] == "[removed]");
  CHECK(own["password"] == "p");
  CHECK(own["note"] == "[verb][email]");
  CHECK(json::parse(digest(event, R"({"scrubbing":{"enabled":false}})").payload)["extra"] ==
        json::parse(event)["extra"]);
}

TEST_CASE("the client's name comes from the request where the event lacks it") {
  SpooledEvent event = spooled("{}");
  event.client = "sentry.python/2.10.0";
  CHECK(payload_of(event)["sdk"] == json::parse(R"({"name":"sentry.python","version":"2.10.0"})"));
  event.payload = R"({"sdk":{"name":"own"}})";
  CHECK(payload_of(event)["sdk"]["name"] == "own");
}

TEST_CASE("a browser's event tells browser, system and device by its header; a server's keeps its own system") {
  SpooledEvent event =
      spooled(R"({"platform":"javascript","request":{"headers":{"User-Agent":")" + kChrome + R"("}}})");
  json contexts = payload_of(event)["contexts"];
  CHECK(contexts["browser"]["name"] == "Chrome");
  CHECK(contexts["browser"]["version"] == "126.0.0.0");
  CHECK(contexts["os"]["name"] == "Windows");
  event.payload = R"({"platform":"python","request":{"headers":[["user-agent",")" + kChrome +
                  R"("]]},"contexts":{"os":{"name":"Linux"}}})";
  contexts = payload_of(event)["contexts"];
  CHECK(contexts["os"]["name"] == "Linux");
  CHECK(contexts["client_os"]["version"] == "10");
  event.payload = R"({"platform":"javascript","contexts":{"browser":{"name":"mine"},"os":{"name":"my os"}}})";
  event.user_agent = kChrome;
  CHECK(payload_of(event)["contexts"].size() == 2);
}

TEST_CASE("common user agents are understood") {
  struct Case {
    const char* header;
    const char* browser;
    const char* version;
    const char* os;
    const char* device;
  };
  const Case table[] = {
      {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
       "Mobile/15E148 Safari/604.1",
       "Mobile Safari", "17.5", "iOS 17.5", "iPhone"},
      {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
       "Safari/605.1.15",
       "Safari", "17.5", "Mac OS X 10.15.7", "Mac"},
      {"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile "
       "Safari/537.36",
       "Chrome Mobile", "126.0.0.0", "Android 14", "Pixel 8"},
      {"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "127.0", "Linux ", ""},
      {"Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "IE", "11.0", "Windows 7", ""},
      {"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 "
       "Edg/126.0.1",
       "Edge", "126.0.1", "Windows 10", ""},
      {"curl/8.5.0", "curl", "8.5.0", " ", ""},
      {"", "", "", " ", ""},
  };
  for (const Case& one : table) {
    CAPTURE(one.header);
    const UserAgent agent = parse_user_agent(one.header);
    CHECK(agent.browser == one.browser);
    CHECK(agent.browser_version == one.version);
    CHECK(agent.os + " " + agent.os_version == one.os);
    CHECK(agent.device == one.device);
  }
}

TEST_CASE("what is too large is cut with a note, and the rest stays whole") {
  json event;
  event["message"] = std::string(200'000, 'm');
  event["extra"]["long"] = std::string(40'000, 'e');
  event["extra"]["short"] = "s";
  for (int number = 0; number < 300; ++number)
    event["breadcrumbs"]["values"].push_back({{"message", std::to_string(number)}});
  for (int number = 0; number < 900; ++number)
    event["exception"]["values"][0]["stacktrace"]["frames"].push_back({{"lineno", number}});
  for (int number = 0; number < 10'000; ++number) event["tags"]["t" + std::to_string(number)] = std::string(300, 'v');
  json deep = "bottom";
  for (int level = 0; level < 200; ++level) deep = json{{"d", deep}};
  event["deep"] = deep;
  event["exception"]["values"][0]["type"] = "E";
  const json trimmed = payload_of(spooled(event.dump()));
  CHECK(trimmed["message"].get<std::string>().size() == 65'536);
  CHECK(trimmed["_meta"]["message"][""]["len"] == 200'000);
  CHECK(trimmed["extra"]["long"].get<std::string>().size() == 16'384);
  CHECK(trimmed["extra"]["short"] == "s");
  const json& crumbs = trimmed["breadcrumbs"]["values"];
  REQUIRE(crumbs.size() == 100);
  CHECK(crumbs.front()["message"] == "200");
  CHECK(trimmed["_meta"]["breadcrumbs"]["values"][""]["len"] == 300);
  const json& frames = trimmed["exception"]["values"][0]["stacktrace"]["frames"];
  REQUIRE(frames.size() == 250);
  CHECK(frames.front()["lineno"] == 0);
  CHECK(frames.back()["lineno"] == 899);
  CHECK(trimmed["tags"].size() == 1'000);
  CHECK(trimmed["tags"].front().get<std::string>().size() == 200);
  CHECK(trimmed["exception"]["values"][0]["type"] == "E");
}

TEST_CASE("what is over one limit only is found, with and without scrubbing") {
  json text = {{"extra", {{"text", std::string(20'000, 't')}}}};
  json crumbs;
  for (int number = 0; number < 101; ++number)
    crumbs["breadcrumbs"]["values"].push_back({{"message", "m " + std::to_string(number)}});
  json deep = "bottom";
  for (int level = 0; level < 60; ++level) deep = json{{"d", deep}};
  const json names = {{"tags", {{"t", std::string(201, 'v')}}}};
  for (const json& event : {text, crumbs, json{{"deep", deep}}, names}) {
    CAPTURE(event.dump());
    for (const char* settings : {R"({"scrubbing":{"enabled":true}})", R"({"scrubbing":{"enabled":false}})"}) {
      const json stored = json::parse(digest(event.dump(), settings).payload);
      CHECK(stored.contains("_meta"));
    }
  }
}

TEST_CASE("an event that is too large as a whole loses its least useful parts first") {
  json event;
  for (int number = 0; number < 900; ++number) event["extra"]["k" + std::to_string(number)] = std::string(1'000, 'x');
  event["message"] = "kept";
  const json trimmed = payload_of(spooled(event.dump()));
  CHECK(trimmed["extra"].is_null());
  CHECK(trimmed["_meta"]["extra"][""]["rem"][0][0] == "!size");
  CHECK(trimmed["message"] == "kept");
}

TEST_CASE("notes of the client stay beside ours") {
  json event;
  event["message"] = std::string(200'000, 'm');
  event["_meta"]["message"][""]["rem"] = json::array({json::array({"mine", "s"})});
  event["_meta"]["user"][""]["rem"] = json::array({json::array({"mine", "x"})});
  const json meta = payload_of(spooled(event.dump()))["_meta"];
  CHECK(meta["message"][""]["rem"].size() == 2);
  CHECK(meta["user"][""]["rem"].size() == 1);
}

TEST_CASE("what is stored says the same to every reader, also where members are repeated or their names escaped") {
  const auto stored = [](const std::string& payload) { return read_event(spooled(payload)).record.payload; };
  const std::string twice =
      stored(R"({"timestamp":"2099-01-01T00:00:00Z","level":"info","timestamp":7, "level":"fatal"})");
  CHECK(twice.find("timestamp\":7") == std::string::npos);
  CHECK(twice.find("fatal") == std::string::npos);
  CHECK(json::parse(twice)["level"] == "info");
  CHECK(json::parse(twice)["timestamp"] == json::parse(stored(R"({"timestamp":"2099-01-01T00:00:00Z"})"))["timestamp"]);
  const std::string escaped = stored(R"({"time\u0073tamp":"2099-01-01T00:00:00Z"})");
  CHECK(escaped.find("u0073tamp\":\"2099") == std::string::npos);
  CHECK(json::parse(escaped)["timestamp"] == json::parse(twice)["timestamp"]);
  std::string inner = R"({"user":{"ip":"a", "id":1 ,"ip":"b","i\u0070":{"c":[]}}})";
  set_json_member(inner, {"user", "ip"}, "\"[ip]\"");
  CHECK(inner == R"({"user":{"ip":"[ip]", "id":1 }})");
}

TEST_CASE("an event stands for a million repeats at most") {
  CHECK(read_event(spooled(R"({"repeat_count":999999})")).record.occurrences == 999'999);
  CHECK(read_event(spooled(R"({"repeat_count":1000000000})")).record.occurrences == 1'000'000);
  CHECK(read_event(spooled(R"({"repeat_count":-5})")).record.occurrences == 1);
}

TEST_CASE("members are set in JSON text without touching the rest") {
  const auto set = [](std::string text, std::initializer_list<std::string_view> path, std::string_view value) {
    set_json_member(text, path, value);
    return text;
  };
  CHECK(set("{}", {"a"}, "1") == R"({"a":1})");
  CHECK(set(R"({ "a" : [1, {"b":"}"}] , "c":2})", {"c"}, "3") == R"({ "a" : [1, {"b":"}"}] , "c":3})");
  CHECK(set(R"({"a\"":"\\","b":{"c":{}}})", {"b", "c", "d"}, "null") == R"({"a\"":"\\","b":{"c":{"d":null}}})");
  CHECK(set(R"({"x":1})", {"b", "c"}, "true") == R"({"b":{"c":true},"x":1})");
  CHECK(set(R"({"b":7})", {"b", "c"}, "true") == R"({"b":{"c":true}})");
  CHECK(set(R"({"b":-1.5e3})", {"b"}, "0") == R"({"b":0})");
}

TEST_CASE("members are set where the scrubber has seen them, one after the other") {
  const std::string payload =
      R"({"a":"ada@example.com ","user" : {"id":1,"x":{"user":2}},"b":[],"contexts":{"a":1},"level":"warn"})";
  trapline::core::JsonOutline outline;
  std::string text = trapline::core::Scrubber::create().value().scrub_event(payload, &outline).value();
  MemberPlaces places(outline);
  std::string walked = text;
  const auto set = [&](const std::vector<std::string_view>& path, std::string_view value) {
    set_json_member(text, path, value, &places);
    set_json_member(walked, path, value);
    CHECK(text == walked);
    CHECK(json::accept(text));
  };
  set({"contexts", "browser"}, R"({"name":"x"})");
  set({"sdk"}, R"({"name":"y"})");
  set({"user", "id"}, "22222");
  set({"level"}, "\"info\"");
  set({"contexts", "os"}, "1");
  set({"sdk", "version"}, "3");
  set({"b"}, "null");
  set({"b", "c"}, "4");
}

TEST_CASE("what was scrubbed and what was corrected is told in one `_meta`") {
  for (const char* payload :
       {R"({"message":"mail ada@example.com","level":"zork"})",
        R"({"level":"zork","message":"mail ada@example.com","_meta":{"extra":{"":{"len":3}}}})"}) {
    const std::string stored = digest(payload, R"({"scrubbing":{"enabled":true}})").payload;
    CHECK(stored.find("\"_meta\"") == stored.rfind("\"_meta\""));
    CHECK(json::parse(stored)["_meta"].contains("level"));
  }
  const json both = json::parse(digest(R"({"message":"mail ada@example.com","level":"zork"})").payload)["_meta"];
  CHECK(both.contains("message"));
}

TEST_CASE("who the user is, is told from the event as it was sent") {
  const auto identity = [](const std::string& payload) {
    return digest_event(spooled(payload), DigestSettings::defaults()).user_identity;
  };
  CHECK(identity(R"({"user":{"email":"ada@example.com"}})") == "email:ada@example.com");
  CHECK(identity(R"({"extra":{"user":{"email":"bob@example.com"}},"user":{"email":"ada@example.com"}})") ==
        "email:ada@example.com");
  CHECK(identity(R"({"extra":{"user":{"email":"bob@example.com"}}})").empty());
  CHECK(identity(R"({"us\u0065r":{"email":"ada@example.com"}})") == "email:ada@example.com");
}

TEST_CASE("settings that are misspelt, of the wrong kind or too large are refused with a reason") {
  for (const char* text :
       {"", "[]", R"({"scrubing":{}})", R"({"scrubbing":{"enabled":"yes"}})", R"({"scrubbing":{"keys":[1]}})",
        R"({"scrubbing":{"patterns":[{"name":"x","expression":"("}]}})", R"({"grouping":{"version":99}})",
        R"({"grouping":{"rules":[{"match":{}}]}})",
        R"({"grouping":{"rules":[{"match":{"colour":"red"},"title":"x"}]}})",
        R"({"grouping":{"rules":[{"match":{"type":"*"},"fingerprint":["{{ nonsense }}"]}]}})",
        R"({"grouping":{"rules":[{"match":{"type":"*"}}]}})", R"({"owners":7})", R"({"storm":{"events_per_hour":-1}})",
        R"({"grouping":{"version":4294967298}})", R"({"storm":{"events_per_hour":18446744073709551615}})"}) {
    CAPTURE(text);
    const auto settings = DigestSettings::read(text);
    REQUIRE_FALSE(settings);
    CHECK(settings.error().message.size() > 10);
  }
  CHECK(change_settings(R"({"storm":{"events_per_hour":5}})", R"({"owners":"* ada"})").value() ==
        R"({"owners":"* ada","storm":{"events_per_hour":5}})");
  CHECK(change_settings("{}", R"({"grouping":{"version":1}})").value() ==
        R"({"grouping":{"previous_version":2,"version":1}})");
}
