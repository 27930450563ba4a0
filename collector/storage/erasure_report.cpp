#include "collector/storage/erasure_report.h"

#include <array>
#include <set>
#include <span>

#include <nlohmann/json.hpp>
#include <sodium.h>

#include "sdk/core/ascii.h"
#include "sdk/core/hex.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

/// So that no signature of something else by the same key passes for a report's.
constexpr std::string_view kSignedBefore = "trapline erasure report 1\n";
constexpr std::string_view kHashedBefore = "trapline erased user 1";

using PublicKey = std::array<unsigned char, crypto_sign_PUBLICKEYBYTES>;
using SecretKey = std::array<unsigned char, crypto_sign_SECRETKEYBYTES>;
using Signature = std::array<unsigned char, crypto_sign_BYTES>;

struct KeyPair {
  PublicKey public_key{};
  SecretKey secret_key{};
  explicit KeyPair(std::string_view seed) {
    crypto_sign_seed_keypair(public_key.data(), secret_key.data(), reinterpret_cast<const unsigned char*>(seed.data()));
  }
  ~KeyPair() { sodium_memzero(secret_key.data(), secret_key.size()); }
  KeyPair(const KeyPair&) = delete;
  KeyPair& operator=(const KeyPair&) = delete;
};

std::string hex_of(std::span<const unsigned char> bytes) { return core::to_hex(std::as_bytes(bytes)); }

template <std::size_t kSize>
bool read_hex(std::string_view text, std::array<unsigned char, kSize>& bytes) {
  std::size_t size = 0;
  return text.size() == 2 * kSize &&
         sodium_hex2bin(bytes.data(), kSize, text.data(), text.size(), nullptr, &size, nullptr) == 0 && size == kSize;
}

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

json to_json(const ErasedCounts& counts) {
  return {{"events", counts.events},
          {"attachments", counts.attachments},
          {"feedback", counts.feedback},
          {"sessions", counts.sessions},
          {"quarantined_events", counts.quarantined},
          {"search_names", counts.names},
          {"issues_touched", counts.issues},
          {"issues_deleted", counts.issues_deleted},
          {"archived_events", counts.archived}};
}

json report_of(const ErasureFacts& facts, std::string_view seed) {
  json user = json::array();
  for (const auto& value : facts.user.values) {
    const std::string text = user_value_text(value);
    user.push_back({{"kind", text.substr(0, text.find(':'))}, {"hash", report_user_hash(value, seed)}});
  }
  json projects = json::array();
  ErasedCounts total;
  for (const auto& [project, counts] : facts.counts) {
    if (counts == ErasedCounts{}) continue;
    json one = to_json(counts);
    one["project_id"] = std::to_string(project);
    const auto name = facts.project_names.find(project);
    one["project"] = name == facts.project_names.end() ? json(nullptr) : json(name->second);
    projects.push_back(std::move(one));
    total += counts;
  }
  return {{"version", 1},
          {"kind", "erasure"},
          {"started_at", core::format_timestamp(facts.started_at)},
          {"finished_at", core::format_timestamp(facts.finished_at)},
          {"requested_by", facts.requested_by},
          {"project_id", facts.user.project ? json(std::to_string(*facts.user.project)) : json(nullptr)},
          {"user", std::move(user)},
          {"projects", std::move(projects)},
          {"total", to_json(total)},
          {"unreadable_events", facts.unreadable},
          {"not_looked_at", facts.not_looked_at}};
}

/// Of a name that stands twice in an object, readers take one or the other: such a report is none.
json parse_once(std::string_view text) {
  std::vector<std::set<std::string>> names;
  bool is_twice = false;
  json parsed = json::parse(
      text,
      [&](int /*depth*/, json::parse_event_t event, json& value) {
        if (event == json::parse_event_t::object_start) names.emplace_back();
        if (event == json::parse_event_t::object_end) names.pop_back();
        if (event == json::parse_event_t::key) {
          is_twice = is_twice || !names.back().insert(value.get<std::string>()).second;
        }
        return true;
      },
      false);
  return is_twice ? json() : parsed;
}

std::string text_member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string report_public_key(std::string_view seed) { return hex_of(KeyPair(seed).public_key); }

std::string report_user_hash(const std::pair<UserField, std::string>& value, std::string_view seed) {
  std::string text = user_value_text(value);
  if (value.first == UserField::kEmail) text = core::to_lower(text);
  std::array<unsigned char, crypto_generichash_KEYBYTES> key{};
  crypto_generichash(key.data(), key.size(), reinterpret_cast<const unsigned char*>(kHashedBefore.data()),
                     kHashedBefore.size(), reinterpret_cast<const unsigned char*>(seed.data()), seed.size());
  std::array<unsigned char, crypto_generichash_BYTES> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     key.data(), key.size());
  return hex_of(hash);
}

std::string make_erasure_report(const ErasureFacts& facts, std::string_view seed) {
  const KeyPair keys(seed);
  // As whoever checks it will read it.
  const json report = json::parse(dump(report_of(facts, seed)));
  const std::string text = std::string(kSignedBefore) + dump(report);
  Signature signature{};
  crypto_sign_detached(signature.data(), nullptr, reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                       keys.secret_key.data());
  const json file = {{"report", report}, {"public_key", hex_of(keys.public_key)}, {"signature", hex_of(signature)}};
  return file.dump(2) + "\n";
}

core::Result<std::string> verify_erasure_report(std::string_view text, std::string_view public_key) {
  PublicKey key{};
  if (!read_hex(public_key, key)) {
    return core::Error{"malformed", "a public key has 64 hex digits: trapline-collector report-key prints it"};
  }
  const json file = parse_once(text);
  const bool has_report = file.is_object() && file.contains("report") && file["report"].is_object();
  Signature signature{};
  if (!has_report || !read_hex(text_member(file, "signature"), signature)) {
    return core::Error{"malformed",
                       "this is no report of an erasure: a JSON object with \"report\", \"public_key\" "
                       "and \"signature\", each name once"};
  }
  const std::string own_key = text_member(file, "public_key");
  if (core::to_lower(own_key) != core::to_lower(public_key)) {
    return core::Error{"other_key", "the report says that it was signed with the key " + own_key.substr(0, 80) +
                                        ", which is not the one to trust, " + std::string(public_key)};
  }
  const std::string report = dump(file["report"]);
  const std::string signed_text = std::string(kSignedBefore) + report;
  if (crypto_sign_verify_detached(signature.data(), reinterpret_cast<const unsigned char*>(signed_text.data()),
                                  signed_text.size(), key.data()) != 0) {
    return core::Error{"forged", "the report is not what was signed: somebody has changed it, or its signature"};
  }
  return report;
}

}  // namespace trapline::collector
