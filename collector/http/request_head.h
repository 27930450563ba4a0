#pragma once

/// Reads the head of a request (RFC 9112): the request line and the header fields. We read it ourselves, before the
/// HTTP library sees anything, because version 0.11 of it takes heads without a bound on their size, percent-decodes
/// header values, runs std::regex over them (whose recursion overflows a thread's stack at 8 KB of Range header),
/// inflates bodies without a limit, and takes a body of unclear length as one that ends with the connection.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "collector/http/message.h"

namespace trapline::collector {

constexpr std::size_t kMaxTargetBytes = 8192;
constexpr std::size_t kMaxHeaderLineBytes = 8192;
constexpr std::size_t kMaxHeaderLines = 100;
constexpr std::size_t kMaxHeadBytes = std::size_t{32} << 10;

struct RequestHead {
  std::string method;
  std::string target;  ///< "/path?query", as sent
  HeaderMap headers;   ///< values without spaces around them; the first of a name, and for cookies all of them
  std::optional<std::uint64_t> content_length;
  bool is_chunked = false;
  bool keep_alive = true;  ///< the client wants to send more over the connection
  bool expects_continue = false;

  [[nodiscard]] bool has_body() const { return is_chunked || content_length.value_or(0) > 0; }
};

/// What is wrong with a head, as the answer to give.
struct HeadProblem {
  int status = 400;
  std::string code;
  std::string message;
};

/// `text` is everything up to and including the empty line.
std::variant<RequestHead, HeadProblem> parse_request_head(std::string_view text);

/// The smallest head that means the same to the library: the method, the body's framing, the connection's fate.
std::string framing_head(const RequestHead& head);

}  // namespace trapline::collector
