/// Who is let in: keys, signatures, switches of projects, limits.

#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <string>

#include <doctest/doctest.h>
#include <sodium.h>

#include "collector/ingest/address.h"
#include "collector/ingest/hour_quota.h"
#include "collector/ingest/intake.h"
#include "collector/ingest/signature.h"
#include "collector/ingest/token_bucket.h"
#include "collector/storage/open_store.h"
#include "sdk/core/gzip.h"
#include "sdk/core/hex.h"
#include "sdk/core/random.h"
#include "tests/support/failing_disk.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::failing_syncs;
using trapline::tests::ManualClock;

namespace {

constexpr std::int64_t kNow = 1'795'223'297;
const std::string kKey(32, 'a');
const std::string kSecret(32, 's');

std::string sign(const std::string& secret, std::int64_t time, const std::string& nonce, const std::string& body) {
  const std::string text = std::to_string(time) + "." + nonce + "." + body;
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::string mac(32, '\0');
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(mac.data()));
  return "t=" + std::to_string(time) + ",n=" + nonce + ",v1=" + trapline::core::to_hex(std::as_bytes(std::span(mac)));
}

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  ManualClock clock{kNow * 1000};
  std::atomic<std::uint64_t> free_bytes{1'000};
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url(), clock).value();
  std::unique_ptr<Spool> spool;
  std::unique_ptr<Intake> intake;
  ProjectId project = 0;
  ProjectKey key;

  explicit Fixture(IntakeLimits limits = {}) {
    spool = Spool::open(folder.path("s"),
                        {.min_free_bytes = 100, .free_bytes = [this](const std::string&) { return free_bytes.load(); }})
                .value();
    project = store->create_project("one", std::string(32, 'f'))->id;
    key = {kKey, kSecret, project, true, 0};
    REQUIRE(store->create_key(key));
    intake = std::make_unique<Intake>(*store, *spool, limits, clock);
  }

  void set(const IngestSettings& settings) {
    REQUIRE(store->change_project(project, [&](std::string& /*name*/, IngestSettings& current) {
      current = settings;
      return Status{};
    }));
    intake->keep_house();
  }

  std::variant<IntakeReceipt, IntakeRefusal> send(IntakeRequest request) {
    request.query_key = kKey;
    return intake->take(request);
  }
  /// The refusal's code; empty when it was taken.
  std::string code(IntakeRequest request) {
    const auto outcome = send(std::move(request));
    const auto* refusal = std::get_if<IntakeRefusal>(&outcome);
    return refusal != nullptr ? refusal->code : "";
  }
};

}  // namespace

TEST_CASE("a signature that fits is taken once, and any other change to it is refused") {
  Fixture fixture;
  const std::string nonce(32, '1');
  const std::string body = R"({"message":"m"})";
  const std::string good = sign(kSecret, kNow, nonce, body);
  CHECK(fixture.code({.signature = good, .body = body}).empty());
  CHECK(fixture.code({.signature = good, .body = body}) == "replayed_signature");
  const std::string other_nonce(32, '2');
  CHECK(fixture.code({.signature = sign(kSecret, kNow, other_nonce, body), .body = "{}"}) == "wrong_signature");
  CHECK(fixture.code({.signature = sign("wrong", kNow, other_nonce, body), .body = body}) == "wrong_signature");
  // The wrong ones have not used their nonce up.
  CHECK(fixture.code({.signature = sign(kSecret, kNow, other_nonce, body), .body = body}).empty());
  const std::string third(32, '3');
  CHECK(fixture.code({.signature = sign(kSecret, kNow - 301, third, body), .body = body}) == "expired_signature");
  CHECK(fixture.code({.signature = sign(kSecret, kNow + 301, third, body), .body = body}) == "expired_signature");
  CHECK(fixture.code({.signature = sign(kSecret, kNow - 300, third, body), .body = body}).empty());
}

