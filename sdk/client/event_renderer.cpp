#include "sdk/client/event_renderer.h"

#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "sdk/core/event_json.h"
#include "sdk/core/json_writer.h"
#include "sdk/delivery/batch.h"

namespace trapline::sdk {
namespace {

constexpr std::size_t kLargestAttachment = std::size_t{20} << 20;

/// Says in the event what kept the hook from it (the payload's `errors`).
std::string with_error(std::string json, const std::string& what) {
  core::JsonWriter error;
  error.begin_array().begin_object().key("type").text("before_send_failed").key("value").text(what);
  json.pop_back();
  json += ",\"errors\":" + error.end_object().end_array().take() + "}";
  return json;
}

std::optional<std::string> read_file(const std::string& path) {
  std::error_code error;
  const bool is_file = std::filesystem::is_regular_file(path, error);
  if (!is_file || std::filesystem::file_size(path, error) > kLargestAttachment) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return file.good() || file.eof() ? std::optional(std::move(bytes)) : std::nullopt;
}

}  // namespace

EventRenderer::Rendered EventRenderer::render(std::string_view payload, const core::ProcessFacts& facts,
                                              StackReader& stacks) {
  DecodedEvent decoded;
  if (decode_event(payload, decoded)) return render(decoded, facts, stacks);
  Rendered torn;
  torn.fate = Fate::kTorn;
  return torn;
}

EventRenderer::Rendered EventRenderer::render(DecodedEvent& decoded, const core::ProcessFacts& facts,
                                              StackReader& stacks, bool uses_hook) {
  Rendered rendered;
  stacks.make_readable(decoded.event);
  std::optional<std::string> json = core::to_json(decoded.event, facts);
  if (hooks_.before_send && uses_hook) json = apply_hook(std::move(*json), rendered.problems);
  if (!json) {
    rendered.fate = Fate::kHookDropped;
    return rendered;
  }
  auto scrubbed = scrubber_.scrub_event(*json);
  if (!scrubbed) {  // what cannot be scrubbed may not leave
    rendered.problems.push_back("an event was dropped: " + scrubbed.error().message);
    rendered.fate = Fate::kBufferFailed;
    return rendered;
  }
  rendered.items.push_back({ItemKind::kEvent, decoded.event_id, decoded.is_held, std::move(*scrubbed), 0});
  for (const DecodedAttachment& attachment : decoded.attachments)
    add_attachment(attachment, decoded.event_id, rendered);
  return rendered;
}

/// The hook's event, or the event as it was with a note in it when the hook fails. Nothing: the hook dropped it.
std::optional<std::string> EventRenderer::apply_hook(std::string json, std::vector<std::string>& problems) const {
  std::string failure;
  try {
    std::optional<std::string> changed = hooks_.before_send(json);
    if (!changed) return std::nullopt;
    if (is_usable_json(*changed, '{')) {
      // Blanks around the object would end up around what is put into it later.
      const std::size_t begin = changed->find('{');
      return on_one_line(changed->substr(begin, changed->rfind('}') - begin + 1));
    }
    failure = "it returned what is no JSON object";
  } catch (const std::exception& error) {
    failure = error.what();
  } catch (...) {
    failure = "it threw what is no std::exception";
  }
  problems.push_back("before_send failed, the event goes without it: " + failure);
  return with_error(std::move(json), failure);
}

void EventRenderer::add_attachment(const DecodedAttachment& attachment, const std::string& event_id,
                                   Rendered& rendered) {
  std::string bytes(attachment.bytes);
  if (!attachment.path.empty()) {
    auto content = read_file(std::string(attachment.path));
    if (!content) {
      rendered.problems.push_back("the attachment '" + std::string(attachment.path) +
                                  "' was left out: it cannot be read, or is larger than 20 MiB");
      return;
    }
    bytes = std::move(*content);
  }
  core::JsonWriter header;
  header.begin_object().key("type").text("attachment").key("length").number(static_cast<std::int64_t>(bytes.size()));
  header.key("filename").text(attachment.name).optional_text("attachment_type", attachment.type).end_object();
  rendered.items.push_back({ItemKind::kEnvelope, "", false, envelope(event_id, header.take(), bytes), 0});
}

}  // namespace trapline::sdk
