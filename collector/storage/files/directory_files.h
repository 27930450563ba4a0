#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "collector/storage/files/file_store.h"

namespace trapline::collector {

/// Files in a folder: FOLDER/ab/cdef…, the address' first two digits being a folder so that none grows too large. A
/// file is written under another name, brought to the disk, and gets its name then: under an address there is all of it
/// or nothing. The folder is made with the first file.
class DirectoryFiles final : public FileStore {
 public:
  explicit DirectoryFiles(const std::string& folder);

  void put(std::string_view address, std::string_view bytes) override;
  bool contains(std::string_view address) override;
  bool contains_lasting(std::string_view address) override;
  std::optional<std::string> get(std::string_view address) override;
  std::optional<std::string> head(std::string_view address, std::size_t bytes) override;
  void remove(std::string_view address) override;
  void list(const std::function<void(const Entry&)>& take) override;
  void remove_unfinished(UnixMillis before) override;
  std::shared_ptr<void> hold() override;
  [[nodiscard]] std::string place() const override { return folder_.string(); }

 private:
  [[nodiscard]] std::filesystem::path path_of(std::string_view address) const;
  void make_folder() const;
  void make_part(const std::filesystem::path& folder) const;

  std::filesystem::path folder_;
};

}  // namespace trapline::collector
