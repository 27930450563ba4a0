#include <string>

#include <doctest/doctest.h>

#include "sdk/core/event_id.h"
#include "sdk/core/hex.h"
#include "sdk/core/json_writer.h"
#include "sdk/core/timestamp.h"
#include "sdk/core/utf8.h"

using namespace trapline::core;

TEST_CASE("event ids are taken in every form that clients send, and no other") {
  const std::string id = "1fd941f72cb7453e8d29c2990c2422b4";
  CHECK(normalise_event_id(id) == id);
  CHECK(normalise_event_id("1FD941F72CB7453E8D29C2990C2422B4") == id);
  CHECK(normalise_event_id("1fd941f7-2cb7-453e-8d29-c2990c2422b4") == id);
  for (const char* bad : {"", "1fd941f7", "1fd941f72cb7453e8d29c2990c2422bg", "1fd941f72cb7-453e-8d29-c2990c2422b4-",
                          "00000000000000000000000000000000"}) {
    CAPTURE(bad);
    CHECK_FALSE(normalise_event_id(bad));
  }
}

TEST_CASE("a new event id is a version 4 UUID, and another one each time") {
  const std::string id = new_event_id();
  CHECK(normalise_event_id(id) == id);
  CHECK(id[12] == '4');
  CHECK(std::string("89ab").find(id[16]) != std::string::npos);
  CHECK(id != new_event_id());
}

TEST_CASE("timestamps are read in the forms that clients send") {
  const UnixMillis moment = 1795223297698;  // 2026-11-21T01:08:17.698Z
  for (const char* text : {"2026-11-21T01:08:17.698Z", "2026-11-21T01:08:17.698123456Z", "2026-11-21 01:08:17.698",
                           "2026-11-21T03:38:17.698+02:30", "2026-11-20t23:08:17.698-0200"}) {
    CAPTURE(text);
    CHECK(parse_timestamp(text) == moment);
  }
  CHECK(format_timestamp(moment) == "2026-11-21T01:08:17.698Z");
  CHECK(format_timestamp(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(parse_timestamp("2024-02-29T00:00:00Z").has_value());
}

TEST_CASE("text that is no timestamp is refused") {
  for (const char* text :
       {"", "yesterday", "2026-11-21", "2026-13-01T00:00:00Z", "0000-01-21T02:22:01", "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00", "2023-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T01:08:17.Z",
        "2026-11-21T01:08:17Zx", "2026-11-21T01:08"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_timestamp(text));
  }
}

TEST_CASE("JSON is escaped, and text that is not UTF-8 is mended") {
  JsonWriter json;
  json.begin_object().key("a\"b").text("line\n\\ \x01 \xff é \xED\xA0\x80").key("n").begin_array();
  json.number(-3).boolean(true).end_array().optional_text("no", "").end_object();
  CHECK(json.take() ==
        "{\"a\\\"b\":\"line\\n\\\\ \\u0001 \xEF\xBF\xBD é \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\",\"n\":[-3,true]}");
}

TEST_CASE("well-formed UTF-8 sequences are told from ill-formed ones") {
  CHECK(utf8_sequence_length("a") == 1);
  CHECK(utf8_sequence_length("é") == 2);
  CHECK(utf8_sequence_length("€") == 3);
  CHECK(utf8_sequence_length("😀") == 4);
  for (const char* bad :
       {"", "\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82"}) {
    CHECK(utf8_sequence_length(bad) == 0);
  }
}

TEST_CASE("truncation never cuts a character in two") {
  CHECK(truncate_utf8("aé", 2) == "a");
  CHECK(truncate_utf8("aé", 3) == "aé");
  CHECK(truncate_utf8("abc", 9) == "abc");
}

TEST_CASE("hex is lower-case") {
  CHECK(is_lower_hex("00ff"));
  CHECK_FALSE(is_lower_hex("00FF"));
  CHECK_FALSE(is_lower_hex(""));
}
