#include "collector/digest/event_reader.h"

#include <string>

#include <doctest/doctest.h>

using namespace trapline::collector;

namespace {

constexpr UnixMillis kReceived = 1795223297698;
const std::string kId = "1fd941f72cb7453e8d29c2990c2422b4";

DigestedEvent read(const std::string& json) {
  SpooledEvent event;
  event.event_id = kId;
  event.received_at = kReceived;
  event.payload = json;
  return read_event(std::move(event)).record;
}

}  // namespace

TEST_CASE("garbage in any field of an event is survived with defaults") {
  for (const char* json :
       {"{}", R"({"exception":null,"tags":null,"user":null,"level":null,"timestamp":null,"message":null})",
        R"({"exception":7,"tags":7,"user":7,"level":7,"timestamp":{},"message":[],"breadcrumbs":3})",
        R"({"exception":[null,7,[]],"threads":{"values":[null]},"tags":[[1],[null,null]],"fingerprint":[1,null]})",
        R"({"exception":{"values":[{"stacktrace":{"frames":[null,1,{}]}}]}})"}) {
    CAPTURE(json);
    const DigestedEvent event = read(json);
    CHECK(event.level == Level::kError);
    CHECK(event.timestamp == kReceived);
    CHECK(event.title == "(no message)");
  }
}

TEST_CASE("timestamps are read as numbers and text; those of the future and of no sense become the time of receipt") {
  CHECK(read(R"({"timestamp":1795223000.5})").timestamp == 1795223000500);
  CHECK(read(R"({"timestamp":"1795223000.5"})").timestamp == 1795223000500);
  CHECK(read(R"({"timestamp":"2026-11-21T01:03:20Z"})").timestamp == 1795223000000);
  for (const char* bad : {"9999999999", "1e300", "-5", "0", "\"nonsense\"", "true"}) {
    CAPTURE(bad);
    CHECK(read(std::string(R"({"timestamp":)") + bad + "}").timestamp == kReceived);
  }
}

TEST_CASE("an exception is an object, a list or {values}, and the last one titles the event") {
  for (const char* json :
       {R"({"exception":{"values":[{"type":"A"},{"type":"B","value":"b"}]}})",
        R"({"exception":[{"type":"A"},{"type":"B","value":"b"}]})", R"({"exception":{"type":"B","value":"b"}})"}) {
    CAPTURE(json);
    CHECK(read(json).title == "B: b");
    CHECK(read(json).type == "B");
  }
}

TEST_CASE("a message dressed as an exception without a type stays a message") {
  const DigestedEvent event =
      read(R"({"message":"hi","exception":{"values":[{"value":"hi","mechanism":{"synthetic":true}}]}})");
  CHECK(event.type.empty());
  CHECK(event.title == "hi");
}

TEST_CASE("messages are filled in from their parameters where the client did not") {
  CHECK(read(R"({"logentry":{"message":"%s of %(b)s","params":["a",2]}})").value == "a of 2");
  CHECK(read(R"({"logentry":{"message":"{} 100%","params":["a"]}})").value == "a 100%");
  CHECK(read(R"({"logentry":{"message":"%s","params":["a"],"formatted":"ready"}})").value == "ready");
  CHECK(read(R"({"message":{"message":"old form"}})").value == "old form");
}

TEST_CASE("tags are an object or pairs, with values of any simple kind") {
  using Tags = std::vector<std::pair<std::string, std::string>>;
  CHECK(read(R"({"tags":{"a":1,"b":true,"c":"x","d":null}})").tags == Tags{{"a", "1"}, {"b", "true"}, {"c", "x"}});
  CHECK(read(R"({"tags":[["a",1],["b","x"]]})").tags == Tags{{"a", "1"}, {"b", "x"}});
}

TEST_CASE("the user is told apart by id, then e-mail, name and address") {
  CHECK(read(R"({"user":{"id":7,"email":"a@b.c"}})").user == "id:7");
  CHECK(read(R"({"user":{"id":null,"email":"a@b.c"}})").user == "email:a@b.c");
  CHECK(read(R"({"user":{"ip_address":"{{auto}}"}})").user.empty());
  CHECK(read(R"({"user":{"ip_address":"10.0.0.1"}})").user == "ip:10.0.0.1");
}

TEST_CASE("what an event is searched by is read of it") {
  const DigestedEvent event = read(R"json({
    "platform":"javascript","transaction":"/pay","message":"told",
    "exception":{"values":[{"type":"Cause","value":"the root"},{"type":"Effect","value":"the leaf"}]},
    "user":{"id":7,"email":"a@b.c","username":"","ip_address":"{{auto}}"},
    "tags":{"os":"mine"},
    "contexts":{"os":{"name":"Linux","version":"6.1"},"runtime":{"name":"node"},"device":{"model":"Pixel"},"browser":7},
    "breadcrumbs":{"values":[{"message":"first"},{"message":"second"},null,{"message":7},{"message":"first"}]},
    "request":{"headers":{"User-Agent":"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0"}}})json");
  using Tags = std::vector<std::pair<std::string, std::string>>;
  CHECK(event.texts == std::vector<std::string>{"Effect: the leaf", "told", "Effect", "Cause", "the root", "/pay"});
  CHECK(event.trail_texts == std::vector<std::string>{"first", "second"});
  CHECK(event.context_tags == Tags{{"runtime", "node"}, {"device", "Pixel"}});
  const std::vector<std::pair<UserField, std::string>> kFields = {{UserField::kId, "7"}, {UserField::kEmail, "a@b.c"}};
  CHECK(event.user_fields == kFields);
  const DigestedEvent browser = read(R"({"platform":"javascript","request":{"headers":
    {"User-Agent":"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}}})");
  CHECK(browser.context_tags.at(0).first == "browser");
  CHECK(browser.context_tags.at(0).second.starts_with("Firefox 128"));
}

TEST_CASE("of an event's texts only so many bytes are searched by") {
  std::string crumbs;
  for (int number = 0; number < 200; ++number) {
    crumbs += (number == 0 ? "" : ",") + (R"({"message":")" + std::string(1'000, 'x') + std::to_string(number) + "\"}");
  }
  const DigestedEvent event =
      read(R"({"message":")" + std::string(5'000, 'm') + R"(","breadcrumbs":[)" + crumbs + "]}");
  std::size_t bytes = 0;
  for (const auto* texts : {&event.texts, &event.trail_texts}) {
    for (const std::string& text : *texts) {
      CHECK(text.size() <= 2'048);
      bytes += text.size();
    }
  }
  CHECK(bytes <= 8'192);
  CHECK(bytes > 7'000);
  CHECK(event.trail_texts.at(0).ends_with("199"));
}

TEST_CASE("the culprit is the transaction, else the innermost frame of the app") {
  const std::string stack =
      R"json("exception":[{"type":"E","stacktrace":{"frames":[
           {"function":"shop::f(int)","filename":"a/b.cpp","in_app":true},{"function":"memcpy"}]}}])json";
  CHECK(read("{" + stack + "}").culprit == "shop::f in b.cpp");
  CHECK(read("{" + stack + R"(,"transaction":"GET /x"})").culprit == "GET /x");
}

TEST_CASE("the payload is stored as it came, with the spool's event id") {
  const std::string same = R"({ "event_id":"1fd941f72cb7453e8d29c2990c2422b4", "x":1 })";
  CHECK(read(same).payload == same);
  CHECK(read(R"({"x":1})").payload.find(kId) != std::string::npos);
  CHECK(read(R"({"event_id":"1FD941F7-2CB7-453E-8D29-C2990C2422B4"})").payload.find(kId) != std::string::npos);
}
