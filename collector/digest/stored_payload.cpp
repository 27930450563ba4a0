#include "collector/digest/stored_payload.h"

#include <utility>

#include "collector/digest/event_reader.h"
#include "collector/digest/item_scrubber.h"
#include "collector/digest/json_fields.h"

namespace trapline::collector {

UserFields StoredPayloadReader::read_user(std::string_view payload) const {
  thread_local simdjson::dom::parser user_parser;  // its buffers are used again
  const simdjson::dom::object event = user_parser.parse(payload.data(), payload.size()).get_object().value();  // throws
  UserFields fields;
  const auto user = object_field(event, "user");
  if (!user) return fields;
  constexpr std::pair<std::string_view, UserField> kKeys[] = {{"id", UserField::kId},
                                                              {"email", UserField::kEmail},
                                                              {"username", UserField::kUsername},
                                                              {"ip_address", UserField::kIpAddress}};
  // Whole, unlike what is searched by.
  for (const auto& [key, field] : kKeys) {
    if (std::string value = any_text_field(*user, key); !value.empty()) fields.emplace_back(field, std::move(value));
  }
  return fields;
}

void StoredPayloadReader::read_facts(DigestedEvent& event) const {
  SpooledEvent spooled;
  spooled.project_id = event.project_id;
  spooled.event_id = event.event_id;
  spooled.received_at = event.received_at;
  spooled.payload = event.payload;
  DigestedEvent again = read_event(spooled).record;
  event.occurrences = again.occurrences;
  event.context_tags = std::move(again.context_tags);
  event.user_fields = std::move(again.user_fields);
  event.texts = std::move(again.texts);
  event.trail_texts = std::move(again.trail_texts);
}

std::string StoredPayloadReader::session_user(ProjectId project, std::string_view user) const {
  return user_key_ ? hidden_session_user(*user_key_, project, user) : std::string();
}

}  // namespace trapline::collector
