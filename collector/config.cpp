#include "collector/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <utility>

#include <toml++/toml.h>

#include "collector/encryption_keys.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;

/// A value and where it came from, for error messages.
struct Setting {
  std::string value;
  std::string source;
};
using Settings = std::map<std::string, Setting>;

std::string environment_name(std::string_view option) {
  std::string name = "TRAPLINE_";
  for (const char character : option) {
    const bool is_lower = character >= 'a' && character <= 'z';
    name += character == '-' ? '_' : (is_lower ? static_cast<char>(character - 'a' + 'A') : character);
  }
  return name;
}

std::string file_key(std::string option) {
  std::replace(option.begin(), option.end(), '-', '_');
  return option;
}

Error invalid(const Setting& setting, std::string_view option, std::string_view takes) {
  return {"invalid_config", setting.source + ": " + std::string(option) + " takes " + std::string(takes) + ", not '" +
                                setting.value + "'"};
}

std::string place(const std::string& path, const toml::source_region& source) {
  return path + ", line " + std::to_string(source.begin.line);
}

/// The file's keys as settings; an unknown key is an error, as it is most often a misspelt one.
Result<Settings> read_settings_file(const std::string& path) {
  Settings settings;
  try {
    const toml::table table = toml::parse_file(path);
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      const auto options = config_options();
      const auto option = std::find_if(options.begin(), options.end(),
                                       [&](const ConfigOption& known) { return file_key(known.name) == name; });
      if (option == options.end()) {
        return Error{"invalid_config", place(path, key.source()) + ": there is no option '" + name +
                                           "'; trapline-collector serve --help lists them all"};
      }
      if (const auto text = node.value_exact<std::string>()) {
        settings[option->name] = {*text, place(path, node.source())};
      } else if (const auto number = node.value_exact<std::int64_t>()) {
        settings[option->name] = {std::to_string(*number), place(path, node.source())};
      } else {
        return Error{"invalid_config",
                     place(path, node.source()) + ": '" + name + "' must be a text or a whole number"};
      }
    }
  } catch (const toml::parse_error& error) {
    return Error{"invalid_config",
                 "the config file " + place(path, error.source()) + ": " + std::string(error.description())};
  }
  return settings;
}

Result<Settings> gather(const std::map<std::string, std::string>& command_line) {
  Settings settings;
  const auto from_environment = [](std::string_view option) -> std::optional<std::string> {
    const char* value =
        std::getenv(environment_name(option).c_str());  // NOLINT(concurrency-mt-unsafe): at the start only
    return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
  };
  const auto given_file = command_line.find("config");
  const auto file =
      given_file != command_line.end() ? std::optional<std::string>(given_file->second) : from_environment("config");
  if (file) {
    auto from_file = read_settings_file(*file);
    if (!from_file) return from_file.error();
    settings = std::move(*from_file);
  }
  for (const ConfigOption& option : config_options()) {
    if (const auto value = from_environment(option.name))
      settings[option.name] = {*value, environment_name(option.name)};
    const auto given = command_line.find(option.name);
    if (given != command_line.end()) settings[option.name] = {given->second, "--" + option.name};
  }
  return settings;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// "host:port" or "[ipv6]:port"
core::Status read_listen(const Setting& setting, Config& config) {
  const Error error = invalid(setting, "listen", "HOST:PORT, such as 127.0.0.1:8790");
  const std::size_t colon = setting.value.rfind(':');
  if (colon == std::string::npos || colon == 0) return error;
  const auto port = parse_number<int>(std::string_view(setting.value).substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return error;
  config.host = setting.value.substr(0, colon);
  if (config.host.starts_with('[') && config.host.ends_with(']'))
    config.host = config.host.substr(1, config.host.size() - 2);
  config.port = *port;
  return {};
}

core::Status read_public_url(const Setting& setting, Config& config) {
  const bool has_scheme = setting.value.starts_with("http://") || setting.value.starts_with("https://");
  if (!has_scheme || setting.value.ends_with("//")) {
    return invalid(setting, "public-url", "an address such as https://errors.example.com");
  }
  config.public_url = setting.value;
  while (config.public_url.ends_with('/')) config.public_url.pop_back();
  return {};
}

template <class Number>
core::Status read_number(const Settings& settings, const std::string& option, std::string_view takes, Number least,
                         Number& target) {
  const auto found = settings.find(option);
  if (found == settings.end()) return {};
  const auto number = parse_number<Number>(found->second.value);
  if (!number || *number < least) return invalid(found->second, option, takes);
  target = *number;
  return {};
}

template <class Number>
core::Status read_bytes(const Settings& settings, const std::string& option, Number& target) {
  return read_number<Number>(settings, option, "a number of bytes, 1 or more", 1, target);
}

core::Status read_ranges(const Setting& setting, std::vector<AddressRange>& ranges) {
  std::string_view rest = setting.value;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const auto range = AddressRange::parse(rest.substr(0, comma));
    if (!range) return invalid(setting, "trusted-proxies", "addresses and ranges such as 127.0.0.1,10.0.0.0/8");
    ranges.push_back(*range);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  return {};
}

}  // namespace

/// Where all programs that speak S3 look for them; no options, as others can read the command line.
BucketCredentials bucket_credentials() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): at the start only
    return std::string(value != nullptr ? value : "");
  };
  return {variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"), variable("AWS_SESSION_TOKEN")};
}

