#include "collector/storage/store_options.h"

#include "collector/storage/database_url.h"
#include "collector/storage/files/directory_files.h"

namespace trapline::collector {

std::unique_ptr<FileStore> open_files(const DatabaseUrl& url, const std::string& files) {
  if (!files.empty()) return std::make_unique<DirectoryFiles>(files);
  if (url.is_postgres) return nullptr;
  return std::make_unique<DirectoryFiles>(url.place + ".files");
}

}  // namespace trapline::collector
