#include "collector/ingest/minidump_upload.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include <nlohmann/json.hpp>
#include <sodium.h>

#include "collector/ingest/multipart.h"
#include "sdk/core/bounded_json.h"
#include "sdk/core/event_id.h"
#include "sdk/core/hex.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;

constexpr std::string_view kDumpField = "upload_file_minidump";
constexpr std::string_view kDumpMagic = "MDMP";
constexpr std::size_t kLongestExtra = 10'000;

/// The program's own fields, as one JSON object; what is none stays with the extras of the event.
nlohmann::json own_fields(const std::vector<FormField>& fields) {
  std::string whole;
  std::map<std::size_t, std::string_view> pieces;
  for (const FormField& field : fields) {
    if (field.name == "sentry") whole = field.value;
    if (field.name.starts_with("sentry__") && field.name.size() <= 12) {
      pieces[static_cast<std::size_t>(std::atoi(field.name.c_str() + 8))] = field.value;
    }
  }
  for (const auto& [number, piece] : pieces) whole += piece;
  nlohmann::json event = core::parse_bounded_json(whole);
  return event.is_object() ? event : nlohmann::json::object();
}

void complete(nlohmann::json& event) {
  if (!event.contains("platform")) event["platform"] = "native";
  if (!event.contains("level")) event["level"] = "fatal";
  if (event.contains("exception")) return;
  event["exception"]["values"] = {{{"type", "Minidump"},
                                   {"value", "The program crashed"},
                                   {"mechanism", {{"type", "minidump"}, {"handled", false}, {"synthetic", true}}}}};
}

std::string id_of(std::string_view dump) {
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(dump.data()), dump.size(),
                     nullptr, 0);
  return core::to_hex(std::as_bytes(std::span(hash)));
}

}  // namespace

Result<MinidumpUpload> read_minidump_upload(std::string_view content_type, std::string_view body) {
  const auto fields = read_multipart(content_type, body);
  if (!fields) return fields.error();
  const auto dump =
      std::find_if(fields->begin(), fields->end(), [](const FormField& field) { return field.name == kDumpField; });
  if (dump == fields->end()) {
    return Error{"missing_minidump", "the upload has no file in the field " + std::string(kDumpField)};
  }
  if (!dump->value.starts_with(kDumpMagic)) {
    return Error{"invalid_minidump", "the file in " + std::string(kDumpField) +
                                         " is no minidump: it does not begin "
                                         "with MDMP"};
  }
  MinidumpUpload upload;
  upload.files.push_back(
      {dump->filename.empty() ? "minidump.dmp" : dump->filename, "application/x-dmp", "event.minidump", dump->value});
  nlohmann::json event = own_fields(*fields);
  for (const FormField& field : *fields) {
    if (field.name == kDumpField || field.name == "sentry" || field.name.starts_with("sentry__")) continue;
    if (!field.filename.empty()) {
      upload.files.push_back({field.filename, field.content_type, "event.attachment", field.value});
    } else if (field.value.size() <= kLongestExtra && (!event.contains("extra") || event["extra"].is_object())) {
      event["extra"][field.name] = std::string(field.value);
    }
  }
  complete(event);
  const bool has_id = event.contains("event_id") && event["event_id"].is_string() &&
                      core::normalise_event_id(event["event_id"].get_ref<const std::string&>());
  if (!has_id) upload.event_id = id_of(dump->value);
  upload.event = event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return upload;
}

}  // namespace trapline::collector
