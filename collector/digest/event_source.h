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

  /// Waits until there are events or stop() was called, then hands out the oldest that nobody was handed yet, at most
  /// `max_events`. Who has them stores them, however often it takes, and then release()s them; those that never were
  /// come again after the next start. Empty only after stop().
  virtual core::Result<std::vector<SpooledEvent>> claim_events(std::size_t max_events) = 0;

  /// Forgets claimed events, in any order, which are stored now.
  virtual core::Status release(std::span<const std::int64_t> sequences) = 0;

  /// Wakes whoever waits; claim_events() answers with nothing from now on.
  virtual void stop() = 0;
};

}  // namespace trapline::collector
