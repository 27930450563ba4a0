/// What events carry, through the public interface: scopes, hooks, contexts, attachments, sessions.

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <trapline/trapline.hpp>

#include "tests/support/sdk_session.h"

using nlohmann::json;
using Session = trapline::tests::SdkSession;

namespace {

/// The one item of an envelope.
struct Item {
  json header;
  std::string payload;
};
Item item_of(const std::string& envelope) {
  const std::size_t first = envelope.find('\n');
  const std::size_t second = envelope.find('\n', first + 1);
  return {json::parse(envelope.substr(first + 1, second - first - 1)), envelope.substr(second + 1)};
}

}  // namespace

TEST_CASE("the process's scope is under everything: tags, extra, contexts, user, fingerprint and the names of things") {
  Session session;
  trapline::Scope scope = trapline::Scope::global();
  CHECK(scope.set_tag("shop", "berlin"));
  CHECK(scope.set_extra("note", "a \"text\""));
  CHECK(scope.set_extra_json("numbers", "[1, 2,\n 3]"));
  CHECK(scope.set_context("order", R"({"id": 7})"));
  CHECK(scope.set_user({"42", "", "ada", ""}));
  CHECK(scope.set_level(trapline::Level::warning));
  CHECK(scope.set_fingerprint({"orders", "{{ default }}"}));
  CHECK(scope.set_transaction("POST /orders"));
  CHECK(scope.set_release("other@2"));
  CHECK(scope.set_environment("staging"));
  CHECK(scope.set_dist("77"));
  CHECK(scope.set_server_name("web-1"));
  CHECK(scope.set_trace("0123456789abcdef0123456789abcdef", "0123456789abcdef"));
  CHECK_FALSE(scope.set_context("bad", "[1]").ok());
  CHECK_FALSE(scope.set_extra_json("bad", "{").ok());
  trapline::capture_message("x", trapline::Level::error);
  const json event = session.only_event();
  CHECK(event["tags"] == json{{"shop", "berlin"}});
  CHECK(event["extra"] == json{{"note", "a \"text\""}, {"numbers", {1, 2, 3}}});
  CHECK(event["contexts"]["order"] == json{{"id", 7}});
  CHECK(event["user"] == json{{"id", "42"}, {"username", "ada"}});
  CHECK(event["level"] == "warning");
  CHECK(event["fingerprint"] == json{"orders", "{{ default }}"});
  CHECK(event["transaction"] == "POST /orders");
  CHECK(event["release"] == "other@2");
  CHECK(event["environment"] == "staging");
  CHECK(event["dist"] == "77");
  CHECK(event["server_name"] == "web-1");
  CHECK(event["contexts"]["trace"]["trace_id"] == "0123456789abcdef0123456789abcdef");
}

TEST_CASE("a thread's scopes lie on top, for as long as their block; an explicit one on top of them") {
  Session session;
  trapline::set_tag("a", "process");
  trapline::set_tag("b", "process");
  trapline::set_user({"1", "", "", ""});
  {
    trapline::ScopeGuard outer;
    outer->set_tag("b", "outer");
    {
      trapline::ScopeGuard inner;
      inner->set_tag("c", "inner");
      inner->remove_tag("a");
      inner->set_user({"2", "", "", ""});
      trapline::Scope own;
      own.set_tag("d", "own");
      trapline::Event event;
      event.message = "inside";
      event.level_name = "notice";
      event.scope = &own;
      CHECK_FALSE(trapline::capture_event(event).empty());
    }
    trapline::capture_message("between");
  }
  trapline::capture_message("outside");
  CHECK(trapline_scope_pop() == TRAPLINE_INVALID_ARGUMENT);
  const auto events = session.events();
  REQUIRE(events.size() == 3);
  CHECK(events[0]["tags"] == json{{"b", "outer"}, {"c", "inner"}, {"d", "own"}, {"level_name", "notice"}});
  CHECK(events[0]["user"] == json{{"id", "2"}});
  CHECK(events[1]["tags"] == json{{"a", "process"}, {"b", "outer"}});
  CHECK(events[2]["tags"] == json{{"a", "process"}, {"b", "process"}});
  CHECK(events[2]["user"] == json{{"id", "1"}});
}

