#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/archive/object_store.h"
#include "collector/storage/files/file_store.h"
#include "collector/storage/sealing.h"

namespace trapline::collector {

/// How a bucket of files is reached.
struct BucketAccess {
  std::string endpoint;  ///< as in ArchiveAddress, with the next ones
  std::string region;
  BucketCredentials credentials;
};

/// Whether files go to a bucket.
bool is_in_bucket(std::string_view files);

/// What a store has beside its database.
struct StoreOptions {
  /// The folder for attachments' files, or a bucket, s3://BUCKET/PREFIX, which all collectors on the database share.
  /// Empty: beside an SQLite file, under its name with ".files"; with PostgreSQL none, and then attachments are kept in
  /// the database.
  std::string files;
  /// The first seals what is written, and all open what is read. None: nothing is sealed.
  std::vector<EncryptionKey> keys;
  BucketAccess bucket = {};
};

struct DatabaseUrl;

/// The folder or bucket as the options and the database's place say; null when there is none. Throws
/// std::runtime_error when the address of a bucket makes no sense.
std::unique_ptr<FileStore> open_files(const DatabaseUrl& url, const std::string& files, const BucketAccess& bucket);

}  // namespace trapline::collector
