#pragma once

/// Where digestion takes its work from. The durable spool (collector/ingest) implements it; it is declared here because
/// digestion needs it and must not know the room above.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "collector/storage/records.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// One accepted event, not yet digested.
struct SpooledEvent {
  std::int64_t sequence = 0;  ///< position in the spool, ascending
  ProjectId project_id = 0;
  std::string event_id;  ///< 32 lower-case hex digits; wins over the one in the payload
  UnixMillis received_at = 0;
  UnixMillis sent_at = 0;  ///< when its request was sent, by the sender's clock; 0: it did not say
  std::string payload;     ///< the event's JSON object, known to parse
  // What the request says about its sender, for what clients leave to the server; empty where it is not known.
  std::string client_ip;   ///< the connection's other end, or what a trusted proxy says it is
  std::string user_agent;  ///< the header
  std::string client;      ///< "name/version", as the client calls itself beside its key
};

/// Thread-safe.
class EventSource {
 public:
  virtual ~EventSource() = default;

  /// Waits until there are events or stop() was called, then hands out the oldest, at most `max_events`; the same ones
  /// again until they are released. Empty only after stop().
  virtual core::Result<std::vector<SpooledEvent>> wait_for_events(std::size_t max_events) = 0;

  /// Forgets all events up to and including `sequence`, which are stored now.
  virtual core::Status release_through(std::int64_t sequence) = 0;

  /// For several workers, or one that reads ahead: waits likewise, then hands out the oldest events that nobody was
  /// handed by this function, at most `max_events`. Who has them stores them, however often it takes, and then
  /// release()s them; those that never were come again after the next start. Not to be mixed with the two functions
  /// above. A source that serves one worker only need not have it.
  virtual core::Result<std::vector<SpooledEvent>> claim_events(std::size_t max_events) {
    return wait_for_events(max_events);
  }

  /// Forgets claimed events, in any order.
  virtual core::Status release(std::span<const std::int64_t> sequences) {
    return sequences.empty() ? core::Status{} : release_through(sequences.back());
  }

  /// Wakes whoever waits; wait_for_events() answers with nothing from now on.
  virtual void stop() = 0;
};

}  // namespace trapline::collector
