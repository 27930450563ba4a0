#include "collector/storage/store_options.h"

#include "collector/storage/database_url.h"
#include "collector/storage/files/bucket_files.h"
#include "collector/storage/files/directory_files.h"

namespace trapline::collector {

bool is_in_bucket(std::string_view files) { return files.starts_with("s3://"); }

std::unique_ptr<FileStore> open_files(const DatabaseUrl& url, const std::string& files, const BucketAccess& bucket) {
  if (is_in_bucket(files)) {
    ArchiveAddress address{files, bucket.endpoint, bucket.region, bucket.credentials};
    address.option = "--files";
    return std::make_unique<BucketFiles>(std::move(address), url.is_postgres ? "" : url.place + ".files.lock");
  }
  if (!files.empty()) return std::make_unique<DirectoryFiles>(files);
  if (url.is_postgres) return nullptr;
  return std::make_unique<DirectoryFiles>(url.place + ".files");
}

}  // namespace trapline::collector
