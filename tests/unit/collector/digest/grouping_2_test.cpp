/// Version 2 of the grouping.

#include <array>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/digest/code_owners.h"
#include "collector/digest/digest_event.h"
#include "collector/digest/grouping/frame_name.h"
#include "collector/digest/grouping/glob.h"
#include "collector/digest/grouping/group_keys.h"
#include "collector/digest/grouping/stable_message.h"

using namespace trapline::collector;
using nlohmann::json;

namespace {

SpooledEvent spooled(const json& payload) {
  SpooledEvent event;
  event.project_id = 1;
  event.event_id = "1fd941f72cb7453e8d29c2990c2422b4";
  event.received_at = 1795223297698;
  event.payload = payload.dump();
  return event;
}

GroupKeys keys(const json& payload, int version = 2) { return group_keys(read_event(spooled(payload)), version); }
std::string fine(const json& payload) { return keys(payload).fine; }

DigestedEvent digest(const json& payload, const json& settings) {
  return digest_event(spooled(payload), DigestSettings::read(settings.dump()).value());
}

json frame(const std::string& function, const std::string& file = "x.c", bool in_app = true) {
  return {{"function", function}, {"filename", file}, {"in_app", in_app}};
}

json crash(const std::string& type, std::vector<json> frames, const std::string& value = "v",
           const std::string& platform = "native") {
  return {{"platform", platform},
          {"exception",
           {{"values", {{{"type", type}, {"value", value}, {"stacktrace", {{"frames", std::move(frames)}}}}}}}}};
}

}  // namespace

TEST_CASE("recursion counts once, also when several functions call each other in a circle") {
  const json once = crash("E", {frame("a"), frame("b"), frame("c"), frame("d")});
  CHECK(fine(once) == fine(crash("E", {frame("a"), frame("b"), frame("b"), frame("b"), frame("c"), frame("d")})));
  CHECK(fine(once) == fine(crash("E", {frame("a"), frame("b"), frame("c"), frame("b"), frame("c"), frame("b"),
                                       frame("c"), frame("d")})));
  CHECK(fine(once) != fine(crash("E", {frame("a"), frame("c"), frame("b"), frame("d")})));
}

