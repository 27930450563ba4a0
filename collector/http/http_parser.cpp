#include "collector/http/http_parser.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "sdk/core/ascii.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kLongestHead = std::size_t{32} << 10;
constexpr std::size_t kMostHeaders = 100;
constexpr std::size_t kLongestChunkLine = 256;
constexpr std::size_t kLongestTrailer = std::size_t{8} << 10;
/// Room made at once for a body whose length is announced; a longer one grows as it comes.
constexpr std::size_t kMostReserved = std::size_t{256} << 10;
constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kLineEnd = "\r\n";

/// RFC 9110: what methods and header names are made of.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return core::is_alnum(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; });
}

int hex_value(char c) {
  if (!core::is_hex_digit(c)) return -1;
  return core::is_digit(c) ? c - '0' : core::to_lower(c) - 'a' + 10;
}

std::string decode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int high = text[at] == '%' && at + 2 < text.size() ? hex_value(text[at + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[at + 2]) : -1;
    if (low >= 0) {
      decoded += static_cast<char>(high * 16 + low);
      at += 2;
    } else {
      decoded += plus_is_blank && text[at] == '+' ? ' ' : text[at];
    }
  }
  return decoded;
}

/// "http://host/path" as proxies write it -> "/path"
std::string_view without_authority(std::string_view target) {
  const std::size_t scheme_end = target.find("://");
  const bool is_absolute =
      scheme_end != std::string_view::npos && (core::to_lower(target.substr(0, scheme_end)) == "http" ||
                                               core::to_lower(target.substr(0, scheme_end)) == "https");
  if (!is_absolute) return target;
  const std::size_t path = target.find('/', scheme_end + 3);
  return path == std::string_view::npos ? std::string_view("/") : target.substr(path);
}

/// Headers whose lines are one list (RFC 9110, 5.3), of those that matter here. Proxies add a line of their own.
bool is_list_header(std::string_view name) {
  constexpr std::array<std::string_view, 4> kLists = {"x-forwarded-for", "connection", "content-encoding",
                                                      "access-control-request-headers"};
  return std::find(kLists.begin(), kLists.end(), name) != kLists.end();
}

/// Whether a line ends without the carriage return, or is so far.
bool has_bare_line_feed(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find('\n', from); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (core::to_lower(core::trim(list.substr(0, comma))) == word) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

}  // namespace

std::string RequestHead::path() const { return decode(std::string_view(target).substr(0, target.find('?')), false); }

std::multimap<std::string, std::string> RequestHead::query() const {
  std::multimap<std::string, std::string> parameters;
  const std::size_t mark = target.find('?');
  std::string_view rest = mark == std::string::npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view part = rest.substr(0, end);
    const std::size_t equals = part.find('=');
    if (!part.empty()) {
      parameters.emplace(decode(part.substr(0, equals), true),
                         equals == std::string_view::npos ? "" : decode(part.substr(equals + 1), true));
    }
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return parameters;
}

std::size_t RequestParser::feed(std::string_view bytes) {
  switch (state_) {
    case State::kHead:
      return feed_head(bytes);
    case State::kBody:
      return head_.is_chunked ? feed_chunks(bytes) : feed_body(bytes);
    case State::kHeadDone:
    case State::kDone:
    case State::kFailed:
      break;
  }
  return 0;
}

std::size_t RequestParser::feed_head(std::string_view bytes) {
  std::size_t skipped = 0;
  if (text_.empty()) {  // a line end left over from the request before (RFC 9112, 2.2)
    while (skipped < bytes.size() && (bytes[skipped] == '\r' || bytes[skipped] == '\n')) ++skipped;
    bytes.remove_prefix(skipped);
  }
  const std::size_t before = text_.size();
  const std::size_t look_from = before < kHeadEnd.size() ? 0 : before - kHeadEnd.size() + 1;
  text_.append(bytes.substr(0, kLongestHead + kHeadEnd.size() - std::min(before, kLongestHead)));
  const std::size_t end = text_.find(kHeadEnd, look_from);
  if (end == std::string::npos) {
    if (text_.size() > kLongestHead) {
      fail(431, "head_too_large", "request line and headers may have 32 KiB together");
    } else if (has_bare_line_feed(text_, before)) {
      fail(400, "bad_request", "a line of the request's head does not end in CR LF");
    } else if (const std::size_t line = text_.find('\n');
               line != std::string::npos && text_.substr(0, line).find(" HTTP/") == std::string::npos) {
      fail(400, "bad_request", "this is no HTTP/1.1 request");
    }
    return skipped + bytes.size();
  }
  const std::size_t consumed = end + kHeadEnd.size() - before;
  text_.resize(end);
  read_head();
  return skipped + consumed;
}

