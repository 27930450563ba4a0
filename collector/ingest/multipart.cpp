#include "collector/ingest/multipart.h"

#include <algorithm>

#include "sdk/core/ascii.h"

namespace trapline::collector {
namespace {

constexpr std::string_view kPartBlanks = " \t\r\n";

using core::Error;
using core::Result;

constexpr std::size_t kMostParts = 200;
constexpr std::size_t kLongestBoundary = 200;
constexpr std::string_view kLineEnd = "\r\n";

/// The value of `name` in "form-data; name=\"x\"; filename=y": quoted, with backslashes before quotes, or bare.
std::string parameter(std::string_view header, std::string_view name) {
  std::size_t at = header.find(';');
  while (at != std::string_view::npos) {
    std::string_view rest = core::trim(header.substr(at + 1), kPartBlanks);
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return {};
    const bool is_wanted = core::to_lower(core::trim(rest.substr(0, equals), kPartBlanks)) == name;
    rest = core::trim(rest.substr(equals + 1), kPartBlanks);
    std::string value;
    std::size_t end = 0;
    if (rest.starts_with('"')) {
      for (end = 1; end < rest.size() && rest[end] != '"'; ++end) {
        if (rest[end] == '\\' && end + 1 < rest.size() && (rest[end + 1] == '"' || rest[end + 1] == '\\')) ++end;
        value += rest[end];
      }
    } else {
      end = std::min(rest.find(';'), rest.size());
      value = core::trim(rest.substr(0, end), kPartBlanks);
    }
    if (is_wanted) return value;
    const std::size_t next = rest.find(';', end);
    if (next == std::string_view::npos) return {};
    at = static_cast<std::size_t>(rest.data() - header.data()) + next;
  }
  return {};
}

Error bad_multipart(std::string_view what) {
  return {"invalid_multipart", "the multipart body is malformed: " + std::string(what)};
}

void read_header(std::string_view line, FormField& field) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string name = core::to_lower(core::trim(line.substr(0, colon), kPartBlanks));
  const std::string_view value = core::trim(line.substr(colon + 1), kPartBlanks);
  if (name == "content-disposition") {
    field.name = parameter(value, "name");
    field.filename = parameter(value, "filename");
  } else if (name == "content-type") {
    field.content_type = value;
  }
}

}  // namespace

Result<std::vector<FormField>> read_multipart(std::string_view content_type, std::string_view body) {
  const bool is_multipart =
      core::to_lower(core::trim(content_type.substr(0, content_type.find(';')), kPartBlanks)) == "multipart/form-data";
  const std::string boundary = parameter(content_type, "boundary");
  if (!is_multipart || boundary.empty() || boundary.size() > kLongestBoundary) {
    return Error{"unsupported_content_type", "this door takes Content-Type: multipart/form-data; boundary=..."};
  }
  const std::string delimiter = "--" + boundary;
  std::size_t at = body.find(delimiter);
  if (at == std::string_view::npos) return bad_multipart("its boundary does not occur");
  std::vector<FormField> fields;
  while (true) {
    at += delimiter.size();
    if (body.substr(at).starts_with("--")) return fields;
    if (!body.substr(at).starts_with(kLineEnd)) return bad_multipart("no line end follows a boundary");
    at += kLineEnd.size();
    if (fields.size() == kMostParts) {
      return Error{"too_many_parts", "one upload may have " + std::to_string(kMostParts) + " parts"};
    }
    FormField& field = fields.emplace_back();
    while (true) {
      const std::size_t line_end = body.find(kLineEnd, at);
      if (line_end == std::string_view::npos) return bad_multipart("it ends inside a part's headers");
      const std::string_view line = body.substr(at, line_end - at);
      at = line_end + kLineEnd.size();
      if (line.empty()) break;
      read_header(line, field);
    }
    if (field.name.empty()) return bad_multipart("part " + std::to_string(fields.size() - 1) + " has no name");
    // A delimiter is a line of its own; the line end before it belongs to it. An empty value has none to give.
    const std::string ending = std::string(kLineEnd) + delimiter;
    const bool is_empty = body.substr(at).starts_with(delimiter);
    const std::size_t end = is_empty ? at : body.find(ending, at);
    if (end == std::string_view::npos) return bad_multipart("it ends before its closing boundary");
    field.value = body.substr(at, end - at);
    at = is_empty ? at : end + kLineEnd.size();
  }
}

}  // namespace trapline::collector