std::string Config::database_url() const { return database.empty() ? "sqlite:" + data + "/trapline.db" : database; }

StoreOptions Config::store_options() const {
  StoreOptions options{files, keys, files_bucket};
  if (options.files.empty() && !database_url().starts_with("sqlite:")) options.files = data + "/files";
  return options;
}

std::string Config::public_url_at(int actual_port) const {
  if (!public_url.empty()) return public_url;
  // 0.0.0.0 is every address of this machine, and none that a client could call.
  const bool is_any = host == "0.0.0.0" || host == "::";
  const std::string shown = is_any ? "127.0.0.1" : (host.find(':') != std::string::npos ? "[" + host + "]" : host);
  return "http://" + shown + ":" + std::to_string(actual_port);
}

std::span<const ConfigOption> config_options() {
  static const std::array<ConfigOption, 25> kOptions{{
      {"data", "DIR", "folder for the database and the spool (default ./trapline-data)"},
      {"database", "URL", "sqlite:PATH (default sqlite:DATA/trapline.db) or postgres://USER:PASSWORD@HOST:PORT/NAME"},
      {"files", "DIR",
       "folder for attachments, or s3://BUCKET/PREFIX, one for all collectors on a database (default: with SQLite "
       "PATH.files, else DATA/files); a bucket's key is in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
      {"files-endpoint", "URL", "server of that bucket, as in http://127.0.0.1:9000 (default Amazon's)"},
      {"files-region", "NAME", "region of that bucket (default us-east-1)"},
      {"encryption-key-file", "FILE",
       "seal events and attachments with the first of the file's keys; the others open older ones (default: none)"},
      {"listen", "HOST:PORT", "address to listen on (default 127.0.0.1:8790; port 0 picks a free one)"},
      {"public-url", "URL", "where clients reach the collector, for DSNs and links (default http://HOST:PORT)"},
      {"max-body-bytes", "BYTES", "largest request body as sent (default 20971520)"},
      {"max-inflated-bytes", "BYTES", "largest request body after decompression (default 104857600)"},
      {"max-event-bytes", "BYTES", "largest single event (default 1048576)"},
      {"max-attachment-bytes", "BYTES",
       "largest single file of an event; all of a request may have 2.5 times that (default 20971520)"},
      {"max-attachment-bytes-per-hour", "BYTES",
       "that a project's files may have in an hour (default 1 GiB; 0: no limit)"},
      {"max-requests-per-second", "COUNT", "that all senders together may make at the doors (default 0: no limit)"},
      {"max-requests-per-ip", "COUNT", "that one address may make in a minute at the doors (default 0: no limit)"},
      {"max-api-requests", "COUNT", "that one token or session may make in a minute at the API (default 600)"},
      {"trusted-proxies", "RANGES", "whose X-Forwarded-For is believed, as in 127.0.0.1,10.0.0.0/8 (default none)"},
      {"spool-max-bytes", "BYTES",
       "accepted events that may wait on disk; above, senders are told 503 (default 2 GiB)"},
      {"spool-max-events", "COUNT", "the same as a number of events (default 2000000)"},
      {"retention-days", "DAYS",
       "that events are kept; a project may say otherwise (default 90; 0: for ever). Counts and issues stay"},
      {"max-database-bytes", "BYTES",
       "that the database may take; above, the events that tell the least go first (default 0: no limit)"},
      {"archive", "URL",
       "folder, or s3://BUCKET/PREFIX, that events are written to before they go (default none); a bucket's key is in "
       "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
      {"archive-endpoint", "URL", "server of the bucket, as in http://127.0.0.1:9000 (default Amazon's)"},
      {"archive-region", "NAME", "region of the bucket (default us-east-1)"},
      {"min-free-bytes", "BYTES", "disk space to leave free; below, senders are told 503 (default 256 MiB)"},
  }};
  return kOptions;
}

core::Result<Config> load_config(const std::map<std::string, std::string>& command_line) {
  const auto settings = gather(command_line);
  if (!settings) return settings.error();
  Config config;
  const auto text_of = [&](const std::string& option, std::string& target) {
    const auto found = settings->find(option);
    if (found != settings->end()) target = found->second.value;
  };
  text_of("data", config.data);
  text_of("database", config.database);
  text_of("files", config.files);
  text_of("files-endpoint", config.files_bucket.endpoint);
  text_of("files-region", config.files_bucket.region);
  config.files_bucket.credentials = bucket_credentials();
  text_of("archive", config.archive.url);
  text_of("archive-endpoint", config.archive.endpoint);
  text_of("archive-region", config.archive.region);
  config.archive.credentials = bucket_credentials();
  std::string key_file;
  text_of("encryption-key-file", key_file);
  auto keys = load_encryption_keys(key_file);
  if (!keys) return keys.error();
  config.keys = std::move(*keys);
  core::Status status;
  if (const auto listen = settings->find("listen"); listen != settings->end())
    status = read_listen(listen->second, config);
  if (const auto url = settings->find("public-url"); status && url != settings->end()) {
    status = read_public_url(url->second, config);
  }
  if (status) status = read_bytes(*settings, "max-body-bytes", config.limits.max_body_bytes);
  if (status) status = read_bytes(*settings, "max-inflated-bytes", config.limits.max_inflated_bytes);
  if (status) status = read_bytes(*settings, "max-event-bytes", config.limits.max_event_bytes);
  if (status) status = read_bytes(*settings, "max-attachment-bytes", config.limits.max_attachment_bytes);
  config.limits.max_attachments_bytes = config.limits.max_attachment_bytes / 2 * 5;
  if (status) status = read_bytes(*settings, "spool-max-bytes", config.spool.max_bytes);
  if (status) {
    status = read_number<std::int64_t>(*settings, "spool-max-events", "a number of events, 1 or more", 1,
                                       config.spool.max_events);
  }
  if (status) {
    status = read_number<std::uint64_t>(*settings, "min-free-bytes", "a number of bytes, 0 or more", 0,
                                        config.spool.min_free_bytes);
  }
  constexpr std::string_view kTakesCount = "a whole number, 0 or more";
  const auto count_of = [&](const std::string& option, std::int64_t& target) {
    if (status) status = read_number<std::int64_t>(*settings, option, kTakesCount, 0, target);
  };
  count_of("max-attachment-bytes-per-hour", config.limits.attachment_bytes_per_hour);
  count_of("max-requests-per-second", config.limits.requests_per_second);
  count_of("max-requests-per-ip", config.limits.requests_per_minute_and_ip);
  count_of("max-api-requests", config.api_requests_per_minute);
  count_of("retention-days", config.retention.days);
  count_of("max-database-bytes", config.retention.most_bytes);
  if (const auto ranges = settings->find("trusted-proxies"); status && ranges != settings->end()) {
    status = read_ranges(ranges->second, config.trusted_proxies);
  }
  if (!status) return status.error();
  return config;
}

}  // namespace trapline::collector
