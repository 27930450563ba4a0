/// The doors that are not the envelope's: reports of browsers, uploads of crash handlers; and the items of envelopes.

#include <set>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/ingest/csp_report.h"
#include "collector/ingest/item_reader.h"
#include "collector/ingest/item_types.h"
#include "collector/ingest/minidump_upload.h"
#include "collector/ingest/multipart.h"
#include "collector/ingest/request_parts.h"

using namespace trapline::collector;
using nlohmann::json;

namespace {

std::string part(const std::string& disposition, const std::string& value) {
  return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + value + "\r\n";
}

const std::string kForm = "multipart/form-data; boundary=b";

constexpr UnixMillis kReceived = 1795223297698;

std::vector<StoredItem> read(ItemKind kind, const std::string& payload, UnixMillis sent_at = 0) {
  SpooledItem item;
  item.item_id = std::string(32, '1');
  item.received_at = kReceived;
  item.sent_at = sent_at;
  item.part.kind = kind;
  item.part.payload = payload;
  return read_item(std::move(item));
}

}  // namespace

TEST_CASE("a Content Security Policy report becomes an event, in both of its shapes alike") {
  const std::string old_shape =
      R"({"csp-report":{"document-uri":"https://a/","effective-directive":"img-src","blocked-uri":"https://e.x/p.png?1"}})";
  const std::string new_shape =
      R"([{"type":"csp-violation","url":"https://a/","user_agent":"U","body":{"documentURL":"https://a/",)"
      R"("effectiveDirective":"img-src","blockedURL":"https://e.x/p.png?1"}},{"type":"deprecation","body":{}}])";
  for (const std::string& body : {old_shape, new_shape}) {
    const auto reports = read_browser_reports(body, "production", "1.0");
    REQUIRE(reports);
    REQUIRE(reports->events.size() == 1);
    const json event = json::parse(reports->events[0]);
    CHECK(event["message"] == "Blocked 'img-src' from 'https://e.x'");
    CHECK(event["fingerprint"] == json{"csp", "img-src", "https://e.x"});
    CHECK(event["request"]["url"] == "https://a/");
    CHECK(event["environment"] == "production");
    CHECK(event["release"] == "1.0");
  }
  CHECK(read_browser_reports(new_shape, "", "")->ignored == 1);
}

TEST_CASE("a report in neither shape is refused, whatever it is") {
  for (const char* body : {"", "nonsense", "7", "{}", "{\"csp-report\":7}", "\"x\""}) {
    CAPTURE(body);
    CHECK_FALSE(read_browser_reports(body, "", ""));
  }
  CHECK(read_browser_reports("[7,null,{\"type\":\"csp-violation\"}]", "", "")->ignored == 3);
  std::string many = "[0";
  for (int number = 0; number < 100; ++number) many += ",0";
  CHECK(read_browser_reports(many + "]", "", "").error().code == "too_many_events");
}

TEST_CASE("a minidump becomes a crash with the dump as its file, and keeps what the program told of itself") {
  const std::string body = part("name=\"sentry\"", R"({"release":"r","tags":{"a":"b"}})") + part("name=\"guid\"", "g") +
                           part("name=\"log\"; filename=\"app.log\"", "line\r\n--x\r\n") +
                           part("name=\"upload_file_minidump\"; filename=\"d \\\"1\\\".dmp\"", "MDMP\0\r\n--") +
                           "--b--\r\n";
  const auto parts = read_parts({.door = Door::kMinidump, .content_type = kForm}, body, {});
  REQUIRE(parts);
  REQUIRE(parts->parts.size() == 3);
  const json event = json::parse(parts->parts[0].payload);
  CHECK(event["release"] == "r");
  CHECK(event["level"] == "fatal");
  CHECK(event["platform"] == "native");
  CHECK(event["extra"]["guid"] == "g");
  CHECK(event["exception"]["values"][0]["type"] == "Minidump");
  CHECK(parts->parts[1].attachment_type == "event.minidump");
  CHECK(parts->parts[1].filename == "d \"1\".dmp");
  CHECK(parts->parts[1].event_id == parts->parts[0].event_id);
  CHECK(parts->parts[2].payload == "line\r\n--x\r\n");
}