TEST_CASE("a signature is over the bytes as sent, before they are inflated") {
  Fixture fixture;
  const std::string body = trapline::core::gzip(R"({"message":"m"})");
  CHECK(
      fixture
          .code(
              {.content_encoding = "gzip", .signature = sign(kSecret, kNow, std::string(32, '1'), body), .body = body})
          .empty());
}

TEST_CASE("a header that is no signature is refused with what is wrong in it") {
  const std::string good = sign(kSecret, kNow, std::string(32, '1'), "");
  REQUIRE(parse_signature(good));
  CHECK(parse_signature(good + ",v2=future"));
  for (const std::string& bad :
       {std::string(), std::string("nonsense"), good.substr(2), good.substr(0, good.size() - 1), good + "0",
        good + "," + good, "t=-1" + good.substr(good.find(',')),
        "t=" + std::string(40, '9') + good.substr(good.find(',')), "t=1,n=XYZ" + good.substr(good.find(",v1"))}) {
    CAPTURE(bad);
    const auto parsed = parse_signature(bad);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == "malformed_signature");
  }
}

TEST_CASE("events that were counted only open the project's door again, also when their minute is over") {
  Fixture fixture;
  fixture.set({.rate_limit_per_hour = 3});
  CHECK(fixture.intake->events_per_hour(fixture.project) == 3);
  const auto send_all = [&](int count) {
    int taken = 0;
    for (int number = 0; number < count; ++number) taken += fixture.code({.body = "{}"}).empty() ? 1 : 0;
    return taken;
  };
  CHECK(send_all(5) == 3);
  fixture.clock.advance(std::chrono::minutes(2));
  fixture.intake->give_back(fixture.project, 2);
  CHECK(send_all(5) == 2);
  fixture.intake->give_back(fixture.project, 100);  // never more than was taken
  CHECK(send_all(5) == 3);
}

TEST_CASE("a project that requires signatures takes nothing without one, nor by a key without a secret") {
  Fixture fixture;
  fixture.set({.require_signature = true});
  CHECK(fixture.code({.body = "{}"}) == "missing_signature");
  const std::string signature = sign(kSecret, kNow, std::string(32, '1'), "{}");
  CHECK(fixture.code({.signature = signature, .body = "{}"}).empty());
  const auto outcome = fixture.intake->take(
      {.query_key = std::string_view("ffffffffffffffffffffffffffffffff"), .signature = signature, .body = "{}"});
  CHECK(std::get<IntakeRefusal>(outcome).code == "wrong_signature");
}

TEST_CASE("a request that the spool did not take may be sent again with the same signature") {
  Fixture fixture;
  const std::string signature = sign(kSecret, kNow, std::string(32, '1'), "{}");
  fixture.free_bytes = 0;
  CHECK(fixture.code({.signature = signature, .body = "{}"}) == "disk_full");
  fixture.free_bytes = 1'000;
  CHECK(fixture.code({.signature = signature, .body = "{}"}).empty());
}

TEST_CASE("a signature whose request was refused for any other reason may be used again") {
  Fixture fixture;
  const std::string body = "no gzip at all";
  const std::string signature = sign(kSecret, kNow, std::string(32, '1'), body);
  CHECK(fixture.code({.content_encoding = "gzip", .signature = signature, .body = body}) == "invalid_compression");
  CHECK(fixture.code({.content_encoding = "gzip", .signature = signature, .body = body}) == "invalid_compression");
}

