#pragma once

/// The collector's settings, from the command line, the environment (TRAPLINE_<OPTION>), a TOML file, and defaults; the
/// first that has an option wins.

#include <map>
#include <span>
#include <string>
#include <vector>

#include "collector/ingest/address.h"
#include "collector/ingest/intake.h"
#include "collector/ingest/spool.h"
#include "collector/storage/archive/object_store.h"
#include "collector/storage/retention.h"
#include "collector/storage/store_options.h"
#include "sdk/core/result.h"

namespace trapline::collector {

struct Config {
  std::string data = "./trapline-data";  ///< folder
  std::string host = "127.0.0.1";
  int port = 8790;       ///< 0 picks a free one
  std::string database;  ///< URL; empty: sqlite:<data>/trapline.db
  std::string files;     ///< folder or bucket; empty: see StoreOptions, with PostgreSQL <data>/files
  BucketAccess files_bucket;
  std::vector<EncryptionKey> keys;
  std::string public_url;  ///< where clients reach the collector; empty: http://<host>:<port>
  IntakeLimits limits;
  SpoolOptions spool;
  std::int64_t api_requests_per_minute = 600;  ///< of one token or session
  std::vector<AddressRange> trusted_proxies;
  RetentionPolicy retention;
  ArchiveAddress archive;  ///< without an URL there is none; credentials are in it

  [[nodiscard]] std::string database_url() const;
  [[nodiscard]] StoreOptions store_options() const;
  /// `actual_port` is the one that was bound.
  [[nodiscard]] std::string public_url_at(int actual_port) const;
};

/// One option, under the name it has everywhere: "max-body-bytes" is --max-body-bytes, TRAPLINE_MAX_BODY_BYTES and
/// max_body_bytes in the file.
struct ConfigOption {
  std::string name;
  std::string placeholder;
  std::string help;
};

/// All options but --config.
std::span<const ConfigOption> config_options();

/// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the environment. At the start only: not for
/// threads.
BucketCredentials bucket_credentials();

/// Puts the sources together. `command_line` holds the options that were given, by name, "config" among them. Error:
/// "invalid_config", naming the source, the option and what it takes.
core::Result<Config> load_config(const std::map<std::string, std::string>& command_line);

}  // namespace trapline::collector