TEST_CASE("a report or upload nested deeper than any client's costs nothing but its refusal") {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const std::string& body :
       {R"({"csp-report":{"x":)" + deep + "}}", R"([{"type":"crash","body":{"x":)" + deep + "}}]"}) {
    CHECK(read_browser_reports(body, "", "").error().code == "invalid_json");
  }
  const auto upload = read_minidump_upload(kForm, part("name=sentry", "{\"extra\":" + deep + "}") +
                                                      part("name=upload_file_minidump; filename=x", "MDMP") + "--b--");
  REQUIRE(upload);  // the dump is worth having without what came beside it
  CHECK_FALSE(json::parse(upload->event).contains("extra"));
}

TEST_CASE("an upload in pieces, without a dump, or with another file as one") {
  const auto dump = part("name=upload_file_minidump; filename=x", "MDMP");
  const auto pieces = read_minidump_upload(
      kForm, part("name=sentry__2", R"(:"p"})") + part("name=sentry__1", R"({"platform")") + dump + "--b--");
  REQUIRE(pieces);
  CHECK(json::parse(pieces->event)["platform"] == "p");
  CHECK(read_minidump_upload(kForm, part("name=\"a\"", "b") + "--b--").error().code == "missing_minidump");
  CHECK(read_minidump_upload(kForm, part("name=\"upload_file_minidump\"", "ELF") + "--b--").error().code ==
        "invalid_minidump");
}

TEST_CASE("a form that is cut short, or is none, is refused") {
  const std::string whole = part("name=\"a\"", "1") + "--b--";
  CHECK(read_multipart(kForm, whole)->at(0).value == "1");
  CHECK(read_multipart(kForm, part("name=\"a\"", "") + "--b--")->at(0).value.empty());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(read_multipart(kForm, whole.substr(0, size)));
  }
  CHECK_FALSE(read_multipart(kForm, part("x=\"a\"", "1") + "--b--"));
  for (const char* type : {"", "text/plain", "multipart/form-data", "multipart/form-data; boundary="}) {
    CHECK(read_multipart(type, whole).error().code == "unsupported_content_type");
  }
}

TEST_CASE("every published item type is either kept or declared unsupported, and those of errors are kept") {
  std::set<std::string> kept;
  std::string before;
  for (const ItemType& type : item_types()) {
    CHECK(before < type.counted_as);
    before = type.counted_as;
    if (type.kept_as) kept.emplace(type.counted_as);
    CHECK(item_type(type.counted_as).kept_as == type.kept_as);
  }
  CHECK(kept == std::set<std::string>{"attachment", "check_in", "client_report", "event", "feedback", "session",
                                      "sessions", "transaction", "user_report"});
  for (const char* type :
       {"log", "otel_log", "otel_span", "span", "trace_metric", "profile", "replay_event", "statsd"}) {
    CAPTURE(type);
    CHECK(item_type(type).counted_as == type);
    CHECK_FALSE(item_type(type).kept_as);
  }
}

TEST_CASE("an item whose JSON is broken costs the other items of its envelope nothing") {
  const auto parts = read_parts(
      {.door = Door::kEnvelope},
      "{}\n{\"type\":\"session\"}\nnope\n{\"type\":\"session\"}\n{\"sid\":\"55555555555555555555555555555555\"}\n", {});
  REQUIRE(parts);
  CHECK(parts->rejected.size() == 1);
  CHECK(parts->parts.size() == 1);
}

TEST_CASE("a damaged envelope loses what is damaged, not what stands before it") {
  const std::string event = "{}\n{\"type\":\"event\"}\n{\"message\":\"m\"}\n";
  for (const std::string& damage :
       {std::string("{\"type\":\"attachment\",\"length\":99}\ncut"), std::string("junk\n")}) {
    CAPTURE(damage);
    const auto parts = read_parts({.door = Door::kEnvelope}, event + damage, {});
    REQUIRE(parts);
    CHECK(parts->parts.size() == 1);
    REQUIRE(parts->rejected.size() == 1);
    CHECK(parts->rejected[0].code == "invalid_envelope");
    CHECK(read_parts({.door = Door::kEnvelope}, "{}\n" + damage, {}).error().code == "invalid_envelope");
  }
}

