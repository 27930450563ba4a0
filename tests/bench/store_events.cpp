#include "tests/bench/store_events.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "tests/bench/load_events.h"

namespace trapline::bench {
namespace {

using namespace trapline::collector;

constexpr std::size_t kPayloads = 1'500;
constexpr std::size_t kUsers = 200'000;
constexpr std::size_t kWords = 6'000;
constexpr std::int64_t kDay = 86'400'000;

constexpr std::array kBrowsers = {"Chrome", "Firefox", "Safari", "Edge"};
constexpr std::array kSystems = {"Windows", "macOS", "Linux", "Android", "iOS"};
constexpr std::array kPlans = {"free", "team", "business"};
constexpr std::array kRegions = {"eu-west", "eu-north", "us-east", "us-west", "ap-south", "sa-east"};
constexpr std::array kTypes = {"TypeError", "ValueError", "KeyError", "TimeoutError", "ConnectionError", "RangeError"};
constexpr std::array kEnvironments = {"production", "production", "production", "staging", "dev"};

/// The same for an issue each time.
std::uint64_t trait(std::size_t issue, std::uint64_t which) {
  return Dice((issue + 1) * 0x9E3779B97F4A7C15ULL + which).next();
}

}  // namespace

std::uint64_t Dice::next() {
  state_ ^= state_ >> 12U;
  state_ ^= state_ << 25U;
  state_ ^= state_ >> 27U;
  return state_ * 2685821657736338717ULL;
}

std::string StoreEvents::word(std::size_t number) {
  static constexpr std::array kSyllables = {"ba", "ce", "di", "fo", "gu", "ka",  "le",  "mi",  "no",  "pu",
                                            "ra", "se", "ti", "vo", "zu", "sha", "tre", "qui", "lon", "mar"};
  std::string word;
  for (std::size_t rest = number + 400; rest > 0; rest /= kSyllables.size())
    word += kSyllables[rest % kSyllables.size()];
  return word;
}

/// A new one each twelve hours.
std::string StoreEvents::release_at(std::int64_t received_at) {
  const std::int64_t number = received_at / (kDay / 2) % 1'000;
  return "shop@2." + std::to_string(number / 10) + "." + std::to_string(number % 10);
}

StoreEvents::StoreEvents(Store& store, std::size_t issues, std::uint64_t seed) : dice_(seed) {
  double sum = 0;
  for (std::size_t rank = 0; rank < issues; ++rank) {
    sum += 1.0 / static_cast<double>(rank + 20);
    shares_.push_back(sum);
  }
  pack_payloads(store);
}

/// The first are stored as they are, so that the store has learned its dictionary from them when the others are packed.
void StoreEvents::pack_payloads(Store& store) {
  const LoadEvents load;
  constexpr std::int64_t kLongAgo = 1'700'000'000'000;
  for (std::size_t number = 0; number < 2 * kPayloads; ++number) {
    DigestedEvent event;
    event.project_id = 1;
    event.payload = load.event(number, kLongAgo);
    event.event_id = event.payload.substr(13, 32);
    event.received_at = event.timestamp = event.first_possible_receipt = kLongAgo;
    event.fingerprint = std::string(32, '0');
    event.title = "what the dictionary is learned from";
    if (number < kPayloads) {
      if (!store.append({&event, 1})) std::abort();
      continue;
    }
    if (!store.pack(event)) std::abort();
    packed_.push_back(event.packed);
  }
}

std::size_t StoreEvents::pick_issue() {
  const double point = dice_.share() * shares_.back();
  return static_cast<std::size_t>(std::lower_bound(shares_.begin(), shares_.end(), point) - shares_.begin());
}

DigestedEvent StoreEvents::event(std::int64_t received_at) {
  DigestedEvent event;
  char id[33];
  std::snprintf(id, sizeof id, "%016llx%016llx", static_cast<unsigned long long>(dice_.next()),
                static_cast<unsigned long long>(dice_.next()));
  event.event_id = id;
  event.received_at = received_at;
  event.timestamp = received_at - static_cast<std::int64_t>(dice_.below(2'000));
  event.first_possible_receipt = event.timestamp;
  event.environment = kEnvironments[dice_.below(kEnvironments.size())];
  event.release = release_at(received_at);
  event.server_name = "web-" + std::to_string(dice_.below(20));
  event.packed = packed_[dice_.below(packed_.size())];
  describe(event, pick_issue());
  event.context_tags = {
      {"browser", std::string(kBrowsers[dice_.below(kBrowsers.size())]) + ' ' + std::to_string(100 + dice_.below(8))},
      {"os", kSystems[dice_.below(kSystems.size())]}};
  event.tags = {{"plan", kPlans[dice_.below(kPlans.size())]},
                {"region", kRegions[dice_.below(kRegions.size())]},
                {"shard", std::to_string(dice_.below(1'000))}};
  add_user(event);
  return event;
}

void StoreEvents::describe(DigestedEvent& event, std::size_t issue) {
  event.project_id = static_cast<ProjectId>(1 + issue % kBenchProjects);
  event.level = issue % 10 == 0 ? Level::kWarning : issue % 33 == 0 ? Level::kFatal : Level::kError;
  event.platform = issue % 2 == 0 ? "javascript" : "python";
  event.type = kTypes[trait(issue, 1) % kTypes.size()];
  event.culprit = word(trait(issue, 2) % kWords) + "." + word(trait(issue, 3) % kWords);
  event.transaction = "/" + word(trait(issue, 2) % 300) + "/{id}";
  for (std::uint64_t place = 0; place < 6; ++place) {
    event.value += (place == 0 ? "" : " ") + word(trait(issue, 10 + place) % kWords);
  }
  event.title = event.type + ": " + event.value;
  char fingerprint[33];
  std::snprintf(fingerprint, sizeof fingerprint, "%016llx%016llx", static_cast<unsigned long long>(trait(issue, 4)),
                static_cast<unsigned long long>(trait(issue, 5)));
  event.fingerprint = fingerprint;
  event.texts = {event.title, event.culprit + " of number " + std::to_string(dice_.below(50))};
  event.trail_texts = {"clicked " + word(dice_.below(kWords)), "GET /" + word(dice_.below(300))};
}

void StoreEvents::add_user(DigestedEvent& event) {
  const std::string number = std::to_string(std::min(dice_.below(kUsers), dice_.below(kUsers)));
  event.user = "id:" + number;
  event.user_identity = std::to_string(event.project_id) + event.user;
  event.user_fields = {{UserField::kId, number}, {UserField::kEmail, "user" + number + "@example.com"}};
}

}  // namespace trapline::bench