TEST_CASE("a signature that was used is known after a restart, and one whose request was refused is not") {
  trapline::tests::TemporaryFolder folder;
  ManualClock clock(kNow * 1000);
  const std::string kept_header = sign(kSecret, kNow, std::string(32, '1'), "");
  const std::string refused_header = sign(kSecret, kNow, std::string(32, '2'), "");
  const Signature kept = parse_signature(kept_header).value();
  const Signature refused = parse_signature(refused_header).value();
  {
    NonceTable nonces(clock, folder.path("nonces"));
    CHECK(nonces.remember(kKey, kept) == NonceTable::Outcome::kFresh);
    CHECK(nonces.remember(kKey, refused) == NonceTable::Outcome::kFresh);
    nonces.keep(kKey, kept);
    nonces.forget(kKey, refused);
  }
  for (int round = 0; round < 2; ++round) {
    NonceTable nonces(clock, folder.path("nonces"));
    CHECK(nonces.remember(kKey, kept) == NonceTable::Outcome::kSeen);
    CHECK(nonces.remember(kKey, refused) == NonceTable::Outcome::kFresh);
  }
  clock.advance(std::chrono::seconds(601));
  CHECK(NonceTable(clock, folder.path("nonces")).remember(kKey, kept) == NonceTable::Outcome::kFresh);
}

TEST_CASE("nonces are forgotten when their window has passed, and never before it") {
  ManualClock clock(kNow * 1000);
  NonceTable nonces(clock, "", 2);
  const std::string header = sign(kSecret, kNow, std::string(32, '1'), "");
  const Signature signature = parse_signature(header).value();
  CHECK(nonces.remember(kKey, signature) == NonceTable::Outcome::kFresh);
  CHECK(nonces.remember(kSecret, signature) == NonceTable::Outcome::kFresh);
  CHECK(nonces.remember("third", signature) == NonceTable::Outcome::kFull);
  clock.advance(std::chrono::seconds(600));
  CHECK(nonces.remember(kKey, signature) == NonceTable::Outcome::kSeen);
  clock.advance(std::chrono::seconds(1));
  CHECK(nonces.remember(kKey, signature) == NonceTable::Outcome::kFresh);
}

TEST_CASE("only pages of the allowed origins may send, and programs, which have none") {
  Fixture fixture;
  fixture.set({.allowed_origins = {"https://shop.example", "*.trusted.example", "plain.example"}});
  for (const char* good : {"https://shop.example", "http://a.b.trusted.example:8080", "https://plain.example:1", ""}) {
    CAPTURE(good);
    CHECK(fixture.code({.origin = good, .body = "{}"}).empty());
  }
  for (const char* bad : {"http://shop.example", "https://shop.example.evil", "https://trusted.example",
                          "https://eviltrusted.example", "null", "https://x.plain.example"}) {
    CAPTURE(bad);
    CHECK(fixture.code({.origin = bad, .body = "{}"}) == "origin_not_allowed");
  }
}

TEST_CASE("only the allowed addresses may send, of both versions") {
  Fixture fixture;
  fixture.set({.allowed_ips = {"10.1.0.0/16", "2001:db8::/33", "192.0.2.7"}});
  for (const char* good : {"10.1.255.3", "::ffff:10.1.0.1", "2001:db8:7fff::1", "192.0.2.7"}) {
    CAPTURE(good);
    CHECK(fixture.code({.client_ip = good, .body = "{}"}).empty());
  }
  for (const char* bad : {"10.2.0.1", "2001:db8:8000::1", "192.0.2.8", "", "nonsense", "::1"}) {
    CAPTURE(bad);
    CHECK(fixture.code({.client_ip = bad, .body = "{}"}) == "ip_not_allowed");
  }
  // A list of nothing but nonsense is no open door.
  fixture.set({.allowed_ips = {"10.0.0.0/33"}});
  CHECK(fixture.code({.client_ip = "10.0.0.1", .body = "{}"}) == "ip_not_allowed");
}

