/// The API's description beside what the routes do.

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/digest/stored_payload.h"
#include "collector/http/api_routes.h"
#include "collector/http/dispatcher.h"
#include "collector/http/ingest_routes.h"
#include "collector/http/intake_routes.h"
#include "collector/http/live_feed.h"
#include "collector/http/session_routes.h"
#include "collector/http/user_purges.h"
#include "collector/storage/open_store.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using nlohmann::json;

namespace {

/// A described way to ask, as a request that is let in as far as its route and no further.
struct Operation {
  std::string name;
  RequestHead head;
  std::set<int> statuses;
  bool is_door = false;
};

std::string target_of(std::string pattern) {
  for (std::size_t open = 0; (open = pattern.find('{')) != std::string::npos;) {
    const std::size_t end = pattern.find('}', open) + 1;
    const bool is_event = pattern.substr(open, end - open) == "{event_id}";
    pattern.replace(open, end - open, is_event ? std::string(32, 'e') : "1");
  }
  return pattern;
}

void each_operation(const std::function<void(Operation)>& look) {
  const json description = json::parse(openapi_text());
  for (const auto& [pattern, methods] : description["paths"].items()) {
    for (const auto& [method, described] : methods.items()) {
      Operation operation;
      operation.name = method + " " + pattern;
      operation.head.method = method;
      std::transform(method.begin(), method.end(), operation.head.method.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      operation.head.target = target_of(pattern);
      operation.is_door = find_door(operation.head.target).has_value();
      for (const auto& [status, answer] : described["responses"].items()) operation.statuses.insert(std::stoi(status));
      const std::string name = operation.name;
      CAPTURE(name);
      look(std::move(operation));
    }
  }
}

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  std::unique_ptr<Spool> spool = Spool::open(folder.path("s")).value();
  const std::string key = std::string(32, 'a');
  Intake intake;
  Accounts accounts{*store};
  LiveFeed live{*store};
  StoredPayloadReader payloads{std::nullopt};
  UserPurges purges{*store, payloads};
  std::unique_ptr<Dispatcher> dispatcher;

  explicit Fixture(std::int64_t requests_per_minute)
      : intake(*store, *spool, {.requests_per_minute_and_ip = requests_per_minute}) {
    REQUIRE(store->create_project("one", key));
    intake.keep_house();
    live.start([] { return LiveTotals{}; });
    Router router;
    const auto url = std::make_shared<std::string>("http://h");
    add_session_routes(router, accounts, false);
    add_api_routes(router, {*store, accounts, url, &live, trapline::core::system_clock(), &payloads, &purges});
    add_intake_routes(router, {*store, accounts, url});
    dispatcher =
        std::make_unique<Dispatcher>(std::move(router), intake, std::vector<AddressRange>{}, requests_per_minute);
  }
};

}  // namespace

TEST_CASE("every route lists what a request may be answered before it reaches one, or when the collector fails") {
  each_operation([](const Operation& operation) {
    for (const int status : {400, 408, 413, 429, 431, 500, 501, 503}) {
      CAPTURE(status);
      CHECK(operation.statuses.contains(status));
    }
  });
}

TEST_CASE("a route that answers 415 to a type that it does not take lists it, and no other does") {
  Fixture fixture(0);
  REQUIRE(fixture.accounts.create_user("zoe@a.example", Role::kOwner, "long enough"));
  const std::string session =
      fixture.accounts.sign_in("zoe@a.example", "long enough", "127.0.0.1").value().session_secret;
  each_operation([&](Operation operation) {
    // Signing out needs no session, and must not end the others'.
    const bool is_sign_out = operation.name == "delete /api/v1/session";
    if (!is_sign_out) operation.head.headers["cookie"] = "trapline_session=" + session;
    operation.head.headers["x-sentry-auth"] = "Sentry sentry_version=7, sentry_key=" + fixture.key;
    operation.head.headers["content-type"] = "image/png";
    const int status = fixture.dispatcher->answer(operation.head, "{}", "127.0.0.1").status;
    CAPTURE(status);
    CHECK(operation.statuses.contains(status));
    CHECK((status == 415) == operation.statuses.contains(415));
  });
}

TEST_CASE("a route that answers 429 to who asks too often lists it") {
  Fixture fixture(1);
  int number = 0;
  each_operation([&](Operation operation) {
    const std::string caller = "192.0.2." + std::to_string(++number);
    operation.head.headers["authorization"] = "Bearer " + caller;
    int status = 0;
    for (int times = 0; times < 2; ++times) {
      status = fixture.dispatcher->answer(operation.head, "{}", caller).status;
      CAPTURE(status);
      CHECK(operation.statuses.contains(status));
    }
    CHECK(status == 429);
  });
}