void RequestParser::read_head() {
  std::string_view rest = text_;
  bool is_first = true;
  while (!rest.empty() || is_first) {
    const std::size_t end = rest.find(kLineEnd);
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + kLineEnd.size());
    if (!(is_first ? read_request_line(line) : read_header(line))) return;
    is_first = false;
  }
  if (!read_framing()) return;
  text_.clear();
  state_ = State::kHeadDone;
}

bool RequestParser::read_request_line(std::string_view line) {
  if (has_control(line)) {  // a bare line end among them: two servers may read it differently
    fail(400, "bad_request", "the request line holds control characters");
    return false;
  }
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  const bool has_parts = first != std::string_view::npos && last > first + 1;
  const std::string_view version = has_parts ? line.substr(last + 1) : std::string_view{};
  const std::string_view target = without_authority(has_parts ? line.substr(first + 1, last - first - 1) : "");
  const bool is_http = version == "HTTP/1.1" || version == "HTTP/1.0";
  if (!is_http || !is_token(line.substr(0, first)) || has_control(target) ||
      target.find(' ') != std::string_view::npos || (!target.starts_with('/') && target != "*")) {
    fail(400, "bad_request", "the request line is malformed: it reads METHOD /path HTTP/1.1");
    return false;
  }
  head_.method = line.substr(0, first);
  head_.target = target;
  head_.is_http_1_0 = version == "HTTP/1.0";
  head_.keeps_alive = !head_.is_http_1_0;
  return true;
}

bool RequestParser::read_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  // A line that begins with a blank would go on the one before (obsolete, and two servers may read it differently).
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    fail(400, "bad_request", "a header line is malformed");
    return false;
  }
  std::string name = core::to_lower(line.substr(0, colon));
  const std::string_view value = core::trim(line.substr(colon + 1));
  if (has_control(value)) {
    fail(400, "bad_request", "the header " + name + " holds control characters");
    return false;
  }
  if (head_.headers.size() == kMostHeaders) {
    fail(431, "head_too_large", "a request may have 100 headers");
    return false;
  }
  const auto [existing, is_new] = head_.headers.emplace(std::move(name), value);
  if (is_new) return true;
  const std::string& known = existing->first;
  const bool may_not_repeat =
      known == "host" || known == "transfer-encoding" || (known == "content-length" && existing->second != value);
  if (may_not_repeat) {
    fail(400, "bad_request", "the header " + known + " occurs twice");
    return false;
  }
  if (is_list_header(known)) existing->second.append(", ").append(value);
  return true;
}

bool RequestParser::read_framing() {
  const auto value_of = [&](const char* name) -> std::string_view {
    const auto found = head_.headers.find(name);
    return found != head_.headers.end() ? std::string_view(found->second) : std::string_view{};
  };
  if (!head_.is_http_1_0 && !head_.headers.contains("host")) {
    fail(400, "bad_request", "the header Host is missing");
    return false;
  }
  if (head_.headers.contains("transfer-encoding")) {
    if (head_.is_http_1_0) {
      fail(400, "bad_request", "HTTP/1.0 has no Transfer-Encoding");
      return false;
    }
    if (core::to_lower(value_of("transfer-encoding")) != "chunked") {
      fail(501, "bad_request", "the only Transfer-Encoding that is understood is chunked");
      return false;
    }
    if (head_.headers.contains("content-length")) {
      fail(400, "bad_request", "a request has a Content-Length or is chunked, not both");
      return false;
    }
    head_.is_chunked = true;
  }
  if (const auto found = head_.headers.find("content-length"); found != head_.headers.end()) {
    const std::string& digits = found->second;
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
      fail(400, "bad_request", "Content-Length is no number of bytes");
      return false;
    }
    head_.content_length = length;
  }
  const std::string_view connection = value_of("connection");
  if (has_word(connection, "close")) head_.keeps_alive = false;
  if (has_word(connection, "keep-alive")) head_.keeps_alive = true;
  head_.expects_continue = core::to_lower(value_of("expect")) == "100-continue";
  return true;
}

