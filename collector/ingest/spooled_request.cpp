#include "collector/ingest/spooled_request.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include <sodium.h>

#include "sdk/core/hex.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;

constexpr std::uint8_t kVersion = 2;
constexpr std::size_t kHashBytes = 16;
/// Beside a part's kind: an event that needs no second check.
constexpr std::uint8_t kAsSent = 0x80;
/// Headers are copied into every event of a request: longer ones tell nothing more.
constexpr std::size_t kLongestText = 512;

template <class Number>
void put(std::string& bytes, Number number) {
  static_assert(std::is_integral_v<Number>);
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void put_text(std::string& bytes, std::string_view text) {
  text = text.substr(0, kLongestText);
  put(bytes, static_cast<std::uint16_t>(text.size()));
  bytes.append(text);
}

/// Reads what put() wrote; `is_whole` turns false when the bytes end too early.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <class Number>
  Number number() {
    Number value{};
    const std::string_view bytes = take(sizeof value);
    if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  std::string text() { return std::string(take(number<std::uint16_t>())); }
  std::string_view take(std::size_t count) {
    if (count > rest_.size()) {
      is_whole_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  [[nodiscard]] bool is_whole() const { return is_whole_; }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool is_whole_ = true;
};

Error damaged(std::string_view what) { return {"damaged", "a request in the spool " + std::string(what)}; }

/// The limits of the day it was accepted on do not matter any more.
IntakeLimits no_limits() {
  IntakeLimits limits;
  limits.max_body_bytes = limits.max_inflated_bytes = limits.max_event_bytes = limits.max_events =
      limits.max_attachment_bytes = limits.max_attachments_bytes = std::numeric_limits<std::size_t>::max() / 2;
  return limits;
}

/// A client that got no answer sends its request again, and that must be the same item: by the id it has or its
/// envelope has, else by the whole request.
std::string item_id(const SpooledRequest& request, const RequestPart& part) {
  std::string facts;
  put(facts, request.project_id);
  put(facts, static_cast<std::uint8_t>(part.kind));
  put(facts, part.index);
  put_text(facts, part.event_id.empty() ? request.body_hash : part.event_id);
  put_text(facts, part.filename);
  facts += hash_of(part.payload);
  const std::string hash = hash_of(facts);
  return core::to_hex(std::as_bytes(std::span(hash)));
}

}  // namespace

std::string hash_of(std::string_view bytes) {
  std::string hash(kHashBytes, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr, 0);
  return hash;
}

SpooledParts split_request(SpooledRequest request, std::int64_t first_sequence) {
  SpooledParts split;
  std::int64_t sequence = first_sequence;
  for (RequestPart& part : request.parts) {
    if (part.kind != ItemKind::kEvent) continue;
    SpooledEvent& event = split.events.emplace_back();
    event.sequence = sequence++;
    event.project_id = request.project_id;
    event.event_id = std::move(part.event_id);
    event.received_at = request.received_at;
    event.sent_at = request.sent_at;
    event.payload = std::move(part.payload);
    event.client_ip = request.client_ip;
    event.user_agent = request.user_agent;
    event.client = request.client;
  }
  for (RequestPart& part : request.parts) {
    if (part.kind == ItemKind::kEvent) continue;
    SpooledItem& item = split.items.emplace_back();
    item.sequence = sequence++;
    item.project_id = request.project_id;
    item.item_id = item_id(request, part);
    item.received_at = request.received_at;
    item.sent_at = request.sent_at;
    item.part = std::move(part);
  }
  return split;
}

std::size_t encoded_size(const SpooledRequest& request, std::string_view body) {
  constexpr std::size_t kFacts = 1024;
  constexpr std::size_t kPerPart = 40;
  return kFacts + request.parts.size() * kPerPart + body.size();
}

void encode_request(const SpooledRequest& request, std::string_view body, std::string& record) {
  put(record, kVersion);
  put(record, static_cast<std::uint8_t>(request.form.door));
  put(record, request.project_id);
  put(record, request.received_at);
  put_text(record, request.body_hash);
  for (const std::string* text : {&request.form.content_type, &request.form.content_encoding, &request.form.environment,
                                  &request.form.release, &request.client_ip, &request.user_agent, &request.client}) {
    put_text(record, *text);
  }
  put(record, static_cast<std::uint32_t>(request.parts.size()));
  for (const RequestPart& part : request.parts) {
    put(record, static_cast<std::uint8_t>(static_cast<std::uint8_t>(part.kind) | (part.is_as_sent ? kAsSent : 0)));
    put(record, part.index);
    put_text(record, part.event_id);
  }
  record.append(body);
}

Result<SpooledRequest> decode_request(std::string_view record) {
  Reader reader(record);
  if (reader.number<std::uint8_t>() != kVersion) return damaged("is of an unknown version");
  SpooledRequest request;
  request.form.door = static_cast<Door>(reader.number<std::uint8_t>());
  request.project_id = reader.number<ProjectId>();
  request.received_at = reader.number<UnixMillis>();
  request.body_hash = reader.text();
  for (std::string* text : {&request.form.content_type, &request.form.content_encoding, &request.form.environment,
                            &request.form.release, &request.client_ip, &request.user_agent, &request.client}) {
    *text = reader.text();
  }
  const auto count = reader.number<std::uint32_t>();
  std::vector<RequestPart> accepted;
  std::vector<std::uint32_t> as_sent;
  for (std::uint32_t number = 0; number < count && reader.is_whole(); ++number) {
    RequestPart& part = accepted.emplace_back();
    const auto kind = reader.number<std::uint8_t>();
    part.kind = static_cast<ItemKind>(kind & ~kAsSent);
    part.index = reader.number<std::uint32_t>();
    if ((kind & kAsSent) != 0) as_sent.push_back(part.index);
    part.event_id = reader.text();
  }
  if (!reader.is_whole()) return damaged("ends too early");
  auto read = read_parts(request.form, reader.rest(), no_limits(), as_sent);
  if (!read) return damaged("cannot be read any more: " + read.error().message);
  request.sent_at = read->sent_at;
  auto found = read->parts.begin();
  for (RequestPart& part : accepted) {
    // Both lists are in the request's order.
    found = std::find_if(found, read->parts.end(), [&](const RequestPart& one) { return one.index == part.index; });
    if (found == read->parts.end() || found->kind != part.kind) return damaged("gives other parts than it had");
    found->event_id = std::move(part.event_id);
    request.parts.push_back(std::move(*found));
  }
  return request;
}

}  // namespace trapline::collector
