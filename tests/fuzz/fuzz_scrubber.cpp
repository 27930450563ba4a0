/// Any text is scrubbed or refused; what comes out is JSON when what went in was, and scrubbing it again changes
/// nothing that matters: no finding is left in it.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "sdk/core/json_text.h"
#include "sdk/core/scrubber.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto kCreated = trapline::core::Scrubber::create(
      {.rules = {}, .further_keys = {}, .allowed_keys = {}, .patterns = {{"order", "order-[0-9]+"}}});
  const trapline::core::Scrubber& scrubber = *kCreated;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto scrubbed = scrubber.scrub_event(text);
  const bool was_json = nlohmann::json::accept(text);
  if (was_json && text.size() < 10'000 && scrubbed && !nlohmann::json::accept(*scrubbed)) std::abort();

  // Any text as a string of an event.
  std::string event = R"({"message":")";
  trapline::core::append_json_escaped(event, text);
  event += R"("})";
  const auto message = scrubber.scrub_event(event);
  if (!message || !nlohmann::json::accept(*message)) std::abort();
  static_cast<void>(scrubber.scrub_text(text));
  return 0;
}
