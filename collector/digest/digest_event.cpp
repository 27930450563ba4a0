#include "collector/digest/digest_event.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "collector/digest/event_reader.h"
#include "collector/digest/event_text.h"

namespace trapline::collector {
namespace {

const GroupingRule* find_rule(const ReadEvent& event, const DigestSettings& settings) {
  const auto found = std::find_if(settings.rules.begin(), settings.rules.end(),
                                  [&](const GroupingRule& rule) { return rule.matches(event); });
  return found == settings.rules.end() ? nullptr : &*found;
}

}  // namespace

DigestedEvent digest_event(const SpooledEvent& event, const DigestSettings& settings) {
  ReadOptions options;
  options.keeps_ip_addresses = settings.keeps_ip_addresses;
  if (settings.scrubber) {
    auto scrubbed = settings.scrubber->scrub_event(event.payload, &options.outline);
    if (!scrubbed) throw std::runtime_error(scrubbed.error().message);
    options.scrubbed = std::move(*scrubbed);
  }
  ReadEvent read = read_event(event, std::move(options));
  DigestedEvent& record = read.record;
  const GroupingRule* rule = find_rule(read, settings);
  const std::vector<std::string> fingerprint = rule != nullptr ? rule->fingerprint(read) : std::vector<std::string>();
  GroupKeys keys = group_keys(read, settings.grouping_version, fingerprint);
  record.fingerprint = std::move(keys.fine);
  record.coarse_fingerprint = std::move(keys.coarse);
  const int previous = settings.previous_grouping_version;
  if (previous != 0 && previous != settings.grouping_version) {
    record.older_fingerprints.push_back(group_keys(read, previous, fingerprint).fine);
  }
  record.assignee = settings.owners.owner_of(read);
  // The shown title is not the group key: changing it moves nothing.
  if (rule != nullptr) {
    const std::string title = rule->title(read);
    if (!title.empty()) record.title = make_title("", title);
  }
  return std::move(record);
}

GroupingExplanation explain_grouping(const DigestedEvent& event, const DigestSettings& settings) {
  SpooledEvent stored;
  stored.project_id = event.project_id;
  stored.event_id = event.event_id;
  stored.received_at = event.received_at;
  stored.payload = event.payload;
  const ReadEvent read = read_event(stored);
  const GroupingRule* rule = find_rule(read, settings);
  GroupingExplanation explanation;
  explanation.version = settings.grouping_version;
  explanation.keys = group_keys(read, settings.grouping_version,
                                rule != nullptr ? rule->fingerprint(read) : std::vector<std::string>(), true);
  if (rule != nullptr) explanation.rule_title = rule->title(read);
  return explanation;
}

}  // namespace trapline::collector
