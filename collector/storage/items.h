#pragma once

/// What clients tell beside events: the other items of Sentry's envelopes, read and ready to be stored.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "collector/storage/records.h"

namespace trapline::collector {

/// The kinds of envelope item that are kept. The numbers stand in the spool's records: they never change.
enum class ItemKind : std::uint8_t {
  kEvent = 0,
  kAttachment = 1,
  kSession = 2,
  kSessions = 3,
  kUserReport = 4,
  kFeedback = 5,
  kClientReport = 6,
  kCheckIn = 7,
  kTransaction = 8,
  kRunCounters = 9,  ///< no item of an envelope: what a batch of libtrapline's says of the run it comes from
};

/// A file that came with an event.
struct Attachment {
  std::string event_id;  ///< the event may come later, or never; empty: the envelope named none
  std::string filename;
  std::string content_type;
  std::string attachment_type;  ///< "event.attachment", "event.minidump", …
  std::string bytes;
};

enum class SessionStatus { kOk, kExited, kErrored, kUnhandled, kCrashed, kAbnormal };

/// The newest state of one run of a program, or of one visit. Later updates of the same `sid` replace it.
struct SessionUpdate {
  std::string sid;   ///< 32 lower-case hex digits
  std::string user;  ///< the client's `did`; empty when it has none
  SessionStatus status = SessionStatus::kOk;
  bool is_init = false;
  std::int64_t errors = 0;
  std::int64_t sequence = 0;  ///< orders the updates: the client's `seq`, or its timestamp
  UnixMillis started = 0;
  std::int64_t duration_ms = -1;  ///< -1: not told
  std::string release;
  std::string environment;
};

/// Sessions that a server has counted by itself, of one minute.
struct SessionCounts {
  UnixMillis started = 0;
  std::string user;
  std::int64_t exited = 0;
  std::int64_t errored = 0;
  std::int64_t crashed = 0;
  std::int64_t abnormal = 0;
  std::string release;
  std::string environment;
};

/// What a person wrote about an error: an old `user_report` or a `feedback`.
struct UserReport {
  std::string report_id;  ///< the feedback's own event id; empty for user reports
  std::string event_id;   ///< the event it is about, which may come later; empty: none
  std::string name;
  std::string email;
  std::string message;
  std::string url;
};

/// One line of a client report: events that the client did not send.
struct ClientLoss {
  UnixMillis timestamp = 0;
  std::string reason;
  std::string category;
  std::int64_t quantity = 0;
};

/// What a run of a program with libtrapline has counted so far. The counters only grow: of several that were told, the
/// largest of each is the newest.
struct RunCounters {
  struct Drop {
    std::string reason;
    std::int64_t count = 0;
  };
  std::string run;  ///< 32 lower-case hex digits
  std::string release;
  std::int64_t captured = 0;
  std::int64_t reached = 0;  ///< of those the collector has seen: taken, refused, or in the batch that told this
  std::vector<Drop> drops;   ///< what the program says it will never send, by reason, each once
};

enum class CheckInStatus { kInProgress, kOk, kError };

/// A sign of life of a scheduled job. A closing one repeats the `check_in_id` of the opening one.
struct CheckIn {
  std::string check_in_id;
  std::string monitor;
  CheckInStatus status = CheckInStatus::kOk;
  std::int64_t duration_ms = -1;
  std::string environment;
  std::string release;
  std::string monitor_config;  ///< JSON, as sent; empty: none
};

/// What is kept of a transaction: no spans.
struct Transaction {
  std::string event_id;
  std::string name;
  std::string operation;
  std::string status;
  std::string trace_id;
  UnixMillis started = 0;
  std::int64_t duration_ms = 0;
  std::string environment;
  std::string release;
};

/// Which items, the newest by receipt first. Sessions of both kinds by `kind`; user reports and feedback together.
struct ItemQuery {
  ProjectId project_id = 0;
  ItemKind kind = ItemKind::kSession;
  std::size_t limit = 25;
  std::string cursor = {};  ///< a page's next_cursor; empty: from the start
};

struct StoredItem {
  std::string item_id;  ///< given when it was taken in; the same again is not stored twice
  ProjectId project_id = 0;
  UnixMillis received_at = 0;
  std::variant<Attachment, SessionUpdate, SessionCounts, UserReport, ClientLoss, CheckIn, Transaction, RunCounters>
      content;
};

}  // namespace trapline::collector
