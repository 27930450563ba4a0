#include <string>

#include <doctest/doctest.h>

#include "collector/ingest/auth.h"
#include "collector/ingest/content_coding.h"
#include "collector/ingest/envelope_parser.h"
#include "collector/ingest/event_check.h"
#include "collector/ingest/events_body.h"
#include "collector/ingest/item_types.h"
#include "collector/ingest/store_body.h"
#include "sdk/core/gzip.h"

using namespace trapline::collector;

namespace {
const std::string kKey = "5f0e1d2c3b4a59687f6e5d4c3b2a1908";
}

TEST_CASE("a key is found in every place that may carry one, in this order") {
  const std::string other(32, 'a');
  CHECK(**find_key({.x_sentry_auth = "Sentry sentry_version=7, sentry_key=" + kKey + ", sentry_client=x",
                    .query_key = other}) == kKey);
  CHECK(**find_key({.x_sentry_auth = "sentry sentry_key=" + kKey + ",sentry_version=7"}) == kKey);
  CHECK(**find_key({.query_key = kKey, .authorization = "Trapline " + other}) == kKey);
  CHECK(**find_key({.authorization = "Sentry sentry_key=" + kKey}) == kKey);
  CHECK(**find_key({.authorization = "Trapline " + kKey}) == kKey);
  CHECK_FALSE(*find_key({}));
  CHECK_FALSE(*find_key({.authorization = "Bearer " + kKey}));
  CHECK(*key_of_dsn("http://" + kKey + "@h/1") == kKey);
}

TEST_CASE("a key of another form is malformed, not unknown") {
  for (const std::string& bad : {std::string("abc"), kKey + "0", std::string(32, 'G')}) {
    CHECK(find_key({.query_key = bad}).error().code == "malformed_key");
  }
  CHECK(key_of_dsn("nonsense").error().code == "malformed_key");
}

TEST_CASE("no coding, an empty one and identity leave a body as it is") {
  for (const char* coding : {"", "identity", " Identity "}) CHECK_FALSE(*decode_content(coding, "body", 100));
  CHECK(decode_content("", "body", 3).error().code == "inflated_too_large");
  CHECK(decode_content("lzma", "body", 100).error().code == "unsupported_content_encoding");
}

TEST_CASE("every coding is undone, bounded, and says where it is damaged") {
  struct Coded {
    const char* coding;
    std::string bytes;
  };
  // "hello hello hello hello" by each
  const Coded table[] = {
      {"gzip", trapline::core::gzip("hello hello hello hello")},
      {"br", std::string("\037\026\000\370\215\224\156\336\104\125\206\226\154\040\157\041\117\034\340\070", 20)},
      {"zstd",
       std::string(
           "\050\265\057\375\004\130\145\000\000\060\150\145\154\154\157\040\001\000\231\113\021\027\136\256\015", 25)},
  };
  for (const Coded& coded : table) {
    CAPTURE(coded.coding);
    const auto text = decode_content(coded.coding, coded.bytes, 100);
    REQUIRE(text);
    CHECK(**text == "hello hello hello hello");
    CHECK(decode_content(coded.coding, coded.bytes, 10).error().code == "inflated_too_large");
    const auto cut = decode_content(coded.coding, std::string_view(coded.bytes).substr(0, coded.bytes.size() - 3), 100);
    REQUIRE_FALSE(cut);
    CHECK(cut.error().code == "invalid_compression");
    CHECK(cut.error().message.find("byte") != std::string::npos);
    CHECK_FALSE(decode_content(coded.coding, coded.bytes + "more", 100));
    CHECK_FALSE(decode_content(coded.coding, "", 100));
  }
}