TEST_CASE("ranges of addresses: what they hold, and what is none") {
  const auto holds = [](const char* range, const char* address) {
    return AddressRange::parse(range)->contains(*parse_address(address));
  };
  CHECK(holds("0.0.0.0/0", "255.1.2.3"));
  CHECK_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
  CHECK(holds("::/0", "1.2.3.4"));
  CHECK(holds("192.168.4.0/22", "192.168.7.255"));
  CHECK_FALSE(holds("192.168.4.0/22", "192.168.8.0"));
  CHECK(holds("[fe80::1%eth0]", "fe80::1"));
  for (const char* bad : {"", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "::1/129", "x/8", "1.2.3.4/8x"}) {
    CAPTURE(bad);
    CHECK_FALSE(AddressRange::parse(bad));
  }
  CHECK(sender_of(*parse_address("2001:db8::1")) == sender_of(*parse_address("2001:db8::ffff")));
  CHECK(sender_of(*parse_address("192.0.2.1")) != sender_of(*parse_address("192.0.2.2")));
}

TEST_CASE("a disabled key is refused, and an enabled one opens again") {
  Fixture fixture;
  CHECK(fixture.code({.body = "{}"}).empty());
  fixture.key.is_active = false;
  REQUIRE(fixture.store->change_key(fixture.key.public_key, {fixture.key.is_active, fixture.key.rate_limit_per_hour}));
  fixture.intake->keep_house();
  CHECK(fixture.code({.body = "{}"}) == "disabled_key");
  fixture.key.is_active = true;
  REQUIRE(fixture.store->change_key(fixture.key.public_key, {fixture.key.is_active, fixture.key.rate_limit_per_hour}));
  fixture.intake->keep_house();
  CHECK(fixture.code({.body = "{}"}).empty());
}

TEST_CASE("a project's door closes exactly at its limit and opens when the oldest events leave the hour") {
  Fixture fixture;
  fixture.set({.rate_limit_per_hour = 5});
  CHECK(std::get<IntakeReceipt>(fixture.send({.body = "[{},{},{}]"})).accepted == 3);
  fixture.clock.advance(std::chrono::minutes(30));
  // Of a batch that passes the limit what is under it is taken, and the rest is named.
  const auto partly = std::get<IntakeReceipt>(fixture.send({.body = "[{},{},{}]"}));
  CHECK(partly.accepted == 2);
  REQUIRE(partly.rejected.size() == 1);
  CHECK(partly.rejected[0].index == 2);
  CHECK(partly.rejected[0].code == "project_rate_limited");
  CHECK(partly.retry_after_seconds > 29 * 60);
  CHECK(partly.rate_limits == std::to_string(partly.retry_after_seconds) + "::project:project_quota");
  const auto closed = std::get<IntakeRefusal>(fixture.send({.body = "{}"}));
  CHECK(closed.http_status == 429);
  CHECK(closed.retry_after_seconds > 29 * 60);
  CHECK(closed.retry_after_seconds <= 30 * 60);
  CHECK(closed.rate_limits == std::to_string(closed.retry_after_seconds) + "::project:project_quota");
  fixture.clock.advance(std::chrono::seconds(closed.retry_after_seconds));
  CHECK(std::get<IntakeReceipt>(fixture.send({.body = "[{},{},{}]"})).accepted == 3);
  CHECK(fixture.code({.body = "{}"}) == "project_rate_limited");
}

TEST_CASE("a restart grants no second quota, and what was used leaves the hour as if there had been none") {
  using std::chrono::minutes;
  const trapline::tests::TemporaryFolder folder;
  const std::string path = folder.path("quotas");
  trapline::tests::ManualClock clock{1795223297698};
  const std::vector<HourQuotas::Share> shares = {{"project 7", 10}, {"unlimited", 0}};
  {
    HourQuotas quotas(clock, path);
    CHECK(quotas.take(shares, 4).count == 4);
    clock.advance(minutes(20));
    CHECK(quotas.take(shares, 5).count == 5);
    quotas.give_back(shares, 1);
    quotas.save();
    CHECK(quotas.take(shares, 1).count == 1);  // a kill before the next save() forgets this one
  }
  clock.advance(minutes(10));
  {
    HourQuotas quotas(clock, path);
    CHECK(quotas.take(shares, 100).count == 2);
    CHECK(quotas.seconds_until_open("project 7", 10) <= 30 * 60);
    quotas.save();
  }
  clock.advance(minutes(31));
  CHECK(HourQuotas(clock, path).take(shares, 100).count == 4);
  // A clock that was set back, and a file that is none of ours.
  clock.advance(-minutes(120));
  CHECK(HourQuotas(clock, path).take(shares, 100).count == 0);
  clock.advance(minutes(300));
  CHECK(HourQuotas(clock, path).take(shares, 100).count == 10);
  std::ofstream(path) << "nonsense\n-5 9 project 7\n";
  CHECK(HourQuotas(clock, path).take(shares, 100).count == 10);
}

