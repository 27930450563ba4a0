#pragma once

/// Where the bytes of attachments are: under the address that is made of them, so that the same bytes are there once.
/// What names an address, and when nothing does any more, the database knows (sql/attachment_contents.h). Thread-safe;
/// several processes may share one. What fails is thrown as std::runtime_error.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collector/storage/records.h"

namespace trapline::collector {

/// 64 lower-case hex digits. Nothing else leads to a file, whatever a database says.
bool is_file_address(std::string_view text);

class FileStore {
 public:
  struct Entry {
    std::string address;
    UnixMillis written_at = 0;
  };

  FileStore() = default;
  virtual ~FileStore() = default;
  FileStore(const FileStore&) = delete;
  FileStore& operator=(const FileStore&) = delete;

  /// Whole and lasting when it returns. What is there already is not written again.
  virtual void put(std::string_view address, std::string_view bytes) = 0;
  virtual bool contains(std::string_view address) = 0;
  /// Whether it is there and lasting: what another process has just put may not be yet, and is made so.
  virtual bool contains_lasting(std::string_view address) = 0;
  /// Nothing when there is none.
  virtual std::optional<std::string> get(std::string_view address) = 0;
  /// The first bytes of it, fewer when it has not so many.
  virtual std::optional<std::string> head(std::string_view address, std::size_t bytes) = 0;
  /// Does nothing when there is none.
  virtual void remove(std::string_view address) = 0;
  virtual void list(const std::function<void(const Entry&)>& take) = 0;
  /// What a put() has left that was broken off before that time.
  virtual void remove_unfinished(UnixMillis before) = 0;
  /// Held by who removes files, and by who needs them all to stay. Null: another one holds it.
  virtual std::shared_ptr<void> hold() = 0;
  /// The program ends: what waits for another machine is broken off within seconds, and what comes later, too.
  virtual void end_soon() {}
  /// For messages.
  [[nodiscard]] virtual std::string place() const = 0;
};

}  // namespace trapline::collector
