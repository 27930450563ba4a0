#include "collector/storage/archive/event_lines.h"

#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <zstd.h>

#include "collector/storage/event_json.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;
using core::Status;
using nlohmann::json;

/// More work than at digestion, as nobody waits.
constexpr int kArchiveLevel = 6;
/// Far above any event that the doors let in.
constexpr std::size_t kLongestLine = std::size_t{64} << 20;
constexpr std::string_view kBeforePayload = ",\"payload\":";

Error damaged_line(const std::string& why) { return {"archive_damaged", "a line of the archive is damaged: " + why}; }

/// Where a payload has line ends: a line must not, and in JSON a blank does as well there.
std::vector<std::size_t> take_out(std::string& payload, char character) {
  std::vector<std::size_t> places;
  for (std::size_t at = payload.find(character); at != std::string::npos; at = payload.find(character, at + 1)) {
    places.push_back(at);
    payload[at] = ' ';
  }
  return places;
}

void put_back(std::string& payload, char character, const json& places) {
  for (const json& place : places) {
    const auto at = place.get<std::size_t>();
    if (at >= payload.size()) throw std::out_of_range("a line end behind the payload");
    payload[at] = character;
  }
}

StoredEvent read_head(const json& head) {
  StoredEvent stored;
  stored.issue_id = std::stoll(head.at("issue_id").get<std::string>());
  DigestedEvent& event = stored.event;
  const json& archive = head.at("archive");
  event.project_id = std::stoll(head.at("project_id").get<std::string>());
  event.received_at = archive.at("received_at").get<UnixMillis>();
  event.timestamp = archive.at("timestamp").get<UnixMillis>();
  const auto level = parse_level(head.at("level").get<std::string>());
  if (!level) throw std::runtime_error("there is no level " + head.at("level").dump());
  event.level = *level;
  for (const auto& [name, text] :
       {std::pair("event_id", &event.event_id), std::pair("title", &event.title), std::pair("type", &event.type),
        std::pair("value", &event.value), std::pair("culprit", &event.culprit), std::pair("platform", &event.platform),
        std::pair("environment", &event.environment), std::pair("release", &event.release),
        std::pair("transaction", &event.transaction), std::pair("server_name", &event.server_name),
        std::pair("user", &event.user)}) {
    *text = head.at(name).get<std::string>();
  }
  for (const json& tag : head.at("tags")) event.tags.emplace_back(tag.at("key"), tag.at("value"));
  event.fingerprint = archive.at("fingerprint").get<std::string>();
  event.coarse_fingerprint = archive.at("coarse_fingerprint").get<std::string>();
  return stored;
}

}  // namespace

std::string archive_line(const StoredEvent& stored) {
  const DigestedEvent& event = stored.event;
  std::string payload = event.payload;
  json archive = {{"received_at", event.received_at},
                  {"timestamp", event.timestamp},
                  {"fingerprint", event.fingerprint},
                  {"coarse_fingerprint", event.coarse_fingerprint},
                  {"payload_bytes", payload.size()}};
  if (auto places = take_out(payload, '\n'); !places.empty()) archive["line_feeds"] = std::move(places);
  if (auto places = take_out(payload, '\r'); !places.empty()) archive["carriage_returns"] = std::move(places);
  std::string line = event_to_json(stored, false, false);
  line.pop_back();  // the closing brace
  line += ",\"archive\":";
  line += archive.dump(-1, ' ', false, json::error_handler_t::replace);
  line += kBeforePayload;
  line += payload;
  line += "}\n";
  return line;
}

Result<StoredEvent> read_archive_line(std::string_view line) {
  // Before the payload there are our own members alone, in whose texts each quotation mark has a backslash before it.
  const std::size_t at = line.find(kBeforePayload);
  if (at == std::string_view::npos || !line.ends_with('}')) return damaged_line("it has no event");
  const std::size_t begin = at + kBeforePayload.size();
  try {
    const json head = json::parse(std::string(line.substr(0, at)) + "}");
    const json& archive = head.at("archive");
    StoredEvent stored = read_head(head);
    std::string& payload = stored.event.payload;
    payload = line.substr(begin, line.size() - begin - 1);
    if (archive.at("payload_bytes").get<std::size_t>() != payload.size()) {
      return damaged_line("its payload has another length");
    }
    put_back(payload, '\n', archive.value("line_feeds", json::array()));
    put_back(payload, '\r', archive.value("carriage_returns", json::array()));
    return stored;
  } catch (const std::exception& error) {
    return damaged_line(error.what());
  }
}

struct LinePacker::Context {
  Context() : stream(ZSTD_createCCtx()) {
    if (stream == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(stream, ZSTD_c_compressionLevel, kArchiveLevel);
    ZSTD_CCtx_setParameter(stream, ZSTD_c_checksumFlag, 1);
  }
  ~Context() { ZSTD_freeCCtx(stream); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  ZSTD_CCtx* stream;
};

LinePacker::LinePacker() : context_(std::make_unique<Context>()) {}
LinePacker::~LinePacker() = default;

void LinePacker::add(std::string_view line) {
  compress(line, false);
  plain_bytes_ += line.size();
}

std::string LinePacker::finish() {
  compress({}, true);
  plain_bytes_ = 0;
  return std::exchange(packed_, {});
}

void LinePacker::compress(std::string_view text, bool is_last) {
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  std::string piece(ZSTD_CStreamOutSize(), '\0');
  while (true) {
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    const std::size_t left = ZSTD_compressStream2(context_->stream, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) != 0) throw std::runtime_error(std::string("zstd: ") + ZSTD_getErrorName(left));
    packed_.append(piece, 0, out.pos);
    if (is_last ? left == 0 : in.pos == in.size) return;
  }
}

Status for_each_line(std::string_view frame, const std::function<Status(std::string_view)>& take) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> stream(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  if (stream == nullptr) throw std::bad_alloc();
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  std::string piece(ZSTD_DStreamOutSize(), '\0');
  std::string rest;
  std::size_t left = 1;  // 0: a frame has ended
  while (true) {
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    left = ZSTD_decompressStream(stream.get(), &out, &in);
    if (ZSTD_isError(left) != 0) return damaged_line(ZSTD_getErrorName(left));
    std::string_view text(piece.data(), out.pos);
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
      rest += text.substr(0, end);
      text.remove_prefix(end + 1);
      if (Status status = take(rest); !status) return status;
      rest.clear();
    }
    rest += text;
    if (rest.size() > kLongestLine) return damaged_line("it is longer than any event");
    // What is in the decoder comes out before there is room left in the piece.
    if (in.pos == in.size && out.pos < out.size) break;
  }
  return left == 0 && rest.empty() ? Status{} : Status{damaged_line("it ends in the middle")};
}

}  // namespace trapline::collector
