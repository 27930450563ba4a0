#include "collector/http/user_export.h"

#include <string>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>
#include <sodium.h>

#include "collector/http/api_json.h"
#include "collector/http/item_json.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using nlohmann::json;

/// Of one line it may be some hundred KiB more.
constexpr std::size_t kUserPieceBytes = std::size_t{64} << 10;
/// A user of whom there is little must not hold a thread until they are found.
constexpr int kUserPagesAtOnce = 8;

std::string line_of(const json& shown) { return shown.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

std::string base64_of(const std::string& bytes) {
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    kVariant);
  text.pop_back();  // the NUL at its end
  return text;
}

std::string_view kind_of(const StoredItem& item) {
  if (std::holds_alternative<Attachment>(item.content)) return "attachment";
  if (std::holds_alternative<SessionUpdate>(item.content)) return "session";
  if (std::holds_alternative<SessionCounts>(item.content)) return "session_count";
  return "feedback";
}

std::string_view field_word(UserField field) {
  switch (field) {
    case UserField::kId:
      return "id";
    case UserField::kEmail:
      return "email";
    case UserField::kUsername:
      return "username";
    case UserField::kIpAddress:
      break;
  }
  return "ip";
}

std::string event_line(std::string_view kind, const StoredEvent& stored) {
  return R"({"kind":")" + std::string(kind) + "\"," + event_to_json(stored, true, false).substr(1) + "\n";
}

std::string line_of(const StoredEvent& stored) { return event_line("event", stored); }

std::string line_of(const StoredItem& item) {
  json shown;
  if (const auto* file = std::get_if<Attachment>(&item.content)) {
    shown = fields_of(*file);
    shown["base64"] = base64_of(file->bytes);
  } else if (const auto* session = std::get_if<SessionUpdate>(&item.content)) {
    shown = fields_of(*session);
  } else if (const auto* counts = std::get_if<SessionCounts>(&item.content)) {
    shown = fields_of(*counts);
  } else if (const auto* report = std::get_if<UserReport>(&item.content)) {
    shown = fields_of(*report);
  }
  shown["kind"] = kind_of(item);
  shown["id"] = item.item_id;
  shown["project_id"] = std::to_string(item.project_id);
  shown["received_at"] = core::format_timestamp(item.received_at);
  return line_of(shown);
}

std::string line_of(const QuarantinedEvent& event) {
  json shown = to_json(event);
  shown["kind"] = "quarantined_event";
  shown["project_id"] = std::to_string(event.project_id);
  return line_of(shown);
}

std::string line_of(const UserName& name) {
  return line_of(json{{"kind", "search_name"},
                      {"project_id", std::to_string(name.project_id)},
                      {"field", field_word(name.field)},
                      {"value", name.value},
                      {"last_seen", core::format_timestamp(name.last_seen)}});
}

}  // namespace

Result<std::unique_ptr<UserExport>> UserExport::begin(Store& store, const PayloadReader& reader,
                                                      const UserSelector& user,
                                                      const std::optional<ArchiveInUse>& archive) {
  auto walk = store.begin_walk(user, reader);
  if (!walk) return walk.error();
  std::unique_ptr<UserExport> begun(new UserExport(store, std::move(*walk)));
  if (archive) begun->archive_.emplace(*archive, user, reader);
  return begun;
}

Result<BodySource::Piece> UserExport::next() {
  Piece piece;
  // Reading an object of the archive takes its time: one is enough, and none for the beginning of an answer.
  if (walk_ == nullptr) {
    if (Status status = add_archived(piece); !status) return status.error();
  }
  for (int pages = 0; pages < kUserPagesAtOnce && piece.bytes.size() < kUserPieceBytes && walk_ != nullptr; ++pages) {
    if (Status status = add_stored(piece); !status) return status.error();
  }
  piece.is_last = walk_ == nullptr && !archive_;
  return piece;
}

Status UserExport::add_stored(Piece& piece) {
  const auto page = store_.walk_on(*walk_);
  if (!page) return page.error();
  for (const UserRecord& record : page->records) {
    piece.bytes += std::visit([](const auto& one) { return line_of(one); }, record);
  }
  percent_ = page->percent;
  if (page->is_last) walk_.reset();
  return {};
}

Status UserExport::add_archived(Piece& piece) {
  const auto has_more = archive_->walk_on([&](const StoredEvent& stored) -> Status {
    piece.bytes += event_line("archived_event", stored);
    return {};
  });
  if (!has_more) return has_more.error();
  if (!*has_more) archive_.reset();
  return {};
}

int UserExport::percent() const { return archive_ ? (percent_ + archive_->percent()) / 2 : percent_; }

}  // namespace trapline::collector