TEST_CASE("a scope that is full says so, and stays as it was") {
  Session session;
  trapline::Scope scope;
  for (int tag = 0; tag < 100; ++tag) REQUIRE(scope.set_tag(std::to_string(tag), "x"));
  CHECK(scope.set_tag("one more", "x").code() == TRAPLINE_DROPPED);
  CHECK(scope.set_tag("5", "y").ok());
  CHECK(scope.set_extra("large", std::string(40'000, 'x')).code() == TRAPLINE_DROPPED);
}

TEST_CASE("context comes for free: system, machine, process, runtime, culture, thread") {
  Session session;
  trapline::capture_message("x");
  const json event = session.only_event();
  const json& contexts = event["contexts"];
  CHECK(contexts["os"]["name"].get<std::string>().size() > 0);
  CHECK(contexts["os"]["version"].get<std::string>().size() > 0);
  CHECK(contexts["device"]["processor_count"] > 0);
  CHECK(contexts["device"]["memory_size"] > 0);
  CHECK(contexts["app"]["app_name"].get<std::string>().starts_with("sdk_tests"));
  CHECK(contexts["app"].contains("app_start_time"));
  CHECK(contexts["runtime"].contains("compiler"));
  CHECK(contexts["culture"].contains("locale"));
  CHECK(event["server_name"].get<std::string>().size() > 0);
  CHECK(event["threads"]["values"][0]["id"] > 0);
}

TEST_CASE("the host's name can be switched off") {
  trapline::Options options;
  options.send_server_name = false;
  Session session(options);
  trapline::capture_message("x");
  CHECK_FALSE(session.only_event().contains("server_name"));
}

TEST_CASE("private data is removed before anything leaves, unless the app sends it by choice") {
  bool sends_pii = false;
  SUBCASE("not sent") { sends_pii = false; }
  SUBCASE("sent") { sends_pii = true; }
  trapline::Options options;
  options.send_default_pii = sends_pii;
  Session session(options);
  trapline::set_user({"42", "ada@example.com", "ada", "10.1.2.3"});
  trapline::capture_message("mail to bob@example.com, password=hunter2");
  const json event = session.only_event();
  CHECK(event["message"] == "mail to [email], password=[removed]");
  CHECK(event["user"]["email"] == (sends_pii ? "ada@example.com" : "[email]"));
  CHECK(event["user"]["ip_address"] == (sends_pii ? "10.1.2.3" : "[ip]"));
}

TEST_CASE("before_send changes events and drops them") {
  trapline::Options options;
  options.before_send = [](const std::string& text) -> std::optional<std::string> {
    json event = json::parse(text);
    if (event["message"] == "drop me") return std::nullopt;
    event["tags"]["hooked"] = "ada@example.com";
    return event.dump(2);
  };
  Session session(options);
  trapline::capture_message("keep me");
  trapline::capture_message("drop me");
  const json event = session.only_event();
  CHECK(event["tags"]["hooked"] == "[email]");  // the scrubber comes after the hook
  trapline_stats stats = TRAPLINE_STATS_INIT;
  REQUIRE(trapline_get_stats(&stats) == TRAPLINE_OK);
  CHECK(stats.hook_dropped == 1);
}

TEST_CASE("a before_send that throws, or answers no JSON, drops nothing: the event has a note of it") {
  trapline::Options options;
  options.before_send = [](const std::string& text) -> std::optional<std::string> {
    if (text.find("throw") != std::string::npos) throw std::runtime_error("the hook is broken");
    return "no JSON";
  };
  Session session(options);
  trapline::capture_message("throw");
  trapline::capture_message("other");
  const auto events = session.events();
  REQUIRE(events.size() == 2);
  CHECK(events[0]["errors"][0]["value"] == "the hook is broken");
  CHECK(events[1]["errors"][0]["type"] == "before_send_failed");
}

TEST_CASE("before_breadcrumb changes breadcrumbs and drops them; one that throws drops none; data is JSON") {
  trapline::Options options;
  options.before_breadcrumb = [](trapline::Breadcrumb& breadcrumb) {
    if (breadcrumb.message == "throw") throw std::runtime_error("the hook is broken");
    breadcrumb.category = "seen";
    return breadcrumb.message != "secret";
  };
  Session session(options);
  CHECK(trapline::add_breadcrumb({"default", "cart", "public", trapline::Level::info, R"({"items": 3})"}));
  CHECK(trapline::add_breadcrumb({"default", "cart", "secret"}).code() == TRAPLINE_DROPPED);
  CHECK(trapline::add_breadcrumb({"default", "cart", "throw"}));
  trapline::capture_message("x");
  const json crumbs = session.only_event()["breadcrumbs"]["values"];
  REQUIRE(crumbs.size() == 2);
  CHECK(crumbs[0]["category"] == "seen");
  CHECK(crumbs[0]["data"]["items"] == 3);
  CHECK(crumbs[1]["category"] == "cart");
}

TEST_CASE("attachments go beside the event, from bytes and from files; a missing file is left out") {
  Session session;
  std::ofstream(session.folder.path("log.txt"), std::ios::binary) << "line one\n";
  const std::string path = session.folder.path("log.txt");
  const std::string missing = session.folder.path("missing");
  trapline::Event event;
  event.message = "with attachments";
  event.attachments = {
      {"data.bin", nullptr, "a\0b", 3}, {"log.txt", path.c_str(), nullptr, 0}, {"x", missing.c_str(), nullptr, 0}};
  const std::string id = trapline::capture_event(event);
  session.only_event();
  const auto envelopes = session.receiver.envelopes();
  REQUIRE(envelopes.size() == 2);
  CHECK(json::parse(envelopes[0].substr(0, envelopes[0].find('\n')))["event_id"] == id);
  const Item bytes = item_of(envelopes[0]);
  CHECK(bytes.header["type"] == "attachment");
  CHECK(bytes.header["filename"] == "data.bin");
  CHECK(bytes.payload == std::string("a\0b\n", 4));
  CHECK(item_of(envelopes[1]).payload == "line one\n\n");
}

TEST_CASE("feedback names its event, and is scrubbed") {
  Session session;
  const std::string id = trapline::capture_message("x");
  CHECK_FALSE(trapline::capture_feedback("nonsense", "y").ok());
  CHECK(trapline::capture_feedback(id, "it broke, write to ada@example.com", "Ada", "ada@example.com"));
  session.only_event();
  REQUIRE(session.receiver.envelopes().size() == 1);
  const Item item = item_of(session.receiver.envelopes()[0]);
  CHECK(item.header["type"] == "user_report");
  const json report = json::parse(item.payload);
  CHECK(report == json{{"event_id", id}, {"comments", "it broke, write to [email]"}});
}

TEST_CASE("a session is sent when it starts and when it ends, with its errors; requests are counted by the minute") {
  Session session;
  CHECK(trapline::start_session());
  trapline::capture_message("x", trapline::Level::error);
  CHECK(trapline::end_session());
  CHECK_FALSE(trapline::end_session().ok());
  for (int request = 0; request < 5; ++request) trapline::record_request_session(trapline::SessionEnd::healthy);
  trapline::record_request_session(trapline::SessionEnd::errored);
  session.only_event();
  CHECK(trapline_shutdown(20'000) == TRAPLINE_OK);
  const auto envelopes = session.receiver.envelopes();
  REQUIRE(envelopes.size() == 3);
  const json started = json::parse(item_of(envelopes[0]).payload);
  const json ended = json::parse(item_of(envelopes[1]).payload);
  CHECK(started["init"] == true);
  CHECK(started["status"] == "ok");
  CHECK(ended["sid"] == started["sid"]);
  CHECK(ended["status"] == "exited");
  CHECK(ended["errors"] == 1);
  CHECK(ended["attrs"]["release"] == "test@1");
  const json requests = json::parse(item_of(envelopes[2]).payload);
  CHECK(requests["aggregates"][0]["exited"] == 5);
  CHECK(requests["aggregates"][0]["errored"] == 1);
}

TEST_CASE("an outgoing request is a breadcrumb without secrets, and an event when it failed and that was asked for") {
  Session session;
  trapline_http_request request{"GET", "https://ada:pw@shop.example/x?token=s3cr3t&page=2", 200, 12.4, nullptr, 1};
  CHECK(trapline_record_http(&request, nullptr) == TRAPLINE_OK);
  request.status = 503;
  char id[TRAPLINE_EVENT_ID_SIZE] = "";
  CHECK(trapline_record_http(&request, id) == TRAPLINE_OK);
  const json event = session.only_event();
  CHECK(event["event_id"] == id);
  CHECK(event["exception"]["values"][0]["type"] == "HttpError");
  CHECK(event["exception"]["values"][0]["value"].get<std::string>().find("HTTP 503") != std::string::npos);
  const json& crumbs = event["breadcrumbs"]["values"];
  REQUIRE(crumbs.size() == 2);
  CHECK(crumbs[0]["type"] == "http");
  CHECK(crumbs[0]["data"]["status_code"] == 200);
  CHECK(crumbs[0]["data"]["duration_ms"] == 12);
  CHECK(crumbs[1]["level"] == "error");
  const std::string text = event.dump();
  CHECK(text.find("pw@") == std::string::npos);
  CHECK(text.find("s3cr3t") == std::string::npos);
  CHECK(text.find("page=2") != std::string::npos);
}

TEST_CASE("drops are told to the server, as a ledger with each batch") {
  trapline::Options options;
  options.ignore = {"ignored"};
  Session session(options);
  trapline::capture_message("ignored");
  trapline::capture_message("kept");
  session.only_event();
  REQUIRE(session.receiver.batches().size() == 1);
  const json ledger = session.receiver.batches()[0]["ledger"];
  CHECK(ledger["captured"] == 2);
  CHECK(ledger["event_processor"] == 1);
  CHECK(session.receiver.batches()[0]["run"].get<std::string>().size() == 32);
  CHECK(session.receiver.batches()[0]["release"] == "test@1");
}

TEST_CASE("the modules of the process travel once a batch") {
  Session session;
  for (int number = 0; number < 10; ++number) trapline::capture_message(std::to_string(number));
  CHECK(session.events().size() == 10);
  REQUIRE(session.receiver.batches().size() == 1);
  CHECK(session.receiver.batches()[0]["debug_meta"]["images"].size() > 3);
  CHECK_FALSE(session.receiver.events()[0].contains("debug_meta"));
}