TEST_CASE("an item without what makes it one is refused by name, and the others are taken") {
  const auto parts = read_parts({.door = Door::kEnvelope},
                                "{}\n{\"type\":\"session\"}\n{\"sid\":\"x\"}\n{\"type\":\"check_in\"}\n{}\n"
                                "{\"type\":\"feedback\"}\n{}\n{\"type\":\"client_report\"}\n{}\n",
                                {});
  REQUIRE(parts);
  REQUIRE(parts->rejected.size() == 3);
  for (const RejectedEvent& rejected : parts->rejected) CHECK(rejected.code == "invalid_item");
  CHECK(parts->parts.size() == 1);
}

TEST_CASE("a file over its limit, or over that of its request, is refused by name, and the rest is taken") {
  IntakeLimits limits;
  limits.max_attachment_bytes = 10;
  limits.max_attachments_bytes = 15;
  const auto file = [](std::size_t size) { return "{\"type\":\"attachment\"}\n" + std::string(size, 'x') + "\n"; };
  const auto parts = read_parts({.door = Door::kEnvelope},
                                "{}\n{\"type\":\"event\"}\n{}\n" + file(11) + file(10) + file(6) + file(5), limits);
  REQUIRE(parts);
  CHECK(parts->parts.size() == 3);
  REQUIRE(parts->rejected.size() == 2);
  CHECK(parts->rejected[0].index == 1);
  CHECK(parts->rejected[0].code == "attachment_too_large");
  CHECK(parts->rejected[1].index == 3);
}

TEST_CASE("the same dump is the same crash, unless the program names it") {
  const auto id_of = [](const std::string& fields, const std::string& dump) {
    return read_parts({.door = Door::kMinidump, .content_type = kForm},
                      fields + part("name=upload_file_minidump; filename=x", dump) + "--b--", {})
        ->event_id;
  };
  CHECK(id_of("", "MDMP1") == id_of("", "MDMP1"));
  CHECK(id_of("", "MDMP1") != id_of("", "MDMP2"));
  const std::string own(32, 'a');
  CHECK(id_of(part("name=sentry", R"({"event_id":")" + own + "\"}"), "MDMP1") == own);
}

TEST_CASE("what inflates to more than an event may have is not inflated at the store door") {
  IntakeLimits limits;
  limits.max_event_bytes = 3;
  CHECK(read_parts({.door = Door::kStore}, "eJyrVkpUsjKsBQAIKgIJ", limits).error().code == "event_too_large");
}