TEST_CASE("collectors that share limits tell each other once what they have used, and together they keep to them") {
  trapline::tests::ManualClock clock{1795223297698};
  HourQuotas here(clock);
  HourQuotas there(clock);
  const std::vector<HourQuotas::Share> shares = {{"project 7", 10}, {"key", 100}};
  CHECK(here.take(shares, 8).count == 8);
  here.give_back(std::array{shares[0]}, 1);
  CHECK(here.take_whole({"files 7", 5}, 5));
  CHECK_FALSE(here.take_whole({"files 7", 5}, 1));
  const std::vector<trapline::collector::QuotaUse> news = here.take_news();
  CHECK(news.size() == 3);
  CHECK(here.take_news().empty());
  there.add_use(news);
  CHECK(there.take_news().empty());
  CHECK(there.take(shares, 100).count == 3);
  CHECK_FALSE(there.take_whole({"files 7", 5}, 1));
  here.add_use(there.take_news());
  CHECK(here.take(shares, 100).count == 0);
  clock.advance(std::chrono::minutes(60));
  CHECK(here.take(shares, 100).count == 10);
}

TEST_CASE("the door of a project that has used its hour stays closed over a restart") {
  const trapline::tests::TemporaryFolder folder;
  Fixture fixture;
  fixture.set({.rate_limit_per_hour = 2});
  {
    Intake intake(*fixture.store, *fixture.spool, {}, fixture.clock, folder.path(""));
    CHECK(std::holds_alternative<IntakeReceipt>(intake.take({.query_key = kKey, .body = "[{},{}]"})));
    intake.keep_house();
  }
  Intake intake(*fixture.store, *fixture.spool, {}, fixture.clock, folder.path(""));
  const auto outcome = intake.take({.query_key = kKey, .body = "{}"});
  REQUIRE(std::holds_alternative<IntakeRefusal>(outcome));
  CHECK(std::get<IntakeRefusal>(outcome).code == "project_rate_limited");
}

TEST_CASE("a laxer limit opens the door at once, and a key has a limit of its own") {
  Fixture fixture;
  fixture.set({.rate_limit_per_hour = 1});
  CHECK(fixture.code({.body = "{}"}).empty());
  CHECK(fixture.code({.body = "{}"}) == "project_rate_limited");
  fixture.set({.rate_limit_per_hour = 0});
  CHECK(fixture.code({.body = "{}"}).empty());
  fixture.key.rate_limit_per_hour = 2;
  REQUIRE(fixture.store->change_key(fixture.key.public_key, {fixture.key.is_active, fixture.key.rate_limit_per_hour}));
  fixture.intake->keep_house();
  CHECK(fixture.code({.body = "[{},{}]"}).empty());
  CHECK(fixture.code({.body = "{}"}) == "key_rate_limited");
}

