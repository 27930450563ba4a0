#include "sdk/client/policy.h"

#include <string>

#include <doctest/doctest.h>
#include <trapline/trapline.h>

using namespace trapline::sdk;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

Policy make_policy(const PolicyOptions& options, const Hooks& hooks = {}) { return {options, hooks}; }

SamplingQuestion question(std::string_view message = "m", std::string_view type = "E") {
  return {TRAPLINE_LEVEL_ERROR, type, message};
}

}  // namespace

TEST_CASE("patterns with stars match as a whole, in bounded time") {
  CHECK(matches_pattern("shop::*", "shop::OrderError"));
  CHECK(matches_pattern("*Error", "shop::OrderError"));
  CHECK(matches_pattern("*order*gone*", "the order 7 is gone now"));
  CHECK(matches_pattern("*", ""));
  CHECK(matches_pattern("exact", "exact"));
  CHECK_FALSE(matches_pattern("exact", "exactly"));
  CHECK_FALSE(matches_pattern("shop::*Error", "shop::OrderErrors"));
  std::string stars;
  for (int star = 0; star < 1'000; ++star) stars += "*a";
  CHECK_FALSE(matches_pattern(stars + "b", std::string(5'000, 'a')));
}

TEST_CASE("ignore lists look at the type, the message, and both together") {
  Policy policy = make_policy({.ignored = {"shop::Expected*", "*timed out*", "E: exact"}});
  CHECK(policy.judge(question("x", "shop::ExpectedError"), "shop::ExpectedError") == Fate::kFiltered);
  CHECK(policy.judge(question("it timed out again"), "E") == Fate::kFiltered);
  CHECK(policy.judge(question("exact"), "E") == Fate::kFiltered);
  CHECK_FALSE(policy.judge(question("other"), "E"));
}

TEST_CASE("sampling keeps all, none, or its part; a sampler decides for each event") {
  CHECK_FALSE(make_policy({}).judge(question(), "E"));
  CHECK(make_policy({.sample_rate = 0}).judge(question(), "E") == Fate::kSampled);
  Policy half = make_policy({.sample_rate = 0.5});
  int kept = 0;
  for (int number = 0; number < 10'000; ++number) kept += half.judge(question(), "E") ? 0 : 1;
  CHECK(kept > 4'500);
  CHECK(kept < 5'500);
  Policy by_type =
      make_policy({}, {.sample = [](const SamplingQuestion& asked) { return asked.type == "Rare" ? 1.0 : 0.0; }});
  CHECK_FALSE(by_type.judge(question("m", "Rare"), "Rare"));
  CHECK(by_type.judge(question(), "E") == Fate::kSampled);
}

TEST_CASE("a sampler that throws drops nothing") {
  Policy policy = make_policy({}, {.sample = [](const SamplingQuestion&) -> double { throw 1; }});
  CHECK_FALSE(policy.judge(question(), "E"));
}

TEST_CASE("the bucket lets a burst through, then as many as flow in") {
  TokenBucket bucket(10, 5);
  std::int64_t now = 100 * kSecond;
  for (int number = 0; number < 5; ++number) CHECK(bucket.take(now));
  CHECK_FALSE(bucket.take(now));
  now += kSecond / 10;
  CHECK(bucket.take(now));
  CHECK_FALSE(bucket.take(now));
  now += 100 * kSecond;
  for (int number = 0; number < 5; ++number) CHECK(bucket.take(now));
  CHECK_FALSE(bucket.take(now));
  TokenBucket unlimited(0, 0);
  for (int number = 0; number < 10'000; ++number) REQUIRE(unlimited.take(now));
}

TEST_CASE("of identical errors the first of a minute are kept, and a part of the others") {
  IdenticalSampler sampler(3, 0.25);
  for (int number = 0; number < 3; ++number) CHECK(sampler.keeps(7, 0, 0.99));
  CHECK_FALSE(sampler.keeps(7, 0, 0.25));
  CHECK(sampler.keeps(7, 0, 0.24));
  CHECK(sampler.keeps(8, 0, 0.99));
  CHECK(sampler.keeps(7, 60 * kSecond, 0.99));
}