TEST_CASE("JavaScript without function names is told apart by its source lines") {
  const auto anonymous = [](const std::string& line, const std::string& function, int lineno) {
    json one = frame(function, "https://shop.example/static/main.4f3a2b1c.js?v=2");
    one["context_line"] = line;
    one["lineno"] = lineno;
    return crash("TypeError", {one}, "x is undefined", "javascript");
  };
  const std::string base = fine(anonymous("  return cart.total();", "?", 3));
  CHECK(base == fine(anonymous("return cart.total()", "<anonymous>", 99)));
  CHECK(base != fine(anonymous("return cart.items();", "?", 3)));
  // Minified names change with every build; the line of a bundle is everything at once.
  CHECK(fine(anonymous("return cart.total();", "t", 3)) == fine(anonymous("return cart.total();", "n", 3)));
  CHECK(fine(anonymous(std::string(5'000, 'a'), "checkout", 3)) ==
        fine(anonymous(std::string(6'000, 'b'), "checkout", 3)));
}

TEST_CASE("a synthetic exception is told apart by its stack, not by the type that the client made up") {
  json first = crash("Error", {frame("f")});
  first["exception"]["values"][0]["mechanism"]["synthetic"] = true;
  json second = first;
  second["exception"]["values"][0]["type"] = "UnhandledRejection";
  CHECK(fine(first) == fine(second));
  second["exception"]["values"][0]["stacktrace"]["frames"][0] = frame("g");
  CHECK(fine(first) != fine(second));
}

TEST_CASE("machinery is left out, unless there is nothing else") {
  const json base = crash("E", {frame("f")});
  for (const char* glue :
       {"__cxa_throw", "abort", "raise", "std::terminate()", "operator delete(void*)",
        "std::function<void ()>::operator()() const", "std::panicking::begin_panic", "runtime.gopanic", "malloc"}) {
    CAPTURE(glue);
    CHECK(fine(base) == fine(crash("E", {frame("f"), frame(glue)})));
  }
  CHECK(fine(crash("E", {frame("abort")})) != fine(crash("E", {frame("raise")})));
}

TEST_CASE("a chain of exceptions is told apart by all of them") {
  json chain = crash("Outer", {frame("f")});
  chain["exception"]["values"].push_back(crash("Cause", {frame("g")})["exception"]["values"][0]);
  CHECK(fine(chain) != fine(crash("Outer", {frame("f")})));
  json other = chain;
  other["exception"]["values"][1]["type"] = "Other";
  CHECK(fine(chain) != fine(other));
}

TEST_CASE("other callers further out give another fine key and the same coarse one") {
  std::vector<json> frames = {frame("route_a")};
  for (const char* name : {"one", "two", "three", "four", "five"}) frames.push_back(frame(name));
  const GroupKeys first = keys(crash("E", frames));
  frames[0] = frame("route_b");
  const GroupKeys second = keys(crash("E", frames));
  CHECK(first.fine != second.fine);
  CHECK(first.coarse == second.coarse);
  frames.back() = frame("six");
  CHECK(keys(crash("E", frames)).coarse != first.coarse);
  CHECK(keys({{"message", "no stack"}}).coarse.empty());
}

TEST_CASE("names lose what compilers, bundlers and frameworks generate") {
  const std::pair<const char*, const char*> functions[] = {
      {"Shop.<Run>d__3.MoveNext", "Shop.Run"},
      {"Shop.<>c__DisplayClass1_0.<Run>b__0", "Shop.Run.{lambda}"},
      {"partial apply for closure #2 in Cart.pay", "closure in Cart.pay"},
      {"_ZN4shop3pay17h0123456789abcdefE", "_ZN4shop3payE"},
      {"shop::pay::{{closure}}::h0123456789abcdef", "shop::pay::{{closure}}"},
      {"Object.checkout [as handler]", "checkout"},
      {"handler_1719223344", "handler_#"},
      {"fn_0x7f12ab34", "fn_#"},
      {"main.main.func1.2", "main.main.func"},
      {"ns::run()::$_12::operator()(int) const", "ns::run::$_::operator()"},
      {"shop::Cart<int>::add(int)", "shop::Cart::add"},
      {"sha256", "sha256"},
  };
  for (const auto& [raw, stable] : functions) {
    CAPTURE(raw);
    CHECK(stable_function(raw) == stable);
  }
  const std::pair<const char*, const char*> modules[] = {
      {"com.shop.Order$$EnhancerBySpringCGLIB$$1a2b3c", "com.shop.Order"},
      {"com.sun.proxy.$Proxy12", "com.sun.proxy.$Proxy"},
      {"com.shop.Cart$$Lambda$14/0x0000000800c03000", "com.shop.Cart"},
      {"jdk.internal.reflect.GeneratedMethodAccessor77", "jdk.internal.reflect.GeneratedMethodAccessor"},
      {"com.shop.Cart$1", "com.shop.Cart$"},
      {"shop.python3", "shop.python3"},
      {"A.B+<Run>d__7", "A.B+Run"},
      {"A.B+<>c__DisplayClass3_0", "A.B"},
      {"Shop.Cart`1+<>c", "Shop.Cart`1"},
  };
  for (const auto& [raw, stable] : modules) {
    CAPTURE(raw);
    CHECK(stable_module(raw) == stable);
  }
  const std::pair<const char*, const char*> files[] = {
      {"https://x.y/static/js/main.4f3a2b1c.js?v=1", "main.js"},
      {"/usr/lib/libfoo.so.1.2.3", "libfoo.so"},
      {"chunk-7HJKQ2.js", "chunk.js"},
      {"C:\\src\\checkout.cpp", "checkout.cpp"},
      {"my-component.vue", "my-component.vue"},
      {"<anonymous>", "<anonymous>"},
  };
  for (const auto& [raw, stable] : files) {
    CAPTURE(raw);
    CHECK(stable_file(raw) == stable);
  }
}

TEST_CASE("lambdas are told apart by their source lines, where there are any") {
  const auto lambda = [](const std::string& line) {
    json one = frame("<lambda>", "m.py");
    one["context_line"] = line;
    return crash("E", {one}, "v", "python");
  };
  CHECK(fine(lambda("x = lambda: 1 / 0")) == fine(lambda("  x = lambda: 1 / 0")));
  CHECK(fine(lambda("x = lambda: 1 / 0")) != fine(lambda("y = lambda: 2 / 0")));
}

TEST_CASE("a client's fingerprint may hold numbers") {
  const auto with = [](const json& parts) { return fine({{"message", "m"}, {"fingerprint", parts}}); };
  CHECK(with({"http", 400}) != with({"http", 404}));
  CHECK(with({"http", 400}) == with({"http", "400"}));
  CHECK(with({true}) != with({false}));
}

TEST_CASE("each kind of variable text in a message is named by version 2") {
  const std::pair<const char*, const char*> messages[] = {
      {"user 42 not found", "user <num> not found"},
      {"took 12ms, 3 s and 1m30s.", "took <duration>, <duration> and <duration>."},
      {"5 MB of 12KB", "<size> of <size>"},
      {"93 % of 93.5%", "<num> % of <num>%"},
      {"1,234 rows, 2, 3 of 1,2", "<num> rows, <num>, <num> of <num>"},
      {"dev aa:bb:cc:dd:ee:ff", "dev <mac>"},
      {"at 0x7fff12 and deadbeef01", "at <num> and <num>"},
      {"residual 1.234e-05 too large", "residual <num> too large"},
      {"id 1fd941f7-2cb7-453e-8d29-c2990c2422b4.", "id <uuid>."},
      {"mail to zoe@example.com failed", "mail to <email> failed"},
      {"from 10.0.0.1:8080 and ::1", "from <ip> and <ip>"},
      {"device 00:1a:2b:3c:4d:5e lost", "device <mac> lost"},
      {"cannot reach node17.example.com:443!", "cannot reach <host>!"},
      {"System.Collections.Generic in a.b.c", "System.Collections.Generic in a.b.c"},
      {"GET https://x.y/z?a=(b)&c=1 failed", "GET <url> failed"},
      {"open /srv/a/b.txt: denied", "open <path>: denied"},
      {"open /home/[user]/b.txt: denied", "open <path>: denied"},
      {"open C:\\Users\\[user]\\b.txt", "open <path>"},
      {"since 2026-11-21T01:08:17Z", "since <date>"},
      {"expired on Nov 26 2026", "expired on <date>"},
      {"on Thu, Nov 6, 2026 or 26 November", "on <date> or <date>"},
      {"March on, May 5", "March on, <date>"},
      {"column 'name' of \"users\" in \u201cshop\u201d", "column <quoted> of <quoted> in <quoted>"},
      {"can't do it, won't, can\u2019t", "can't do it, won't, can\u2019t"},
      {"order-4711 in utf8", "order-<num> in utf8"},
      {"order ORD-7K2MQ4XX not found", "order ORD-<num> not found"},
      {"revision 4f3a2b1 failed", "revision <num> failed"},
      {"color #4f3a2b unknown", "color #<num> unknown"},
      {"session aB3xK9pQ+7Lm expired", "session <num> expired"},
      {"sha256 of Vector3 by Utf8JsonReader v12 on k8s", "sha256 of Vector3 by Utf8JsonReader v12 on k8s"},
      {"key=17", "key=<num>"},
      {"\u00fcber 9\u00b5s", "\u00fcber <duration>"},
  };
  for (const auto& [text, expected] : messages) {
    CAPTURE(text);
    CHECK(stable_message(text) == expected);
  }
  CHECK(stable_message(std::string(1 << 20, '\'')).size() < 10'000);
}

TEST_CASE("messages that differ in an id in base64 are one, of whatever length and alphabet the id is") {
  std::mt19937 random(20261126);
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const std::array<std::string, 3> alphabets = {std::string(kLetters) + "+/", std::string(kLetters) + "-_",
                                                std::string(kLetters)};
  constexpr int kIds = 1'000;
  for (const std::string& alphabet : alphabets) {
    for (const std::size_t length : {11, 12, 16, 20, 22, 24, 32, 43}) {
      CAPTURE(alphabet);
      CAPTURE(length);
      int missed = 0;
      for (int number = 0; number < kIds; ++number) {
        std::string id;
        while (id.size() < length) id += alphabet[random() % alphabet.size()];
        missed += stable_message("request " + id + " failed") == "request <num> failed" ? 0 : 1;
      }
      CHECK(missed <= (length < 16 ? kIds * 4 / 100 : kIds * 15 / 1'000));
    }
  }
}

TEST_CASE("names that are put together of words are no ids, and messages about them stay apart") {
  const char* const names[] = {
      "getElementById",          "XMLHttpRequest",        "addEventListener",        "HTMLInputElement",
      "NSInvalidArgument",       "IllegalStateException", "ConcurrentModification",  "toLocaleLowerCase",
      "createObjectURL",         "BrotliDecoderState",    "UIViewController",        "RecyclerView",
      "SQLIntegrityConstraint",  "MyClassName",           "iPhoneSimulator",         "onBackPressed",
      "WebGLRenderingContext",   "readyStateChange",      "FetchEventResult",        "ServiceWorkerGlobal",
      "encodeURIComponent",      "JsonWebTokenError",     "MongoNetworkError",       "application/JsonBody",
      "Content-Security-Policy", "My_Snake_Case_Name",    "Kubernetes/Deployment",   "GraphQLSchemaError",
      "OAuthTokenRequest",       "AxiosHeaders",          "PostgresConnection",      "EntityManagerFactory",
      "WKWebView_Delegate",      "SpringApplication",     "ObjectOptimisticLocking", "Geschwindigkeit",
      "Internationalisierung",   "PaiementRefuse"};
  std::set<std::string> templates;
  for (const char* name : names) {
    CAPTURE(name);
    const std::string text = std::string("cannot call ") + name + " here";
    CHECK(stable_message(text) == text);
    templates.insert(stable_message(text));
  }
  CHECK(templates.size() == std::size(names));
}

TEST_CASE("grouping is invariant under line numbers, addresses, build paths and releases, and separates what differs") {
  std::mt19937 random(20261126);
  const std::array<const char*, 6> roots = {
      "/home/ci/build-17/", "C:\\agent\\_work\\9\\s\\", "/srv/app/", "./", "/Users/ci/", "D:/b/"};
  const auto any = [&](int bound) { return static_cast<int>(random() % static_cast<unsigned>(bound)); };
  const auto build = [&](const std::vector<int>& names, const std::string& type) {
    // The same fault as another build, machine and run would report it.
    std::vector<json> frames;
    const std::string root = roots[random() % roots.size()];
    for (const int name : names) {
      json one = frame("shop::part" + std::string(1, static_cast<char>('a' + name)) + "::run(int)" +
                           (any(2) == 0 ? " [clone .cold]" : ""),
                       root + "src/part.cpp");
      one["lineno"] = any(5'000);
      one["instruction_addr"] = "0x" + std::to_string(any(1'000'000));
      frames.push_back(one);
      if (any(3) == 0) frames.push_back(frame("memcpy", "libc.so.6", false));
    }
    json event = crash(type, frames, "value " + std::to_string(any(100'000)));
    event["release"] = "shop@" + std::to_string(any(100)) + ".0";
    event["environment"] = any(2) == 0 ? "prod" : "test";
    return event;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<int> names;
    for (int depth = 1 + any(8); depth > 0; --depth) {
      int name = any(20);
      while (!names.empty() && names.back() == name) name = any(20);
      names.push_back(name);
    }
    const std::string type = "Type" + std::to_string(any(3)) + "x";
    const std::string key = fine(build(names, type));
    CHECK(key == fine(build(names, type)));
    CHECK(key != fine(build(names, "OtherType")));
    std::vector<int> other = names;
    other.back() += 1;
    if (other.size() < 2 || other[other.size() - 2] != other.back()) CHECK(key != fine(build(other, type)));
  }
}

TEST_CASE("what a version answers for recorded events is frozen") {
  // A change to the algorithm is a new version beside it: stored issues are found by these.
  const std::string path = std::string(TRAPLINE_SOURCE_DIR) + "/tests/unit/collector/digest/grouping_golden.json";
  std::ifstream file(path);
  REQUIRE(file.good());
  const json golden = json::parse(file);
  REQUIRE(golden.size() >= 10);
  for (const json& one : golden) {
    CAPTURE(one["name"].get<std::string>());
    for (const int version : {1, 2}) {
      CAPTURE(version);
      const GroupKeys found = keys(one["event"], version);
      CHECK(found.fine == one["version_" + std::to_string(version)]["fine"].get<std::string>());
      CHECK(found.coarse == one["version_" + std::to_string(version)]["coarse"].get<std::string>());
    }
  }
}

TEST_CASE("a project's rule gives matching events its fingerprint and title, and the first that matches wins") {
  const json settings = json::parse(R"j({"grouping":{"rules":[
    {"match":{"type":"Timeout*","path":"**/net/*.c","function":"!retry*","tags.region":"eu-?"},
     "fingerprint":["timeout","{{ tags.region }}"],"title":"Timeout in {{ function }} ({{ tags.region }})"},
    {"match":{"type":"*"},"title":"Any {{ type }}"}]}})j");
  json event = crash("TimeoutError", {frame("send", "src/net/http.c")});
  event["tags"]["region"] = "eu-1";
  const DigestedEvent first = digest(event, settings);
  CHECK(first.title == "Timeout in send (eu-1)");
  CHECK(first.type == "TimeoutError");
  json elsewhere = crash("TimeoutOther", {frame("receive", "lib/net/tcp.c")});
  elsewhere["tags"]["region"] = "eu-1";
  CHECK(digest(elsewhere, settings).fingerprint == first.fingerprint);
  elsewhere["tags"]["region"] = "eu-2";
  CHECK(digest(elsewhere, settings).fingerprint != first.fingerprint);
  // The frame's matchers hold for one and the same frame.
  json split = crash("TimeoutError", {frame("retry_send", "src/net/http.c"), frame("send", "src/ui/view.c")});
  split["tags"]["region"] = "eu-1";
  CHECK(digest(split, settings).title == "Any TimeoutError");
  // A title alone leaves the group as it is.
  CHECK(digest(split, settings).fingerprint == digest(split, json::object()).fingerprint);
}

TEST_CASE("an explanation names what counts and why the rest does not") {
  const json event = crash("E", {frame("lib", "lib.c", false), frame("f"), frame("f"), frame("abort")}, "value 7");
  DigestedEvent stored = digest(event, json::object());
  const GroupingExplanation explanation = explain_grouping(stored, DigestSettings::defaults());
  CHECK(explanation.keys.fine == stored.fingerprint);
  CHECK(explanation.keys.coarse == stored.coarse_fingerprint);
  std::vector<std::string> reasons;
  std::vector<std::string> counting;
  for (const GroupPart& part : explanation.keys.parts)
    (part.counts ? counting : reasons).push_back(part.counts ? part.value : part.why);
  CHECK(counting == std::vector<std::string>{"E", "x.c|f"});
  CHECK(std::count(reasons.begin(), reasons.end(), "recursion") == 1);
  CHECK(std::count(reasons.begin(), reasons.end(), "not of the app") == 1);
}

TEST_CASE("after a change of version events still carry the key of the version before") {
  const json event = crash("E", {frame("f")});
  const DigestedEvent moved = digest(event, {{"grouping", {{"version", 2}, {"previous_version", 1}}}});
  CHECK(moved.older_fingerprints == std::vector<std::string>{keys(event, 1).fine});
  const DigestedEvent back = digest(event, {{"grouping", {{"version", 1}, {"previous_version", 2}}}});
  CHECK(back.older_fingerprints == std::vector<std::string>{keys(event, 2).fine});
}

TEST_CASE("globs match as people expect, and a hostile one takes no long time") {
  CHECK(Glob::compile("*Timeout*")->matches("a Timeout\nb"));
  CHECK_FALSE(Glob::compile("Timeout")->matches("Timeouts"));
  CHECK(Glob::compile("a.b(c)?")->matches("a.b(c)x"));
  CHECK(Glob::compile("src/*.c", Glob::Kind::kPath)->matches("src/a.c"));
  CHECK_FALSE(Glob::compile("src/*.c", Glob::Kind::kPath)->matches("src/b/a.c"));
  CHECK(Glob::compile("**/a.c", Glob::Kind::kPath)->matches("a.c"));
  CHECK(Glob::compile("**/a.c", Glob::Kind::kPath)->matches("x/y/a.c"));
  CHECK_FALSE(Glob::compile(std::string(501, 'a')).ok());
  std::string hostile;
  for (int star = 0; star < 100; ++star) hostile += "*a";
  CHECK_FALSE(Glob::compile(hostile)->matches(std::string(10'000, 'a') + "b"));
}

TEST_CASE("owners come from the last line of the owners' file that matches the app's innermost frame") {
  const auto owners = CodeOwners::parse(
      "# comment\n*           @everybody\n*.c @c-people @others\n/src/net/   @net\nsrc/ui @ui # trailing\n"
      "tags.team:billing* @billing\nmodule:shop.pay* @pay\n");
  REQUIRE(owners);
  const auto owner = [&](const json& event) { return owners->owner_of(read_event(spooled(event))); };
  CHECK(owner(crash("E", {frame("f", "/home/ci/repo/src/net/http.c")})) == "@net");
  CHECK(owner(crash("E", {frame("f", "D:\\repo\\src\\ui\\view.cpp")})) == "@ui");
  CHECK(owner(crash("E", {frame("f", "lib/a.c"), frame("memcpy", "src/net/x.c", false)})) == "@c-people");
  CHECK(owner(crash("E", {frame("f", "main.rs")})) == "@everybody");
  CHECK(owner({{"message", "x"}, {"tags", {{"team", "billing-eu"}}}}) == "@billing");
  CHECK(owner({{"message", "x"}}).empty());
  CHECK(CodeOwners::parse("*.c @a\n" + std::string(600, 'x') + " @b").error().message.find("line 2") !=
        std::string::npos);
}