TEST_CASE("items are read as their clients mean them, and nonsense in them is survived") {
  const auto session = read(
      ItemKind::kSession,
      R"({"sid":"e74fe64e-bbc6-4465-f7d6-d56849bd6092","status":"crashed","errors":"x","started":"2026-11-21T01:10:43Z",)"
      R"("duration":1.5,"seq":3,"did":42,"attrs":{"release":"r","environment":null}})");
  REQUIRE(session.size() == 1);
  const auto& update = std::get<SessionUpdate>(session[0].content);
  CHECK(update.sid == "e74fe64ebbc64465f7d6d56849bd6092");
  CHECK(update.status == SessionStatus::kCrashed);
  CHECK(update.duration_ms == 1'500);
  CHECK(update.sequence == 3);
  CHECK(update.user == "42");
  CHECK(update.release == "r");
  CHECK(read(ItemKind::kSession, R"({"status":"ok"})").empty());

  const auto losses = read(ItemKind::kClientReport,
                           R"({"timestamp":1e300,"discarded_events":[{"reason":"a","category":"error","quantity":2},7,)"
                           R"({"reason":"b","category":"error","quantity":-1},{"reason":"c","quantity":1e308},)"
                           R"({"reason":"d","category":"span","quantity":3}]})");
  REQUIRE(losses.size() == 2);
  CHECK(losses[0].item_id != losses[1].item_id);
  CHECK(std::get<ClientLoss>(losses[0].content).timestamp == 1795223297698);
  CHECK(std::get<ClientLoss>(losses[1].content).reason == "d");

  const auto transaction = read(
      ItemKind::kTransaction,
      R"({"transaction":"GET /","start_timestamp":1795223297.5,"timestamp":1795223298.75,"contexts":{"trace":{"op":"http"}}})");
  CHECK(std::get<Transaction>(transaction.at(0).content).duration_ms == 1'250);

  const auto report =
      read(ItemKind::kUserReport, R"({"event_id":"x","name":null,"comments":")" + std::string(20'000, 'c') + "\"}");
  CHECK(std::get<UserReport>(report.at(0).content).message.size() == 10'000);
  for (const ItemKind kind : {ItemKind::kSession, ItemKind::kSessions, ItemKind::kUserReport, ItemKind::kFeedback,
                              ItemKind::kClientReport, ItemKind::kCheckIn, ItemKind::kTransaction}) {
    for (const char* nonsense : {"{}", "[]", "{\"aggregates\":7,\"contexts\":[],\"discarded_events\":{}}", "nope"}) {
      CHECK(read(kind, nonsense).size() <= 1);
    }
  }
}

TEST_CASE("the times of items from a clock that is hours off are put right by when it said it sent them") {
  constexpr UnixMillis kHour = 3'600'000;
  struct Case {
    UnixMillis ahead;
    UnixMillis kept;  ///< how far from the receipt a time is kept that the sender gave as ten seconds before sending
  };
  for (const Case& one : {Case{0, -10'000}, Case{40 * 60'000, 40 * 60'000 - 10'000}, Case{3 * kHour, -10'000},
                          Case{-50 * 24 * kHour, -10'000}, Case{400 * 24 * kHour, -10'000}}) {
    CAPTURE(one.ahead);
    const UnixMillis sent_at = kReceived + one.ahead;
    const UnixMillis told = sent_at - 10'000;
    const std::string started = std::to_string(told / 1000) + "." + std::to_string(1000 + told % 1000).substr(1);
    const auto session = read(ItemKind::kSession,
                              R"({"sid":"e74fe64e-bbc6-4465-f7d6-d56849bd6092","started":)" + started + "}", sent_at);
    CHECK(std::get<SessionUpdate>(session.at(0).content).started == kReceived + one.kept);
    const auto counts =
        read(ItemKind::kSessions, R"({"aggregates":[{"exited":1,"started":)" + started + "}]}", sent_at);
    CHECK(std::get<SessionCounts>(counts.at(0).content).started == kReceived + one.kept);
    const auto transaction = read(ItemKind::kTransaction, R"({"start_timestamp":)" + started + "}", sent_at);
    CHECK(std::get<Transaction>(transaction.at(0).content).started == kReceived + one.kept);
    CHECK(std::get<Transaction>(transaction.at(0).content).duration_ms == 0);
  }
}

TEST_CASE(
    "of a request that is read again, what was good as it stood is not checked again, and what was mended is mended") {
  const RequestForm form{.content_type = "application/x-ndjson"};
  const std::string body = "{\"a\":1}\n{\"n\":NaN}\n{\"b\":2}\n";
  const auto first = read_parts(form, body, {});
  REQUIRE(first->parts.size() == 3);
  CHECK(first->parts[0].is_as_sent);
  CHECK_FALSE(first->parts[1].is_as_sent);
  const std::vector<std::uint32_t> as_sent{0, 2};
  const auto again = read_parts(form, body, {}, as_sent);
  REQUIRE(again->parts.size() == 3);
  for (std::size_t index = 0; index < 3; ++index) {
    CHECK(again->parts[index].payload == first->parts[index].payload);
    CHECK(again->parts[index].is_as_sent == first->parts[index].is_as_sent);
  }
  const auto unchecked = read_parts(form, "{\"a\n", {}, std::vector<std::uint32_t>{0});
  CHECK(unchecked->parts.at(0).payload == "{\"a");
}
