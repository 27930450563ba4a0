#pragma once

/// One client's connection, as the server keeps it. A connection is in one hand at a time: the loop's while it is read,
/// a worker's while its request is answered.

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "collector/http/event_stream.h"
#include "collector/http/http_parser.h"
#include "collector/http/long_answer.h"
#include "collector/http/reply.h"

namespace trapline::collector {

enum class Phase {
  kReading,    ///< waits for a request, or for the rest of one
  kWorking,    ///< a worker has it
  kWriting,    ///< the answer did not fit into the socket at once
  kStreaming,  ///< news is sent as it comes
  kDraining,   ///< was answered for the last time; what still comes is thrown away, so that the answer can be read
};

struct Connection {
  int socket = -1;
  std::string peer;            ///< the address at the other end
  bool counts_for_ip = false;  ///< it is one of its address's, of which there may be so many
  Phase phase = Phase::kReading;
  std::chrono::steady_clock::time_point deadline;
  RequestParser parser;
  std::string pending;  ///< came behind the request in hand
  std::string output;
  std::size_t written = 0;    ///< of output
  bool closes_after = false;  ///< this answer is the last
  std::size_t buffered = 0;   ///< what it adds to the bytes of all bodies
  std::size_t drained = 0;
  std::optional<LongAnswer> long_answer;  ///< its next piece follows the output
  std::shared_ptr<EventStream> stream;    ///< shared with those who have news for it
  bool is_stream = false;                 ///< counted as one
  std::chrono::steady_clock::time_point stream_ends;
  std::optional<std::chrono::steady_clock::time_point> stalled_since;  ///< a stream's client takes nothing
};

/// The head of an answer that ends with its connection.
std::string serialize_stream_head(const HttpReply& reply);

/// The head of an answer whose body comes in pieces. Without chunks it ends with its connection.
std::string serialize_long_head(const HttpReply& reply, bool is_chunked, bool keeps_alive);

/// The answer's bytes. A HEAD request gets no body, but is told its length.
std::string serialize(const HttpReply& reply, bool is_head, bool keeps_alive);

enum class SendOutcome { kDone, kLater, kFailed };

/// Sends as much of the output as the socket takes now.
SendOutcome send_output(Connection& connection);

/// Whether the client has closed its end. What it has sent stays where it is.
bool has_hung_up(const Connection& connection);

/// When the socket is closed, the client is told that its answer is not whole.
void mark_broken(const Connection& connection);

}  // namespace trapline::collector
