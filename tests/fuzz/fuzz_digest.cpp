/// Whatever JSON object an event is, it is understood, titled and given a group, the same one each time.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collector/digest/event_reader.h"
#include "collector/digest/grouping/fingerprint.h"
#include "collector/digest/grouping/function_name.h"
#include "collector/digest/grouping/message_template.h"
#include "collector/ingest/event_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trapline::collector;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (normalise_function_name(text).size() > 4 * size + 64) std::abort();
  message_template(text);
  const auto checked = check_event(text, 1 << 20);
  if (!checked) return 0;
  SpooledEvent event;
  event.event_id = "1fd941f72cb7453e8d29c2990c2422b4";
  event.received_at = 1795223297698;
  event.payload = checked->json;
  const std::string first = fingerprint_of(read_event(event));
  const ReadEvent read = read_event(event);
  if (fingerprint_of(read) != first || first.size() != 32 || read.record.title.empty()) std::abort();
  return 0;
}
