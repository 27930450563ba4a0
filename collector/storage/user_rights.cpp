#include "collector/storage/user_rights.h"

#include <algorithm>
#include <array>

#include <arpa/inet.h>

#include "sdk/core/ascii.h"
#include "sdk/core/utf8.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kLongestUserValue = 1'000;

struct FieldWord {
  UserField field;
  std::string_view word;
};
constexpr FieldWord kFieldWords[] = {{UserField::kId, "id"},
                                     {UserField::kEmail, "email"},
                                     {UserField::kUsername, "username"},
                                     {UserField::kIpAddress, "ip"}};

bool is_same_address(std::string_view one, std::string_view other) {
  const auto equals = [](char a, char b) { return core::to_lower(a) == core::to_lower(b); };
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), equals);
}

/// The address's 16 bytes, an IPv4 one as IPv6 maps it; empty: it is none.
std::string ip_bytes(std::string_view text) {
  const std::string name(text);
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1) return {bytes.begin(), bytes.end()};
  bytes[10] = bytes[11] = static_cast<char>(0xFF);
  if (inet_pton(AF_INET, name.c_str(), bytes.data() + 12) == 1) return {bytes.begin(), bytes.end()};
  return {};
}

// That clients leave around an address.
constexpr std::string_view kBlanks = " \t\r\n";

bool is_same(UserField field, std::string_view one, std::string_view other) {
  if (one == other) return true;
  if (field == UserField::kEmail) return is_same_address(core::trim(one, kBlanks), core::trim(other, kBlanks));
  if (field != UserField::kIpAddress) return false;
  const std::string bytes = ip_bytes(one);
  return !bytes.empty() && bytes == ip_bytes(other);
}

constexpr std::pair<std::string_view, UserField> kUserTags[] = {{"user.id", UserField::kId},
                                                                {"user.email", UserField::kEmail},
                                                                {"user.username", UserField::kUsername},
                                                                {"user.ip", UserField::kIpAddress},
                                                                {"user.ip_address", UserField::kIpAddress}};

bool has_tag_of(const UserSelector& user, const DigestedEvent& event) {
  return std::any_of(event.tags.begin(), event.tags.end(), [&](const auto& tag) {
    return std::any_of(std::begin(kUserTags), std::end(kUserTags), [&](const auto& known) {
      return known.first == tag.first && user.matches(known.second, tag.second);
    });
  });
}

}  // namespace

bool UserSelector::matches(UserField field, std::string_view value) const {
  return std::any_of(values.begin(), values.end(),
                     [&](const auto& one) { return one.first == field && is_same(field, one.second, value); });
}

bool UserSelector::matches_any(const UserFields& fields) const {
  return std::any_of(fields.begin(), fields.end(), [&](const auto& one) { return matches(one.first, one.second); });
}

bool UserSelector::matches_key(std::string_view key) const {
  const std::size_t colon = key.find(':');
  if (colon == std::string_view::npos) return false;
  for (const FieldWord& one : kFieldWords) {
    if (one.word == key.substr(0, colon)) return matches(one.field, key.substr(colon + 1));
  }
  return false;
}

bool UserSelector::matches_text(std::string_view text) const {
  if (text.empty()) return false;
  return std::any_of(values.begin(), values.end(),
                     [&](const auto& one) { return is_same(one.first, one.second, text); });
}

bool tells_of(const UserSelector& user, const PayloadReader& reader, const DigestedEvent& event) {
  return user.matches_key(event.user) || has_tag_of(user, event) || user.matches_any(reader.read_user(event.payload));
}

core::Result<std::pair<UserField, std::string>> parse_user_value(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    constexpr std::size_t kMostShown = 80;
    return core::Error{"invalid_user",
                       "a user is named as id:42, email:ada@example.com, username:ada or "
                       "ip:192.0.2.7; '" +
                           std::string(core::truncate_utf8(text, kMostShown)) + "' " + std::string(why)};
  };
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return refuse("does not say which of these it is");
  const std::string_view word = text.substr(0, colon);
  const std::string_view value = text.substr(colon + 1);
  const auto* found = std::find_if(std::begin(kFieldWords), std::end(kFieldWords),
                                   [&](const FieldWord& one) { return one.word == word; });
  if (found == std::end(kFieldWords)) return refuse("is none of these");
  if (value.empty()) return refuse("has no value");
  if (value.size() > kLongestUserValue) return refuse("is longer than 1000 bytes");
  if (found->field == UserField::kIpAddress && ip_bytes(value).empty()) return refuse("is no IP address");
  if (found->field == UserField::kEmail && value.find('@') == std::string_view::npos) {
    return refuse("is no e-mail address");
  }
  return std::pair(found->field, std::string(value));
}

std::string user_value_text(const std::pair<UserField, std::string>& value) {
  for (const FieldWord& one : kFieldWords) {
    if (one.field == value.first) return std::string(one.word) + ":" + value.second;
  }
  return value.second;
}

ErasedCounts& operator+=(ErasedCounts& sum, const ErasedCounts& more) {
  sum.events += more.events;
  sum.attachments += more.attachments;
  sum.feedback += more.feedback;
  sum.sessions += more.sessions;
  sum.quarantined += more.quarantined;
  sum.names += more.names;
  sum.issues += more.issues;
  sum.issues_deleted += more.issues_deleted;
  sum.archived += more.archived;
  return sum;
}

}  // namespace trapline::collector
