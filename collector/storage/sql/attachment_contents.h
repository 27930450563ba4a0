#pragma once

/// Where an attachment's bytes are: small ones in its row, others in a file that all attachments with the same bytes
/// share. The order that a kill at any instant leaves right: a file is on the disk before a row names it, and is
/// removed only when none does. Nobody removes a file but in a write transaction, of which there is one at a time in
/// the whole database, and whoever names a file sees to it in theirs that it is still there: so it stays.

#include <cstdint>
#include <string>
#include <string_view>

#include "collector/storage/files/file_store.h"
#include "collector/storage/items.h"
#include "collector/storage/sealing.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// One attachment's, as a row will name it: either of the two.
struct PlacedContent {
  std::string in_row;
  std::string address;
  std::int64_t size = 0;  ///< of the attachment
};

class AttachmentContents {
 public:
  /// `files` null: all bytes are kept in rows. Both must outlive this.
  AttachmentContents(FileStore* files, const Sealer& sealer) : files_(files), sealer_(sealer) {}

  [[nodiscard]] const Sealer& sealer() const { return sealer_; }

  /// Compresses and seals the bytes, and writes the file if there is to be one: what needs no transaction.
  [[nodiscard]] PlacedContent place(const StoredItem& item, const Attachment& attachment) const;

  /// The id by which an attachment's row names the file, inside its transaction. Throws Refusal "file_gone" when the
  /// file has been removed since place(), which is to be called again then.
  std::int64_t file_id(Connection& connection, const PlacedContent& content) const;

  /// The bytes by what the row has. Throws Refusal "file_missing", also when they have just got another address
  /// (key_rotation.h), and std::runtime_error when they are damaged.
  [[nodiscard]] std::string read(ProjectId project, std::string_view item_id, std::string_view in_row,
                                 std::string_view address) const;

 private:
  FileStore* files_;
  const Sealer& sealer_;
};

/// A file's bytes by what the store has under the address. Throws std::runtime_error when they are damaged, or others
/// than the address says (`is_checked`).
std::string open_file(const Sealer& sealer, std::string_view address, std::string stored, bool is_checked);

}  // namespace trapline::collector::sql
