#include <algorithm>
#include <utility>

#include "collector/storage/archive/folder_objects.h"
#include "collector/storage/archive/object_store.h"
#include "collector/storage/archive/s3_objects.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;

constexpr std::string_view kBucketScheme = "s3://";
constexpr std::size_t kLongestObjectName = 512;

bool is_plain_part(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

Error invalid_archive(const std::string& what) { return {"invalid_archive", what}; }

/// "http://127.0.0.1:9000" without what may stand behind it.
Result<std::string> read_endpoint(const ArchiveAddress& address, const std::string& region) {
  std::string endpoint = address.endpoint.empty() ? "https://s3." + region + ".amazonaws.com" : address.endpoint;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const std::size_t scheme_end = endpoint.find("://");
  const std::string scheme = endpoint.substr(0, scheme_end);
  const bool has_host = scheme_end != std::string::npos && endpoint.size() > scheme_end + 3;
  const std::string host = has_host ? endpoint.substr(scheme_end + 3) : std::string();
  if (!has_host || (scheme != "http" && scheme != "https") || host.find_first_of("/?#@ ") != std::string::npos) {
    return invalid_archive(address.option + "-endpoint takes an address such as https://s3.example.com:9000, not '" +
                           address.endpoint + "'");
  }
  return endpoint;
}

Result<BucketAddress> read_bucket(const ArchiveAddress& address) {
  BucketAddress bucket;
  bucket.region = address.region.empty() ? "us-east-1" : address.region;
  if (!is_plain_part(bucket.region)) {
    return invalid_archive(address.option + "-region takes a name such as eu-central-1, not '" + address.region + "'");
  }
  auto endpoint = read_endpoint(address, bucket.region);
  if (!endpoint) return endpoint.error();
  bucket.endpoint = std::move(*endpoint);
  std::string_view rest = std::string_view(address.url).substr(kBucketScheme.size());
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t slash = rest.find('/');
  bucket.bucket = rest.substr(0, slash);
  if (slash != std::string_view::npos) bucket.prefix = std::string(rest.substr(slash + 1)) + "/";
  if (!is_object_name(rest)) {
    return invalid_archive(address.option +
                           " takes s3://BUCKET or s3://BUCKET/PREFIX of letters, digits, '-', '_' and '.', not '" +
                           address.url + "'");
  }
  return bucket;
}

}  // namespace

Result<std::vector<std::string>> ObjectStore::list(std::string_view prefix) {
  auto entries = list_entries(prefix);
  if (!entries) return entries.error();
  std::vector<std::string> names;
  names.reserve(entries->size());
  for (Entry& entry : *entries) names.push_back(std::move(entry.name));
  return names;
}

bool is_object_name(std::string_view name) {
  if (name.size() > kLongestObjectName) return false;
  while (true) {
    const std::size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    if (!is_plain_part(part) || part.front() == '.') return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

Result<std::unique_ptr<ObjectStore>> open_objects(const ArchiveAddress& address) {
  if (address.url.empty())
    return invalid_archive("no archive was named: " + address.option + " takes a folder or s3://BUCKET");
  if (!address.url.starts_with(kBucketScheme)) {
    if (address.url.find("://") != std::string::npos) {
      return invalid_archive(address.option + " takes a folder or s3://BUCKET/PREFIX, not '" + address.url + "'");
    }
    return std::unique_ptr<ObjectStore>(std::make_unique<FolderObjects>(address.url));
  }
  auto bucket = read_bucket(address);
  if (!bucket) return bucket.error();
  if (address.credentials.access_key.empty() || address.credentials.secret_key.empty()) {
    return invalid_archive(address.option + " " + address.url +
                           " needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
  }
  return std::unique_ptr<ObjectStore>(
      std::make_unique<S3Objects>(std::move(*bucket), address.credentials, address.is_cancelled));
}

}  // namespace trapline::collector
