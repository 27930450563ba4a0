#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collector/storage/files/file_store.h"
#include "collector/storage/sealing.h"

namespace trapline::collector {

/// What a store has beside its database.
struct StoreOptions {
  /// The folder for attachments' files, which all collectors on the database share. Empty: beside an SQLite file, under
  /// its name with ".files"; with PostgreSQL none, and then attachments are kept in the database.
  std::string files;
  /// The first seals what is written, and all open what is read. None: nothing is sealed.
  std::vector<EncryptionKey> keys;
};

struct DatabaseUrl;

/// The folder as the options and the database's place say; null when there is none.
std::unique_ptr<FileStore> open_files(const DatabaseUrl& url, const std::string& files);

}  // namespace trapline::collector
