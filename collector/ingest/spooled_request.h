#pragma once

/// What the spool keeps of a request: the body as it was sent, mostly compressed, and beside it what has to be known
/// to take it apart again. A batch of 100 events of 10 KB is 180 KB here instead of 1 MB, for no work at all.

#include <string>
#include <string_view>
#include <vector>

#include "collector/digest/event_source.h"
#include "collector/ingest/request_parts.h"

namespace trapline::collector {

/// An accepted item that is no event, not yet stored.
struct SpooledItem {
  std::int64_t sequence = 0;
  ProjectId project_id = 0;
  std::string item_id;  ///< 32 hex digits, made of what the item is: the same when it is read or sent again
  UnixMillis received_at = 0;
  UnixMillis sent_at = 0;  ///< by the sender's clock; 0: it did not say
  RequestPart part;
};

/// An accepted request: where it came from and which of its parts were taken.
struct SpooledRequest {
  RequestForm form;
  ProjectId project_id = 0;
  UnixMillis received_at = 0;
  UnixMillis sent_at = 0;  ///< as in RequestParts; stands in the body, not beside it
  std::string body_hash;   ///< hash_of() the body as sent, when it has items without an id: tells those apart
  std::string client_ip;   ///< the last three as in SpooledEvent
  std::string user_agent;
  std::string client;
  std::vector<RequestPart> parts;
};

/// The request's parts as the spool hands them out, numbered from `first_sequence`: the events first, then the items.
struct SpooledParts {
  std::vector<SpooledEvent> events;
  std::vector<SpooledItem> items;
};
SpooledParts split_request(SpooledRequest request, std::int64_t first_sequence);

/// 16 bytes that tell these bytes from all others (BLAKE2b).
std::string hash_of(std::string_view bytes);

/// Appends a record's body to `record`: the facts and `body`, which is the request's body as sent.
void encode_request(const SpooledRequest& request, std::string_view body, std::string& record);
/// How many bytes that will be, about.
std::size_t encoded_size(const SpooledRequest& request, std::string_view body);

/// The request again. Parts keep the ids they were given. Error: "damaged" when these are not the bytes of a record, or
/// the body gives other parts than are named beside it.
core::Result<SpooledRequest> decode_request(std::string_view record);

}  // namespace trapline::collector
