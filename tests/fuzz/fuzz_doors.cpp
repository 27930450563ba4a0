/// What strangers send to the security and minidump doors, as envelopes and as batches, and in a signature's header, is
/// read or refused; what is taken lies in the body, and a request that was taken reads the same again from its record
/// in the spool.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "collector/ingest/item_reader.h"
#include "collector/ingest/request_parts.h"
#include "collector/ingest/signature.h"
#include "collector/ingest/spooled_request.h"

namespace {

using namespace trapline::collector;

void read_and_store(Door door, const char* content_type, std::string_view body) {
  SpooledRequest request;
  request.form = {.door = door, .content_type = content_type};
  request.body_hash = std::string(16, 'x');
  auto parts = read_parts(request.form, body, {});
  if (!parts) return;
  request.parts = std::move(parts->parts);
  std::string record;
  encode_request(request, body, record);
  const auto again = decode_request(record);
  if (!again || again->parts.size() != request.parts.size()) std::abort();
  for (std::size_t index = 0; index < request.parts.size(); ++index) {
    // Events that are made of a request get ids that are made up; the spool keeps those.
    if (again->parts[index].event_id != request.parts[index].event_id) std::abort();
    if (again->parts[index].payload != request.parts[index].payload) std::abort();
  }
  for (SpooledItem& item : split_request(std::move(request), 1).items) static_cast<void>(read_item(std::move(item)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      read_and_store(Door::kSecurity, "", body);
      break;
    case 1:
      read_and_store(Door::kMinidump, "multipart/form-data; boundary=b", body);
      break;
    case 2:
      read_and_store(Door::kEnvelope, "", body);
      break;
    case 3:
      static_cast<void>(decode_request(body));
      break;
    default:
      read_and_store(Door::kEvents, "application/x-ndjson", body);
      if (const auto signature = parse_signature(body); signature && is_signed_with(*signature, "secret", body)) {
        std::abort();
      }
  }
  return 0;
}