TEST_CASE("what a key's limit refuses is not taken from the project's, and named as the key's") {
  Fixture fixture;
  fixture.set({.rate_limit_per_hour = 5});
  fixture.key.rate_limit_per_hour = 2;
  REQUIRE(fixture.store->change_key(fixture.key.public_key, {fixture.key.is_active, fixture.key.rate_limit_per_hour}));
  fixture.intake->keep_house();
  const auto partly = std::get<IntakeReceipt>(fixture.send({.body = "[{},{},{},{}]"}));
  CHECK(partly.accepted == 2);
  CHECK(partly.rejected.at(0).code == "key_rate_limited");
  CHECK(partly.rate_limits.ends_with("::key:key_quota"));
  const auto other = fixture.intake->take(
      {.query_key = std::string_view("ffffffffffffffffffffffffffffffff"), .body = "[{},{},{},{}]"});
  CHECK(std::get<IntakeReceipt>(other).accepted == 3);
}

TEST_CASE("what the spool does not take costs no quota") {
  Fixture fixture;
  fixture.set({.rate_limit_per_hour = 1});
  failing_syncs = 1;
  CHECK(fixture.code({.body = "{}"}) == "storage");
  CHECK(fixture.code({.body = "{}"}).empty());
}

TEST_CASE("a project's files of an hour have a limit in bytes") {
  Fixture fixture({.attachment_bytes_per_hour = 5});
  const IntakeRequest request{
      .door = Door::kEnvelope,
      .path_project = "1",
      .body = "{}\n{\"type\":\"event\"}\n{}\n{\"type\":\"attachment\"}\nabc\n{\"type\":\"attachment\"}\nabc\n"};
  const auto receipt = std::get<IntakeReceipt>(fixture.send(request));
  CHECK(receipt.accepted == 1);
  REQUIRE(receipt.rejected.size() == 1);
  CHECK(receipt.rejected[0].code == "attachments_rate_limited");
  CHECK(fixture.spool->counts().waiting_items == 1);
  fixture.clock.advance(std::chrono::hours(1));
  CHECK(std::get<IntakeReceipt>(fixture.send(request)).rejected.size() == 1);
}

TEST_CASE("sessions and files do not count as events, duplicates neither") {
  Fixture fixture;
  fixture.set({.rate_limit_per_hour = 2});
  const std::string id(32, 'e');
  const std::string event = "{\"event_id\":\"" + id + "\"}";
  CHECK(fixture.code({.body = event}).empty());
  CHECK(fixture.code({.body = event}).empty());
  CHECK(fixture
            .code({.door = Door::kEnvelope,
                   .path_project = "1",
                   .body = "{}\n{\"type\":\"session\"}\n{\"sid\":\"55555555555555555555555555555555\"}\n{\"type\":"
                           "\"attachment\"}\nx\n"})
            .empty());
  CHECK(fixture.code({.body = "{}"}).empty());
  CHECK(fixture.code({.body = "{}"}) == "project_rate_limited");
}

TEST_CASE("refusals are counted by reason, for the instance and for the project") {
  Fixture fixture;
  fixture.set({.rate_limit_per_hour = 1});
  CHECK(fixture.code({.body = "[{},{},7]"}).empty());
  CHECK(fixture.code({.body = "{}"}) == "project_rate_limited");
  CHECK(fixture.intake->counts().rejected.at("project_rate_limited") == 2);
  CHECK(fixture.intake->counts().rejected.at("invalid_event") == 1);
  fixture.intake->keep_house();
  const auto found = fixture.store->find_refusals(fixture.project, 0, kNow * 1000 + 1);
  REQUIRE(found->size() == 2);
  CHECK(found->at(0).reason == "invalid_event");
  CHECK(found->at(1).reason == "project_rate_limited");
  CHECK(found->at(1).count == 2);
}