TEST_CASE("gzip in several members, or with a wrong length at its end, is read or refused as zlib does it") {
  const std::string one = trapline::core::gzip("one");
  CHECK(**decode_content("gzip", one + trapline::core::gzip("two"), 100) == "onetwo");
  CHECK(**decode_content("gzip", trapline::core::gzip(""), 100) == "");
  for (const char* lie : {"\xff\xff\xff\xff", "\x02\0\0\0", "\x40\0\0\0"}) {
    const auto refused = decode_content("gzip", one.substr(0, one.size() - 4) + std::string(lie, 4), 100);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "invalid_compression");
  }
  std::string damaged = trapline::core::gzip(std::string(50, 'x') + "y");
  damaged[damaged.size() - 7] = static_cast<char>(damaged[damaged.size() - 7] ^ 1);  // the checksum
  CHECK(decode_content("gzip", damaged, 100).error().code == "invalid_compression");
}

TEST_CASE("envelopes are read with given and implicit lengths, with and without a final newline") {
  const std::string header = R"({"event_id":"1fd941f7-2cb7-453e-8d29-c2990c2422b4"})";
  const auto payloads = [&](const std::string& items) {
    const std::string body = header + "\n" + items;
    const auto envelope = parse_envelope(body);
    REQUIRE_MESSAGE(envelope, envelope.error().message);
    CHECK(envelope->header.event_id == "1fd941f72cb7453e8d29c2990c2422b4");
    std::vector<std::string> all;
    for (const EnvelopeItem& item : envelope->items) all.emplace_back(item.type + "=" + std::string(item.payload));
    return all;
  };
  using All = std::vector<std::string>;
  CHECK(payloads("").empty());
  CHECK(payloads("{\"type\":\"event\"}\n{}") == All{"event={}"});
  CHECK(payloads("{\"type\":\"event\"}\n{}\n\n\n") == All{"event={}"});
  CHECK(payloads("{\"type\":\"event\",\"length\":2}\n{}\n{\"type\":\"x\"}\n1") == All{"event={}", "x=1"});
  CHECK(payloads("{\"type\":\"attachment\",\"length\":15}\na\n{\"type\":\"e\"}\n\n") ==
        All{"attachment=a\n{\"type\":\"e\"}\n"});
  CHECK(payloads("{\"type\":\"attachment\",\"length\":0}\n\n{\"type\":\"x\"}\n1") == All{"attachment=", "x=1"});
  CHECK(payloads("{\"type\":\"event\"}\r\n{}\n") == All{"event={}"});
  CHECK(payloads("{}\nx") == All{"=x"});
  CHECK(payloads("{\"type\":\"event\",\"length\":null}\n{}") == All{"event={}"});
}

TEST_CASE("a byte order mark before an envelope is passed over, wherever the envelope is read") {
  const std::string body = "\xEF\xBB\xBF{\"dsn\":\"d\"}\n{\"type\":\"event\",\"length\":2}\n{}\n{\"type\":";
  REQUIRE(parse_envelope_header(body));
  CHECK(parse_envelope_header(body)->dsn == "d");
  const auto envelope = parse_envelope(body);
  REQUIRE(envelope);
  CHECK(envelope->header.dsn == "d");
  REQUIRE(envelope->items.size() == 1);
  CHECK(envelope->items[0].payload == "{}");
  // Positions are those in the body as sent.
  CHECK(envelope->damage->message.find("at byte " + std::to_string(body.rfind('{'))) != std::string::npos);
  CHECK_FALSE(parse_envelope_header("\xEF\xBB\xBF"));
  CHECK_FALSE(parse_envelope_header("\xEF\xBB{}"));
}

