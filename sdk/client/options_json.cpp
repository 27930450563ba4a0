#include "sdk/client/options_json.h"

#include <nlohmann/json.hpp>

namespace trapline::sdk {

std::string delivery_options_json(const ClientOptions& options) {
  const core::ScrubOptions& scrub = options.scrub;
  nlohmann::json patterns = nlohmann::json::array();
  for (const auto& pattern : scrub.patterns) patterns.push_back({pattern.name, pattern.expression});
  const nlohmann::json json = {
      {"dsn", options.dsn},
      {"data_folder", options.data_folder ? nlohmann::json(*options.data_folder) : nlohmann::json()},
      {"debug", options.debug},
      {"sends_default_pii", options.sends_default_pii},
      {"protocol", static_cast<int>(options.protocol)},
      {"proxy", options.proxy},
      {"ca_file", options.ca_file},
      {"buffer", {options.buffer.max_bytes, options.buffer.max_events, options.buffer.max_age}},
      {"has_hooks", static_cast<bool>(options.hooks.before_send)},
      {"in_app_paths", options.reading.in_app_paths},
      {"not_in_app_paths", options.reading.not_in_app_paths},
      {"wants_source", options.reading.wants_source},
      {"scrub",
       {{"emails", scrub.rules.emails},
        {"ip_addresses", scrub.rules.ip_addresses},
        {"cards", scrub.rules.cards},
        {"tokens", scrub.rules.tokens},
        {"url_credentials", scrub.rules.url_credentials},
        {"assignments", scrub.rules.assignments},
        {"national_ids", scrub.rules.national_ids},
        {"further_keys", scrub.further_keys},
        {"allowed_keys", scrub.allowed_keys},
        {"patterns", patterns}}},
  };
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

core::Result<ClientOptions> parse_delivery_options(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    ClientOptions options;
    options.dsn = json.at("dsn").get<std::string>();
    if (!json.at("data_folder").is_null()) options.data_folder = json["data_folder"].get<std::string>();
    options.debug = json.at("debug").get<bool>();
    options.sends_default_pii = json.at("sends_default_pii").get<bool>();
    options.protocol = json.at("protocol").get<int>() == 0 ? Protocol::kTrapline : Protocol::kSentry;
    options.proxy = json.at("proxy").get<std::string>();
    options.ca_file = json.at("ca_file").get<std::string>();
    const auto& buffer = json.at("buffer");
    options.buffer = {buffer.at(0).get<std::uint64_t>(), buffer.at(1).get<std::uint64_t>(),
                      buffer.at(2).get<core::UnixMillis>()};
    options.recovers_only_crashes = json.at("has_hooks").get<bool>();
    options.reading = {json.at("in_app_paths").get<std::vector<std::string>>(),
                       json.at("not_in_app_paths").get<std::vector<std::string>>(),
                       json.at("wants_source").get<bool>()};
    const auto& scrub = json.at("scrub");
    core::ScrubOptions& read = options.scrub;
    read.rules.emails = scrub.at("emails").get<bool>();
    read.rules.ip_addresses = scrub.at("ip_addresses").get<bool>();
    read.rules.cards = scrub.at("cards").get<bool>();
    read.rules.tokens = scrub.at("tokens").get<bool>();
    read.rules.url_credentials = scrub.at("url_credentials").get<bool>();
    read.rules.assignments = scrub.at("assignments").get<bool>();
    read.rules.national_ids = scrub.at("national_ids").get<bool>();
    read.further_keys = scrub.at("further_keys").get<std::vector<std::string>>();
    read.allowed_keys = scrub.at("allowed_keys").get<std::vector<std::string>>();
    for (const auto& pattern : scrub.at("patterns")) {
      read.patterns.push_back({pattern.at(0).get<std::string>(), pattern.at(1).get<std::string>()});
    }
    options.captures_crashes = false;
    options.captures_uncaught = false;
    options.uses_host_name = false;
    return options;
  } catch (const nlohmann::json::exception& error) {
    return core::Error{"invalid_options", error.what()};
  }
}

}  // namespace trapline::sdk