TEST_CASE("what is refused before a key is looked at counts for the project that the request names") {
  Fixture fixture({.max_body_bytes = 50, .requests_per_minute_and_ip = 3});
  fixture.intake->keep_house();
  fixture.free_bytes = 0;
  fixture.code({.client_ip = "192.0.2.1", .body = "{}"});
  fixture.code({.client_ip = "192.0.2.1", .body = "[{},{}]"});
  fixture.code({.client_ip = "192.0.2.1", .body = "{}"});
  fixture.code({.client_ip = "192.0.2.1", .body = "{}"});
  fixture.code({.body = std::string_view("                                                             {}")});
  fixture.code({.door = Door::kEnvelope, .path_project = "77", .body = "{}\n"});
  static_cast<void>(
      fixture.intake->take({.door = Door::kEnvelope, .path_project = "1", .query_key = "x", .body = "{}"}));
  fixture.intake->count_refused({.query_key = kKey}, "busy");
  fixture.intake->keep_house();
  std::map<std::string, std::int64_t> counts;
  const auto found = fixture.store->find_refusals(fixture.project, 0, kNow * 1000 + 1);
  for (const RefusalCount& one : *found) counts[one.reason] += one.count;
  CHECK(counts == std::map<std::string, std::int64_t>{
                      {"body_too_large", 1}, {"busy", 1}, {"disk_full", 5}, {"ip_rate_limited", 1}});
}

TEST_CASE("of a request that was read and could not be kept, every event is counted") {
  Fixture fixture;
  failing_syncs = 1;
  CHECK(fixture.code({.body = "[{},{},{}]"}) == "storage");
  CHECK(fixture.intake->counts().rejected.at("storage") == 3);
}

TEST_CASE("the instance's ceiling and the one of an address answer before the key is looked at") {
  Fixture fixture({.requests_per_second = 3, .requests_per_minute_and_ip = 2});
  CHECK(fixture.code({.client_ip = "192.0.2.1", .body = "{}"}).empty());
  CHECK(fixture.code({.client_ip = "192.0.2.1", .body = "{}"}).empty());
  const auto by_address = std::get<IntakeRefusal>(fixture.send({.client_ip = "192.0.2.1", .body = "{}"}));
  CHECK(by_address.code == "ip_rate_limited");
  CHECK(by_address.http_status == 429);
  CHECK(by_address.retry_after_seconds == 30);
  CHECK(by_address.rate_limits == "30::organization:ip_rate_limited");
  CHECK(fixture.code({.client_ip = "192.0.2.2", .body = "{}"}) == "instance_rate_limited");
  fixture.clock.advance(std::chrono::seconds(1));
  CHECK(fixture.code({.client_ip = "192.0.2.2", .body = "{}"}).empty());
}

TEST_CASE("a full disk answers 503 with Retry-After before the body is looked at") {
  Fixture fixture;
  fixture.free_bytes = 0;
  const auto refusal = std::get<IntakeRefusal>(fixture.send({.content_encoding = "gzip", .body = "no gzip at all"}));
  CHECK(refusal.code == "disk_full");
  CHECK(refusal.http_status == 503);
  CHECK(refusal.retry_after_seconds > 0);
}

TEST_CASE("buckets forget those who are quiet, and are bounded") {
  ManualClock clock(0);
  TokenBuckets buckets(1, clock);
  for (int number = 0; number < 120'000; ++number) CHECK(buckets.take(std::to_string(number)) == 0);
  CHECK(buckets.take("119999") > 0);
}

TEST_CASE("an hour's window counts every minute once, also after days of silence") {
  HourWindow window;
  CHECK(window.take(5, 5, 1'000) == 5);
  CHECK(window.take(1, 5, 1'059) == 0);
  CHECK(window.take(9, 5, 1'060) == 5);
  CHECK(window.take(9, 5, 100'000) == 5);
  CHECK(window.seconds_until_open(6, 100'000 * 60) == 0);
  CHECK(window.seconds_until_open(5, 100'000 * 60) == 3'600);
}

TEST_CASE("a gzip bomb ends at once and within the limit") {
  Fixture fixture;
  const std::string bomb = trapline::core::gzip(std::string(std::size_t{150} << 20, '\0'), 1);
  const auto start = std::chrono::steady_clock::now();
  CHECK(fixture.code({.content_encoding = "gzip", .body = bomb}) == "inflated_too_large");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}
