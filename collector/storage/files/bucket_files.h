#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/archive/object_store.h"
#include "collector/storage/files/file_store.h"

namespace trapline::collector {

/// Files as objects of a bucket, under files/ab/cdef…. As many connections as there are threads at work at once.
class BucketFiles final : public FileStore {
 public:
  /// `lock_path`: of the file that hold() locks; empty: nobody needs files to stay (there is no backup that copies
  /// them), and it is always held. Throws std::runtime_error when the address makes no sense (open_objects()).
  BucketFiles(ArchiveAddress address, std::string lock_path);

  void put(std::string_view address, std::string_view bytes) override;
  bool contains(std::string_view address) override;
  bool contains_lasting(std::string_view address) override { return contains(address); }
  std::optional<std::string> get(std::string_view address) override;
  std::optional<std::string> head(std::string_view address, std::size_t bytes) override;
  void remove(std::string_view address) override;
  void list(const std::function<void(const Entry&)>& take) override;
  /// An object is there as a whole or not at all.
  void remove_unfinished(UnixMillis /*before*/) override {}
  std::shared_ptr<void> hold() override;
  void end_soon() override;
  [[nodiscard]] std::string place() const override { return address_.url; }

 private:
  template <class Work>
  auto ask(Work work);
  std::unique_ptr<ObjectStore> take_connection();

  [[nodiscard]] bool is_over() const;

  std::atomic<std::chrono::steady_clock::time_point> end_ = std::chrono::steady_clock::time_point::max();
  const ArchiveAddress address_;
  const std::string lock_path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ObjectStore>> idle_;  ///< guarded by mutex_
};

}  // namespace trapline::collector
