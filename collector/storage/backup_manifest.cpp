#include "collector/storage/backup_manifest.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "collector/storage/files/file_store.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

/// Of the manifest itself; a later one may tell more.
constexpr int kFormat = 1;

bool is_name_of_ours(std::string_view name) {
  if (name == kBackedUpDatabase || name == kBackedUpUserKey) return true;
  if (name.starts_with(kBackedUpFiles)) {
    // "files/ab/cdef…", by the address' digits.
    const std::string_view path = name.substr(kBackedUpFiles.size());
    return path.size() > 4 && path[0] == '/' && path[3] == '/' &&
           is_file_address(std::string(path.substr(1, 2)) + std::string(path.substr(4)));
  }
  const std::size_t slash = name.find('/');
  const std::string_view folder = name.substr(0, slash);
  if (slash == std::string_view::npos || (folder != kBackedUpSpool && folder != kBackedUpDays)) return false;
  const std::string_view rest = name.substr(slash + 1);
  return !rest.empty() && rest != "." && rest != ".." && rest.find('/') == std::string_view::npos &&
         rest.find('\0') == std::string_view::npos;
}

core::Error invalid(const std::string& what) {
  return {"invalid_backup", "the backup's " + std::string(kManifestName) + " " + what};
}

}  // namespace

std::uint64_t BackupManifest::bytes() const {
  std::uint64_t sum = 0;
  for (const File& file : files) sum += file.bytes;
  return sum;
}

std::string BackupManifest::to_json() const {
  json list = json::array();
  for (const File& file : files) list.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  const json manifest = {{"format", kFormat},  {"made_by", made_by},
                         {"made_at", made_at}, {"schema_version", schema_version},
                         {"files", list},      {"left_out", left_out}};
  return manifest.dump(2) + "\n";
}

core::Result<BackupManifest> BackupManifest::parse(std::string_view text) {
  BackupManifest manifest;
  try {
    const json read = json::parse(text);
    if (read.at("format").get<int>() != kFormat) {
      return invalid("has format " + read.at("format").dump() + ", this version knows " + std::to_string(kFormat));
    }
    manifest.made_by = read.at("made_by").get<std::string>();
    manifest.made_at = read.at("made_at").get<UnixMillis>();
    manifest.schema_version = read.at("schema_version").get<std::size_t>();
    manifest.left_out = read.value("left_out", std::vector<std::string>());
    for (const json& file : read.at("files")) {
      manifest.files.push_back({file.at("name").get<std::string>(), file.at("bytes").get<std::uint64_t>(),
                                file.at("sha256").get<std::string>()});
      if (!is_name_of_ours(manifest.files.back().name)) {
        return invalid("names '" + manifest.files.back().name + "', which no backup has");
      }
    }
  } catch (const json::exception& error) {
    return invalid(std::string("cannot be read: ") + error.what());
  }
  const bool has_database = std::any_of(manifest.files.begin(), manifest.files.end(),
                                        [](const File& file) { return file.name == kBackedUpDatabase; });
  if (!has_database) return invalid("names no database");
  return manifest;
}

core::Result<BackupManifest> BackupManifest::read(const std::string& folder) {
  std::ifstream file(folder + "/" + std::string(kManifestName), std::ios::binary);
  if (!file) {
    return core::Error{"invalid_backup",
                       folder + " is no backup, or an incomplete one: it has no " + std::string(kManifestName)};
  }
  return parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace trapline::collector
