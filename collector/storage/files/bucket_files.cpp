#include "collector/storage/files/bucket_files.h"

#include <stdexcept>
#include <utility>

#include "collector/storage/file_lock.h"

namespace trapline::collector {
namespace {

constexpr std::string_view kFilesPrefix = "files/";
constexpr std::size_t kPartDigits = 2;
constexpr std::chrono::seconds kLongestEnd{3};

std::string object_of(std::string_view address) {
  if (!is_file_address(address)) throw std::runtime_error("'" + std::string(address) + "' is no address of a file");
  return std::string(kFilesPrefix)
      .append(address.substr(0, kPartDigits))
      .append("/")
      .append(address.substr(kPartDigits));
}

std::unique_ptr<ObjectStore> open_or_throw(const ArchiveAddress& address) {
  auto objects = open_objects(address);
  if (!objects) throw std::runtime_error(objects.error().message);
  return std::move(*objects);
}

}  // namespace

BucketFiles::BucketFiles(ArchiveAddress address, std::string lock_path)
    : address_([&] {
        address.is_cancelled = [this] { return is_over(); };
        return std::move(address);
      }()),
      lock_path_(std::move(lock_path)) {
  idle_.push_back(open_or_throw(address_));
}

void BucketFiles::end_soon() { end_ = std::chrono::steady_clock::now() + kLongestEnd; }

bool BucketFiles::is_over() const { return std::chrono::steady_clock::now() >= end_.load(); }

std::unique_ptr<ObjectStore> BucketFiles::take_connection() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  return open_or_throw(address_);
}

template <class Work>
auto BucketFiles::ask(Work work) {
  auto connection = take_connection();
  auto answer = work(*connection);
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }
  if (!answer) throw std::runtime_error(answer.error().message);
  return answer;
}

void BucketFiles::put(std::string_view address, std::string_view bytes) {
  if (contains(address)) return;
  static_cast<void>(ask([name = object_of(address), bytes](ObjectStore& objects) { return objects.put(name, bytes); }));
}

bool BucketFiles::contains(std::string_view address) {
  return *ask([name = object_of(address)](ObjectStore& objects) { return objects.exists(name); });
}

std::optional<std::string> BucketFiles::get(std::string_view address) {
  auto bytes = ask([name = object_of(address)](ObjectStore& objects) { return objects.get(name); });
  return std::move(*bytes);
}

std::optional<std::string> BucketFiles::head(std::string_view address, std::size_t bytes) {
  auto first = ask([name = object_of(address), bytes](ObjectStore& objects) { return objects.get_first(name, bytes); });
  return std::move(*first);
}

void BucketFiles::remove(std::string_view address) {
  static_cast<void>(ask([name = object_of(address)](ObjectStore& objects) { return objects.remove(name); }));
}

void BucketFiles::list(const std::function<void(const Entry&)>& take) {
  const auto entries = ask([](ObjectStore& objects) { return objects.list_entries(kFilesPrefix); });
  for (const ObjectStore::Entry& entry : *entries) {
    std::string address = entry.name.substr(kFilesPrefix.size());
    if (address.size() > kPartDigits && address[kPartDigits] == '/') address.erase(kPartDigits, 1);
    if (is_file_address(address)) take({std::move(address), entry.written_at});
  }
}

std::shared_ptr<void> BucketFiles::hold() {
  if (lock_path_.empty()) return std::make_shared<int>(0);
  auto lock = FileLock::take(lock_path_);
  if (!lock && lock.error().code != "in_use") throw std::runtime_error(lock.error().message);
  return lock ? std::shared_ptr<void>(std::move(*lock)) : nullptr;
}

}  // namespace trapline::collector
