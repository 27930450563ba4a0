#pragma once

/// HTTP/1.1 requests (RFC 9112), read from bytes as they come. Bodies are kept as they were sent: no content coding is
/// undone, as signatures are over those bytes and the spool wants them compressed.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace trapline::collector {

/// A request's head. Header names are in lower case; several headers of one name are one list where the name is that of
/// a list, else the first counts.
struct RequestHead {
  std::string method;
  std::string target;  ///< as sent: path and query
  std::map<std::string, std::string> headers;
  std::optional<std::uint64_t> content_length;
  bool is_chunked = false;
  bool is_http_1_0 = false;
  bool keeps_alive = true;
  bool expects_continue = false;

  [[nodiscard]] bool has_body() const { return is_chunked || content_length.value_or(0) > 0; }
  /// The target without its query, percent-decoded.
  [[nodiscard]] std::string path() const;
  /// The query's parameters, decoded.
  [[nodiscard]] std::multimap<std::string, std::string> query() const;
};

/// Reads one request. Not thread-safe.
class RequestParser {
 public:
  enum class State {
    kHead,      ///< more of the head is needed
    kHeadDone,  ///< begin_body() comes next
    kBody,      ///< more of the body is needed
    kDone,
    kFailed,  ///< failure() says why; the connection cannot be used any more
  };

  struct Failure {
    int http_status = 400;
    std::string code;
    std::string message;
  };

  /// Takes bytes in, as many as belong to the request, and answers how many that were. Stops at the head's end.
  std::size_t feed(std::string_view bytes);

  /// After kHeadDone: reads the body, if there is one, up to `max_bytes`. More fails with 413 "body_too_large" as soon
  /// as it is known.
  void begin_body(std::size_t max_bytes);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const RequestHead& head() const { return head_; }
  [[nodiscard]] const std::string& body() const { return body_; }
  [[nodiscard]] const Failure& failure() const { return failure_; }
  /// Whether the request has begun.
  [[nodiscard]] bool is_begun() const { return state_ != State::kHead || !text_.empty(); }

 private:
  enum class Chunk { kSize, kData, kDataEnd, kTrailer };

  std::size_t feed_head(std::string_view bytes);
  std::size_t feed_body(std::string_view bytes);
  std::size_t feed_chunks(std::string_view bytes);
  /// Takes bytes up to a line's end into text_; true when the line is whole.
  bool take_line(std::string_view bytes, std::size_t& consumed);
  void end_chunk_line();
  void read_head();
  bool read_request_line(std::string_view line);
  bool read_header(std::string_view line);
  bool read_framing();
  void fail(int http_status, std::string_view code, std::string_view message);

  State state_ = State::kHead;
  Chunk chunk_ = Chunk::kSize;
  std::string text_;  ///< the head, or a line between chunks
  RequestHead head_;
  std::string body_;
  std::uint64_t left_ = 0;  ///< of the body, or of the chunk in hand
  std::size_t max_body_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  Failure failure_;
};

}  // namespace trapline::collector
