#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/client/event_decoder.h"
#include "sdk/client/options.h"
#include "sdk/core/scrubber.h"
#include "sdk/delivery/event_buffer.h"
#include "sdk/stack/readable_stack.h"

namespace trapline::sdk {

/// Makes of a recorded event what is kept and sent: names for its stack, before_send, JSON, no private data. On the
/// worker thread. Not thread-safe.
class EventRenderer {
 public:
  EventRenderer(const core::Scrubber& scrubber, const Hooks& hooks) : scrubber_(scrubber), hooks_(hooks) {}

  struct Rendered {
    std::vector<NewItem> items;         ///< the event first, then its attachments
    std::optional<Fate> fate;           ///< why there is no event
    std::vector<std::string> problems;  ///< sentences for the debug mode
  };
  Rendered render(std::string_view payload, const core::ProcessFacts& facts, StackReader& stacks);
  /// The same of an event that was read already. Not `uses_hook`: before_send is not asked.
  Rendered render(DecodedEvent& decoded, const core::ProcessFacts& facts, StackReader& stacks, bool uses_hook = true);

 private:
  std::optional<std::string> apply_hook(std::string json, std::vector<std::string>& problems) const;
  static void add_attachment(const DecodedAttachment& attachment, const std::string& event_id, Rendered& rendered);

  const core::Scrubber& scrubber_;
  const Hooks& hooks_;
};

}  // namespace trapline::sdk
