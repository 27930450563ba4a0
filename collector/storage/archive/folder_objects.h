#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "collector/storage/archive/object_store.h"

namespace trapline::collector {

/// Objects as files of a folder, which must be there: a disk that is not mounted must not become an archive on another
/// one. A file is written under another name, brought to the disk, and gets its name then.
class FolderObjects final : public ObjectStore {
 public:
  explicit FolderObjects(const std::string& folder);

  core::Status put(std::string_view name, std::string_view bytes) override;
  core::Result<std::optional<std::string>> get(std::string_view name) override;
  core::Result<std::optional<std::string>> get_first(std::string_view name, std::size_t bytes) override;
  core::Result<bool> exists(std::string_view name) override;
  core::Result<std::vector<Entry>> list_entries(std::string_view prefix) override;
  core::Status remove(std::string_view name) override;
  core::Status remove_unfinished() override;
  [[nodiscard]] std::string place() const override { return folder_.string(); }

 private:
  void make_parents(const std::filesystem::path& path) const;

  std::filesystem::path folder_;
};

}  // namespace trapline::collector
