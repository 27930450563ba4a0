#include "collector/http/request_head.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace trapline::collector {

namespace {

constexpr std::array<std::string_view, 7> kMethods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

HeadProblem malformed(std::string message) { return {400, "malformed_request", std::move(message)}; }

bool is_token(std::string_view text) {
  constexpr std::string_view kSymbols = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           kSymbols.find(letter) != std::string_view::npos;
  });
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char letter) {
    const auto code = static_cast<unsigned char>(letter);
    return (code < 0x20 && letter != '\t') || code == 0x7f;
  });
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

/// Takes the next line, without its CRLF, off the front; nothing when a line ends otherwise.
std::optional<std::string_view> next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || end == 0 || text[end - 1] != '\r') return std::nullopt;
  const std::string_view line = text.substr(0, end - 1);
  text.remove_prefix(end + 1);
  return line;
}

std::optional<HeadProblem> read_request_line(std::string_view line, RequestHead& head) {
  const std::size_t first_space = line.find(' ');
  const std::size_t last_space = line.rfind(' ');
  if (first_space == std::string_view::npos || first_space == last_space) {
    return malformed("the request line must be 'METHOD /path HTTP/1.1'");
  }
  head.method = line.substr(0, first_space);
  head.target = line.substr(first_space + 1, last_space - first_space - 1);
  const std::string_view version = line.substr(last_space + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return HeadProblem{505, "unsupported_version", "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  }
  head.keep_alive = version == "HTTP/1.1";
  if (std::find(kMethods.begin(), kMethods.end(), head.method) == kMethods.end()) {
    return HeadProblem{501, "unsupported_method", "the request's method is not one of those that are known here"};
  }
  if (head.target.size() > kMaxTargetBytes) {
    return HeadProblem{414, "target_too_long",
                       "the path and query have " + std::to_string(head.target.size()) + " bytes; " +
                           std::to_string(kMaxTargetBytes) + " are the most"};
  }
  const bool is_path = head.target.starts_with('/') || (head.target == "*" && head.method == "OPTIONS");
  if (!is_path || has_control_character(head.target) || head.target.find(' ') != std::string::npos) {
    return malformed("the request's target must be a path that starts with '/', without spaces");
  }
  return std::nullopt;
}

std::optional<HeadProblem> read_header_line(std::string_view line, RequestHead& head) {
  if (line.size() > kMaxHeaderLineBytes) {
    return HeadProblem{431, "header_too_long",
                       "a header line is over " + std::to_string(kMaxHeaderLineBytes) + " bytes long"};
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return malformed("a header line must be 'Name: value' and cannot be continued on the next one");
  }
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (has_control_character(value)) return malformed("the header " + std::string(name) + " has a control character");

  const auto [entry, is_new] = head.headers.try_emplace(std::string(name), value);
  if (is_new) return std::nullopt;
  const std::string lower_name = lower_case(name);
  // Two lengths or two framings are how one request is smuggled inside another one.
  if (lower_name == "content-length" || lower_name == "transfer-encoding" || lower_name == "host") {
    return malformed("the header " + std::string(name) + " is there twice");
  }
  if (lower_name == "cookie") entry->second.append("; ").append(value);
  return std::nullopt;
}

std::optional<HeadProblem> read_framing(RequestHead& head) {
  if (const auto length = head.headers.find("Content-Length"); length != head.headers.end()) {
    const std::string& text = length->second;
    std::uint64_t bytes = 0;
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    if (text.empty() || problem != std::errc() || stop != text.data() + text.size()) {
      return malformed("Content-Length must be a decimal number");
    }
    head.content_length = bytes;
  }
  if (const auto coding = head.headers.find("Transfer-Encoding"); coding != head.headers.end()) {
    if (lower_case(coding->second) != "chunked") {
      return HeadProblem{501, "unsupported_transfer_encoding", "the only Transfer-Encoding known here is chunked"};
    }
    if (head.content_length) return malformed("Content-Length and Transfer-Encoding exclude each other");
    head.is_chunked = true;
  }
  if (const auto wish = head.headers.find("Connection"); wish != head.headers.end()) {
    const std::string wishes = lower_case(wish->second);
    if (wishes.find("close") != std::string::npos) head.keep_alive = false;
    if (wishes.find("keep-alive") != std::string::npos) head.keep_alive = true;
  }
  const auto expectation = head.headers.find("Expect");
  head.expects_continue = expectation != head.headers.end() && lower_case(expectation->second) == "100-continue";
  return std::nullopt;
}

}  // namespace

std::variant<RequestHead, HeadProblem> parse_request_head(std::string_view text) {
  RequestHead head;
  const auto request_line = next_line(text);
  if (!request_line) return malformed("the request line must end with CR and LF");
  if (auto problem = read_request_line(*request_line, head)) return *std::move(problem);

  for (std::size_t count = 0;; ++count) {
    const auto line = next_line(text);
    if (!line) return malformed("every header line must end with CR and LF");
    if (line->empty()) break;
    if (count == kMaxHeaderLines) {
      return HeadProblem{431, "too_many_headers", "more than " + std::to_string(kMaxHeaderLines) + " header lines"};
    }
    if (auto problem = read_header_line(*line, head)) return *std::move(problem);
  }
  if (auto problem = read_framing(head)) return *std::move(problem);
  return head;
}

std::string framing_head(const RequestHead& head) {
  std::string text = head.method + " / HTTP/1.1\r\n";
  if (head.is_chunked) {
    text += "Transfer-Encoding: chunked\r\n";
  } else {
    text += "Content-Length: " + std::to_string(head.content_length.value_or(0)) + "\r\n";
  }
  if (head.expects_continue) text += "Expect: 100-continue\r\n";
  text += head.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return text;
}

}  // namespace trapline::collector
