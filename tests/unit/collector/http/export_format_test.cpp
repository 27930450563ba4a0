/// Lines of exports, in both formats.

#include "collector/http/export_format.h"

#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace trapline::collector;
using nlohmann::json;

namespace {

StoredEvent plain_event() {
  StoredEvent stored;
  stored.issue_id = 7;
  stored.event.project_id = 3;
  stored.event.event_id = std::string(32, 'e');
  stored.event.received_at = 1795223297698;
  stored.event.timestamp = 1795223297000;
  stored.event.title = "TypeError: x";
  stored.event.payload = R"({"message":"x"})";
  return stored;
}

}  // namespace

TEST_CASE("a CSV cell is quoted when it has to be, and only then") {
  CHECK(csv_cell("").empty());
  CHECK(csv_cell("plain text; with 'marks'") == "plain text; with 'marks'");
  CHECK(csv_cell("a,b") == "\"a,b\"");
  CHECK(csv_cell("say \"no\"") == "\"say \"\"no\"\"\"");
  CHECK(csv_cell("two\nlines") == "\"two\nlines\"");
  CHECK(csv_cell("two\r\nlines") == "\"two\r\nlines\"");
  CHECK(csv_cell("größer 文字 🐞") == "größer 文字 🐞");
}

TEST_CASE("a CSV cell that a spreadsheet would run gets an apostrophe before it") {
  CHECK(csv_cell("=1+1") == "'=1+1");
  CHECK(csv_cell("+1") == "'+1");
  CHECK(csv_cell("-1") == "'-1");
  CHECK(csv_cell("@SUM(A1)") == "'@SUM(A1)");
  CHECK(csv_cell("\t=1") == "'\t=1");
  CHECK(csv_cell("\r=1") == "\"'\r=1\"");
  CHECK(csv_cell("=HYPERLINK(\"https://e.example\",1)") == "\"'=HYPERLINK(\"\"https://e.example\"\",1)\"");
  CHECK(csv_cell("a=1") == "a=1");
}

TEST_CASE("a huge CSV cell is whole") {
  const std::string huge(std::size_t{4} << 20, 'x');
  CHECK(csv_cell(huge) == huge);
  CHECK(csv_cell(huge + "\"").size() == huge.size() + 4);
}

TEST_CASE("an event's CSV line has a cell for each name in the first line") {
  StoredEvent stored = plain_event();
  stored.event.value = "a, \"b\"\nc";
  stored.event.user = "id:42";
  CHECK(event_header(ExportFormat::kCsv) ==
        "event_id,project_id,project,issue_id,received_at,timestamp,level,title,type,value,culprit,release,environment,"
        "platform,user,server_name,transaction\r\n");
  CHECK(event_line(ExportFormat::kCsv, stored, "shop") ==
        "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee,3,shop,7,2026-11-21T01:08:17.698Z,2026-11-21T01:08:17.000Z,error,"
        "TypeError: x,,\"a, \"\"b\"\"\nc\",,,,,id:42,,\r\n");
}

TEST_CASE("an event's NDJSON line is one line, also when its payload was sent on several") {
  StoredEvent stored = plain_event();
  stored.event.payload = "{\n  \"message\": \"a\\nb\",\r\n  \"n\": [1,\n2]}";
  const std::string line = event_line(ExportFormat::kNdjson, stored, "shop");
  CHECK(line.find('\n') == line.size() - 1);
  CHECK(line.find('\r') == std::string::npos);
  const json shown = json::parse(line);
  CHECK(shown["payload"] == json{{"message", "a\nb"}, {"n", {1, 2}}});
  CHECK(shown["issue_id"] == "7");
  CHECK(shown["received_at"] == "2026-11-21T01:08:17.698Z");
  CHECK(event_header(ExportFormat::kNdjson).empty());
}

TEST_CASE("an issue's lines tell all that the API does, and what of it is flat") {
  Issue issue;
  issue.id = 9;
  issue.project_id = 3;
  issue.title = "größer, \xFF kaputt";
  issue.count = 12;
  issue.environments = {"prod"};
  const json shown = json::parse(issue_line(ExportFormat::kNdjson, issue, "shop"));
  CHECK(shown["count"] == 12);
  CHECK(shown["environments"] == json{"prod"});
  CHECK(shown["title"].get<std::string>().starts_with("größer, "));
  CHECK(issue_header(ExportFormat::kCsv) ==
        "id,project_id,project,title,type,value,culprit,platform,level,status,assignee,count,stored_count,user_count,"
        "first_seen,last_seen,first_release,last_release\r\n");
  issue.title = "flat";
  CHECK(issue_line(ExportFormat::kCsv, issue, "shop") ==
        "9,3,shop,flat,,,,,error,unresolved,,12,0,0,1970-01-01T00:00:00.000Z,1970-01-01T00:00:00.000Z,,\r\n");
}