TEST_CASE("a broken envelope ends where it is broken, and the place is named") {
  struct Bad {
    std::string body;
    std::string says;
    std::size_t items = 0;
  };
  for (const Bad& bad :
       {Bad{"", "is empty"}, {"\n{}", "empty line"}, {"nonsense\n", "first line"}, {"[]\n", "first line"}}) {
    CAPTURE(bad.body);
    const auto envelope = parse_envelope(bad.body);
    REQUIRE_FALSE(envelope);
    CHECK(envelope.error().code == "invalid_envelope");
    CHECK_MESSAGE(envelope.error().message.find(bad.says) != std::string::npos, envelope.error().message);
  }
  const Bad table[] = {
      {"{}\nnonsense\n{}", "item 0 at byte 3"},
      {"{}\n{\"type\":\"event\",\"length\":99}\n{}", "99 bytes, but only 2 follow"},
      {"{}\n{\"type\":\"event\",\"length\":1}\n{}", "no newline follows"},
      {"{}\n{\"type\":\"event\",\"length\":-1}\n{}", "not a whole number"},
      {"{}\n{\"type\":\"event\",\"length\":\"2\"}\n{}", "not a whole number"},
      {"{}\n{\"type\":\"event\"}\n{}\n{\"type\"", "item 1 at byte 23", 1},
  };
  for (const Bad& bad : table) {
    CAPTURE(bad.body);
    const auto envelope = parse_envelope(bad.body);
    REQUIRE(envelope);
    REQUIRE(envelope->damage);
    CHECK(envelope->damage->code == "invalid_envelope");
    CHECK_MESSAGE(envelope->damage->message.find(bad.says) != std::string::npos, envelope->damage->message);
    CHECK(envelope->items.size() == bad.items);
  }
}

TEST_CASE("item types outside the published list are counted under one name") {
  CHECK(item_type("event").kept_as == ItemKind::kEvent);
  CHECK(item_type("session").counted_as == "session");
  CHECK(item_type("made_up_by_a_client").counted_as == "unknown");
}

