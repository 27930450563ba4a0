#include "collector/storage/sql/attachment_contents.h"

#include <stdexcept>
#include <utility>

#include "collector/storage/sql/event_codec.h"
#include "collector/storage/sql/issue_changes.h"

namespace trapline::collector::sql {
namespace {

/// Compressed bytes. A file takes a block of 4 KiB, an inode and two waits for the disk.
constexpr std::size_t kMostInRow = 1'024;

}  // namespace

PlacedContent AttachmentContents::place(const StoredItem& item, const Attachment& attachment) const {
  PlacedContent content;
  content.size = static_cast<std::int64_t>(attachment.bytes.size());
  std::string address;
  if (files_ != nullptr && attachment.bytes.size() > kMostInRow) {
    address = sealer_.address_of(attachment.bytes);
    // What is there already need not be compressed again.
    if (files_->contains_lasting(address)) {
      content.address = std::move(address);
      return content;
    }
  }
  std::string packed = pack_bytes(attachment.bytes);
  if (files_ == nullptr || packed.size() <= kMostInRow) {
    content.in_row = sealer_.seal(std::move(packed), attachment_place(item.project_id, item.item_id));
    return content;
  }
  files_->put(address, sealer_.seal(std::move(packed), file_place(address)));
  content.address = std::move(address);
  return content;
}

std::int64_t AttachmentContents::file_id(Connection& connection, const PlacedContent& content) const {
  if (!files_->contains(content.address)) {
    throw Refusal("file_gone", "the file " + content.address + " in " + files_->place() + " was removed meanwhile");
  }
  {
    Statement known = connection.prepare("SELECT id FROM stored_file WHERE address = ?");
    known.bind(std::string_view(content.address));
    if (known.step()) return known.integer(0);
  }
  Statement insert = connection.prepare("INSERT INTO stored_file (address, size) VALUES (?, ?) RETURNING id");
  insert.bind(std::string_view(content.address), content.size);
  insert.step();
  return insert.integer(0);
}

std::string AttachmentContents::read(ProjectId project, std::string_view item_id, std::string_view in_row,
                                     std::string_view address) const {
  if (address.empty()) {
    std::string opened;
    return unpack_bytes(sealer_.open(in_row, attachment_place(project, item_id), opened));
  }
  if (files_ == nullptr) {
    throw std::runtime_error("attachments are in files, and the folder that has them was not named (--files)");
  }
  auto stored = files_->get(address);
  if (!stored) {
    throw Refusal("file_missing", "the file " + std::string(address) + " of an attachment is missing in " +
                                      files_->place() + ": trapline-collector check says more");
  }
  return open_file(sealer_, address, std::move(*stored), false);
}

std::string open_file(const Sealer& sealer, std::string_view address, std::string stored, bool is_checked) {
  std::string opened;
  const std::string seal = stored.substr(0, kSealPrefixBytes);
  std::string_view packed = sealer.open(stored, file_place(address), opened);
  if (packed.data() == opened.data()) stored = {};  // it may have many megabytes
  std::string bytes = unpack_bytes(packed);
  if (is_checked && sealer.address_of(bytes, seal) != address) {
    throw std::runtime_error("its bytes are not those that its address says");
  }
  return bytes;
}

}  // namespace trapline::collector::sql