void RequestParser::begin_body(std::size_t max_bytes) {
  max_body_bytes_ = max_bytes;
  if (!head_.has_body()) {
    state_ = State::kDone;
    return;
  }
  state_ = State::kBody;
  if (head_.is_chunked) return;
  left_ = *head_.content_length;
  if (left_ > max_body_bytes_) {
    fail(413, "body_too_large", "the body is larger than the limit of " + std::to_string(max_bytes) + " bytes");
    return;
  }
  body_.reserve(std::min<std::size_t>(left_, kMostReserved));
}

std::size_t RequestParser::feed_body(std::string_view bytes) {
  const std::string_view taken = bytes.substr(0, left_);
  body_.append(taken);
  left_ -= taken.size();
  if (left_ == 0) state_ = State::kDone;
  return taken.size();
}

bool RequestParser::take_line(std::string_view bytes, std::size_t& consumed) {
  const std::size_t end = bytes.find('\n');
  const std::string_view taken = bytes.substr(0, end == std::string_view::npos ? bytes.size() : end + 1);
  consumed += taken.size();
  text_.append(taken);
  if (text_.size() > kLongestChunkLine + kLongestTrailer) {
    fail(400, "bad_request", "a line between the chunks of the body is too long");
    return false;
  }
  if (end == std::string_view::npos) return false;
  if (!text_.ends_with(kLineEnd)) {
    fail(400, "bad_request", "a line between the chunks of the body is malformed");
    return false;
  }
  text_.resize(text_.size() - kLineEnd.size());
  return true;
}

std::size_t RequestParser::feed_chunks(std::string_view bytes) {
  std::size_t consumed = 0;
  while (consumed < bytes.size() && state_ == State::kBody) {
    const std::string_view rest = bytes.substr(consumed);
    if (chunk_ != Chunk::kData) {
      if (take_line(rest, consumed)) end_chunk_line();
      continue;
    }
    const std::string_view taken = rest.substr(0, left_);
    body_.append(taken);
    left_ -= taken.size();
    consumed += taken.size();
    if (left_ == 0) chunk_ = Chunk::kDataEnd;
  }
  return consumed;
}

void RequestParser::end_chunk_line() {
  const std::string line = std::move(text_);
  text_.clear();
  if (chunk_ == Chunk::kDataEnd) {
    if (!line.empty()) return fail(400, "bad_request", "a chunk of the body is longer than it said");
    chunk_ = Chunk::kSize;
    return;
  }
  if (chunk_ == Chunk::kTrailer) {
    trailer_bytes_ += line.size();
    if (line.empty()) state_ = State::kDone;
    if (trailer_bytes_ > kLongestTrailer) fail(431, "head_too_large", "the trailer behind the body is too long");
    return;
  }
  const std::string_view digits = core::trim(std::string_view(line).substr(0, line.find(';')));
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  if (digits.empty() || digits.size() > 15 || error != std::errc{} || end != digits.data() + digits.size()) {
    return fail(400, "bad_request", "the size of a chunk of the body is no hexadecimal number");
  }
  if (size > max_body_bytes_ - std::min(max_body_bytes_, body_.size())) {
    return fail(413, "body_too_large",
                "the body is larger than the limit of " + std::to_string(max_body_bytes_) + " bytes");
  }
  left_ = size;
  chunk_ = size == 0 ? Chunk::kTrailer : Chunk::kData;
}

void RequestParser::fail(int http_status, std::string_view code, std::string_view message) {
  failure_ = {http_status, std::string(code), std::string(message)};
  state_ = State::kFailed;
  body_ = std::string();
}

}  // namespace trapline::collector