TEST_CASE("an event that is no JSON is refused with line and column") {
  const auto bad = check_event("{\n  \"a\": nope\n}", 100);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == "invalid_json");
  CHECK_MESSAGE(bad.error().message.find("line 2, column") != std::string::npos, bad.error().message);
  for (const char* text : {"", "  ", "{", "{\"a\":1}}", "{\"a\" 1}"}) {
    CAPTURE(text);
    CHECK(check_event(text, 100).error().code == "invalid_json");
  }
  for (const char* text : {"[]", "7", "null", "\"x\""}) {
    CAPTURE(text);
    CHECK(check_event(text, 100).error().code == "invalid_event");
  }
  CHECK(check_event("{\"a\":1}", 6).error().code == "event_too_large");
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  CHECK(check_event("{\"a\":" + deep + "}", 20'000).error().code == "invalid_json");
}

TEST_CASE("characters that are not JSON's are mended, all else is kept byte for byte") {
  CHECK(check_event("{\"a\":\"\\ud83d\"}", 100)->json == "{\"a\":\"\\ufffd\"}");
  CHECK(check_event("{\"a\":\"\\ude00\\ud83d\\ude00\"}", 100)->json == "{\"a\":\"\\ufffd\\ud83d\\ude00\"}");
  CHECK(check_event("{\"a\":\"\xff\"}", 100)->json == "{\"a\":\"\xEF\xBF\xBD\"}");
  CHECK(check_event("{\"a\":\"x\ny\"}", 100)->json == "{\"a\":\"x\\u000ay\"}");
  CHECK(check_event("{ \"a\" : \"\\u0000é\" }", 100)->json == "{ \"a\" : \"\\u0000é\" }");
}

TEST_CASE("numbers that no type holds become texts, what is no number null, and a byte order mark goes") {
  struct Pair {
    const char* sent;
    const char* kept;
  };
  const Pair table[] = {
      {R"({"n":123456789012345678901234567890,"m":-1.50})", R"({"n":"123456789012345678901234567890","m":-1.50})"},
      {R"({"n":[1e400,-1e400,18446744073709551615]})", R"({"n":["1e400","-1e400",18446744073709551615]})"},
      {R"({"n":NaN,"i":Infinity,"j":-Infinity,"t":true,"s":"NaN 1e400"})",
       R"({"n":null,"i":null,"j":null,"t":true,"s":"NaN 1e400"})"},
      {"\xEF\xBB\xBF{\"a\":1}", "{\"a\":1}"},
  };
  for (const Pair& pair : table) {
    CAPTURE(pair.sent);
    const auto checked = check_event(pair.sent, 1'000);
    REQUIRE_MESSAGE(checked, (checked ? "" : checked.error().message));
    CHECK(checked->json == pair.kept);
  }
  for (const char* bad : {R"({"n":01})", R"({"n":1.})", R"({"n":.5})", R"({"n":+1})", R"({"n":1e})", R"({"n":0x10})",
                          R"({"n":nan})", R"({NaN:1})"}) {
    CAPTURE(bad);
    CHECK_FALSE(check_event(bad, 100));
  }
  CHECK_FALSE(*decode_store_body("\xEF\xBB\xBF{}", 100));
  CHECK(split_events(EventsFormat::kJson, "\xEF\xBB\xBF[{},{}]", 3)->events.size() == 2);
}

TEST_CASE("an event's id is taken in its forms, and is empty when it is none") {
  CHECK(check_event(R"({"event_id":"1FD941F7-2CB7-453E-8D29-C2990C2422B4"})", 100)->event_id ==
        "1fd941f72cb7453e8d29c2990c2422b4");
  for (const char* none : {R"({})", R"({"event_id":null})", R"({"event_id":7})", R"({"event_id":"x"})"}) {
    CHECK(check_event(none, 100)->event_id.empty());
  }
}

TEST_CASE("bodies of events are an object, an array or lines") {
  const auto split = [](EventsFormat format, std::string_view body) {
    const auto events = split_events(format, body, 3);
    REQUIRE_MESSAGE(events, events.error().message);
    return std::vector<std::string>(events->events.begin(), events->events.end());
  };
  using All = std::vector<std::string>;
  CHECK(split(EventsFormat::kJson, " {\"a\":1} ") == All{"{\"a\":1}"});
  CHECK(split(EventsFormat::kJson, "[ {\"a\":\"],\\\"[\"} , [1,2],3 ]\n") == All{"{\"a\":\"],\\\"[\"}", "[1,2]", "3"});
  CHECK(split(EventsFormat::kJson, "[]").empty());
  CHECK(split(EventsFormat::kNdjson, "{}\r\n\n{}\n") == All{"{}", "{}"});
  CHECK(split(EventsFormat::kNdjson, "").empty());
  CHECK_FALSE(split_events(EventsFormat::kJson, "{}", 3)->is_batch);
  CHECK(split_events(EventsFormat::kJson, "[{}]", 3)->is_batch);
}

TEST_CASE("a broken or endless list of events is refused and the place named") {
  for (const char* body : {"[", "[{}", "[{},", "[{},]", "[,{}]", "[{}] x", "[{}]]"}) {
    CAPTURE(body);
    const auto events = split_events(EventsFormat::kJson, body, 3);
    REQUIRE_FALSE(events);
    CHECK(events.error().message.find("byte") != std::string::npos);
  }
  CHECK(split_events(EventsFormat::kJson, "", 3).error().code == "invalid_json");
  CHECK(split_events(EventsFormat::kJson, "[1,2,3,4]", 3).error().code == "too_many_events");
  CHECK(split_events(EventsFormat::kNdjson, "1\n2\n3\n4", 3).error().code == "too_many_events");
}

TEST_CASE("content types are understood with parameters and in any case") {
  CHECK(*events_format("Application/JSON; charset=utf-8") == EventsFormat::kJson);
  CHECK(*events_format("") == EventsFormat::kJson);
  CHECK(*events_format("application/x-ndjson") == EventsFormat::kNdjson);
  CHECK(events_format("text/plain").error().code == "unsupported_content_type");
}

TEST_CASE("the store door takes JSON and base64 of zlib, and nothing else") {
  CHECK_FALSE(*decode_store_body(" {\"a\":1}", 100));
  const auto decoded = decode_store_body("eJyrVkpUsjKsBQAIKgIJ", 100);
  REQUIRE_MESSAGE(decoded, decoded.error().message);
  CHECK(**decoded == "{\"a\":1}");
  CHECK(decode_store_body("eJyrVkpUsjKsBQAIKgIJ", 3).error().code == "inflated_too_large");
  CHECK(decode_store_body("not base64!", 100).error().code == "invalid_json");
  CHECK(decode_store_body("AAAA", 100).error().code == "invalid_compression");
  CHECK(decode_store_body(" ", 100).error().code == "invalid_json");
}
