#ifndef TRAPLINE_TRAPLINE_H
#define TRAPLINE_TRAPLINE_H

/**
 * libtrapline: reports errors to a Trapline collector. This is the C99 interface, the library's only binary one;
 * trapline.hpp puts a C++17 face on it.
 *
 * Unless a function says otherwise:
 * - it may be called from any thread, also before trapline_init() and after trapline_shutdown() (then it answers
 *   TRAPLINE_NOT_INITIALISED and does nothing), but not from a signal handler, and not from a hook;
 * - it does not wait for the network or the disk, and takes microseconds;
 * - texts are UTF-8, end in NUL, are copied, and may be freed after the call; NULL means "not given"; texts longer than
 *   64 KiB are cut;
 * - a message for people about the last failure on this thread is in trapline_last_error().
 *
 * What happens to an event: the calling thread copies it into the process's recorder, a file that is mapped into memory
 * (4 MiB). From then on it survives the process, however that ends. A worker thread makes JSON of it, removes private
 * data (before_send comes first), and puts it into an offline buffer (SQLite). A second thread sends what is in there,
 * in batches, until the server has it. What a process leaves is found and sent by the next one that uses the same
 * folder and DSN. Every event is accounted for: trapline_get_stats().
 *
 * After fork() the child has a recorder and threads of its own from its first call on, with the parent's options and
 * scope. Its crash before that is reported, too. Programs that become daemons call trapline_init() after that.
 *
 * When the process crashes, its signal handler writes into the recorder what there is to know, the stacks of all
 * threads among it; then the process ends as it would have without the SDK: handlers that were there before are called,
 * a core dump is written. The next start reports it, or a helper process does at once. A fault on a thread that has
 * blocked its signal ends the process without calling anybody. A program whose own handler mends faults is left alone
 * from the first one on.
 */

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(TRAPLINE_BUILDING_LIBRARY)
#define TRAPLINE_API __declspec(dllexport)
#elif defined(_WIN32)
#define TRAPLINE_API
#elif defined(__GNUC__)
#define TRAPLINE_API __attribute__((visibility("default")))
#else
#define TRAPLINE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What a call came to. */
typedef enum trapline_status {
  TRAPLINE_OK = 0,
  TRAPLINE_INVALID_ARGUMENT = 1,    /**< an argument makes no sense, such as a DSN that is none */
  TRAPLINE_NOT_INITIALISED = 2,     /**< trapline_init() has not succeeded, or trapline_shutdown() was called */
  TRAPLINE_ALREADY_INITIALISED = 3, /**< trapline_init() was called before */
  TRAPLINE_DROPPED = 4,             /**< it could not be taken, or was not wanted; it is counted */
  TRAPLINE_TIMEOUT = 5,             /**< the time was up first */
  TRAPLINE_FAILED = 6               /**< something else, such as no memory */
} trapline_status;

typedef enum trapline_level {
  TRAPLINE_LEVEL_DEBUG = 0,
  TRAPLINE_LEVEL_INFO = 1,
  TRAPLINE_LEVEL_WARNING = 2,
  TRAPLINE_LEVEL_ERROR = 3,
  TRAPLINE_LEVEL_FATAL = 4
} trapline_level;

/** Something that happened before an error. */
typedef struct trapline_breadcrumb {
  const char* type;     /**< such as "default", "http", "navigation" */
  const char* category; /**< such as "cart" */
  const char* message;
  trapline_level level;
  const char* data; /**< a JSON object of at most 8 KiB, or NULL */
} trapline_breadcrumb;

/** What a sampler is asked about. */
typedef struct trapline_sampling {
  trapline_level level;
  const char* type;    /**< of the exception that was caught, perhaps mangled; "" for a message */
  const char* message; /**< the message, or what the exception says */
} trapline_sampling;

/** The probability, 0 to 1, with which the event is kept. Runs on the capturing thread: it must be thread-safe and
 * fast, and must not call trapline_… */
typedef double (*trapline_sampler)(const trapline_sampling* question, void* hook_data);

/** An event on its way to a before_send hook. */
typedef struct trapline_hook_event trapline_hook_event;

/** Looks at an event before it is scrubbed and kept; may change it. 0 drops it (it is counted). Runs on the worker
 *  thread and must not call trapline_… but the two functions below. If it throws a C++ exception, or sets what is no
 *  JSON object, the event goes on as it was, with a note in its `errors`. If it crashes, the report of that crash does
 * not come by it, and events that it has not survived in two starts are dropped. */
typedef int (*trapline_before_send)(trapline_hook_event* event, void* hook_data);

/** Looks at a breadcrumb before it is added; may change it. 0 drops it. Texts that it puts in must live until the
 *  function that added the breadcrumb returns. Runs on the calling thread. */
typedef int (*trapline_before_breadcrumb)(trapline_breadcrumb* breadcrumb, void* hook_data);

/** In a before_send hook: the event as JSON (the public Sentry event payload). Valid until the hook returns or sets
 *  another. */
TRAPLINE_API const char* trapline_hook_event_json(const trapline_hook_event* event);
/** In a before_send hook: another event instead; the text is copied. */
TRAPLINE_API void trapline_hook_event_set_json(trapline_hook_event* event, const char* json);

/** How events travel. */
typedef enum trapline_protocol {
  TRAPLINE_PROTOCOL_TRAPLINE = 0, /**< batches, to a Trapline collector */
  TRAPLINE_PROTOCOL_SENTRY = 1    /**< envelopes of one event each, to any Sentry-compatible server */
} trapline_protocol;

/** What the scrubber leaves alone, for trapline_options.scrub_off; all else it removes. */
#define TRAPLINE_SCRUB_EMAILS 1u
#define TRAPLINE_SCRUB_IP_ADDRESSES 2u
#define TRAPLINE_SCRUB_CARDS 4u
#define TRAPLINE_SCRUB_TOKENS 8u
#define TRAPLINE_SCRUB_URL_CREDENTIALS 16u
#define TRAPLINE_SCRUB_ASSIGNMENTS 32u
#define TRAPLINE_SCRUB_NATIONAL_IDS 64u

/** What `expression` (RE2's syntax) matches is replaced with "[<name>]". */
typedef struct trapline_scrub_pattern {
  const char* name;
  const char* expression;
} trapline_scrub_pattern;

/** How the SDK behaves. Begin with TRAPLINE_OPTIONS_INIT: it sets `size`, by which the library knows which fields the
 *  program was compiled with, and the defaults. Everything is copied by trapline_init(). */
typedef struct trapline_options {
  size_t size;             /**< sizeof(trapline_options) */
  const char* dsn;         /**< where events go: scheme://key@host[:port]/project; required */
  const char* release;     /**< version of the program, such as "shop@1.4.2" */
  const char* environment; /**< such as "production" */
  const char* server_name; /**< NULL: the machine's host name; "": not sent */
  int capture_uncaught;    /**< not 0: report a C++ exception that nobody catches, before the process ends by it */
  int debug;               /**< not 0: say on standard error what the SDK does and why it drops something */
  const char* dist;        /**< build of the release */

  const char* data_folder;   /**< where the recorder and the offline buffer are. NULL: $TRAPLINE_FOLDER, else
                                  $XDG_STATE_HOME/trapline, else ~/.local/state/trapline, else
                                  /var/tmp/trapline-<user id>; "": nowhere, events live in memory only */
  size_t recorder_bytes;     /**< of the recorder's file */
  size_t max_breadcrumbs;    /**< kept, the last ones; at most 128 KiB of them */
  uint64_t buffer_max_bytes; /**< of the offline buffer; the oldest events make room */
  uint64_t buffer_max_events;
  uint32_t buffer_max_age_seconds;

  double sample_rate;            /**< the part of all events that is kept, 0 to 1 */
  trapline_sampler sampler;      /**< a rate for each event; NULL: none */
  double max_events_per_second;  /**< of the process; 0: no limit */
  double max_burst;              /**< events that may come at once */
  uint32_t repeat_window_ms;     /**< identical errors in so many milliseconds are sent as a few events with a count;
                                      0: each by itself */
  uint32_t identical_per_minute; /**< after so many identical errors in a minute … 0: no such rule */
  double identical_rate;         /**< … this part of the others is kept, 0 to 1 */
  const char* const* ignore;     /**< patterns, * for any text, of exception types, messages, or "type: message" */
  size_t ignore_count;
  trapline_before_send before_send;             /**< NULL: none */
  trapline_before_breadcrumb before_breadcrumb; /**< NULL: none */
  void* hook_data;                              /**< handed to sampler and hooks */
  int attach_stacktrace; /**< not 0: messages carry the caller's stack, too (exceptions always do): 0.2 us a frame */

  int send_default_pii;          /**< not 0: the user's email, name and IP address go as the app has set them */
  int require_consent;           /**< not 0: nothing is captured before trapline_set_consent(1) */
  unsigned scrub_off;            /**< TRAPLINE_SCRUB_… to leave in events */
  const char* const* scrub_keys; /**< further names of values that are secret, anywhere in a name */
  size_t scrub_key_count;
  const char* const* scrub_allowed_keys; /**< names of values that are not, though they look so */
  size_t scrub_allowed_key_count;
  const trapline_scrub_pattern* scrub_patterns;
  size_t scrub_pattern_count;

  trapline_protocol protocol;
  const char* proxy; /**< http://…, https://… or socks5://…; NULL: http_proxy, https_proxy, all_proxy, no_proxy */
  const char* ca_file; /**< certificates to trust, PEM; NULL: the system's */
  int track_session;   /**< not 0: the process is one session for release health, from init to shutdown */

  int capture_crashes;  /**< not 0: report SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP and SIGSYS, with the stacks
                             of all threads. Earlier handlers are called afterwards, and the process ends as it would
                             have. Signals that are ignored are left alone */
  int remember_throws;  /**< not 0: keep the stack of every throw, so that events of exceptions carry the place that
                           threw  instead of the place that caught. About 1 us a throw; nothing when nothing is thrown */
  int reach_threads;    /**< not 0: threads that are started from now on get a stack for signal handlers, so that the
                             overflow of theirs can be reported. Others call trapline_register_thread() */
  int use_crash_helper; /**< not 0: start a helper process, by which a crash is delivered at once instead of by the
                             next start; adds about a millisecond to trapline_init(). It runs no hooks: with
                             before_send set, the crash alone is delivered at once, scrubbed but not shown to it */
  const char* crash_helper; /**< its program; NULL: trapline-crash-helper beside the library or the program */
  int report_abnormal_exit; /**< not 0: the next start (or the crash helper) reports as an event that the process ended
                                 without a word: by SIGKILL, for lack of memory, while it hung, with the machine.
                                 SIGTERM, SIGINT, SIGHUP and SIGQUIT are no such end; where the program does not
                                 handle them, they are noted on their way */
  uint32_t hang_timeout_ms; /**< report the stacks of all threads when trapline_heartbeat() has not been called for so
                                 long; 0: nobody watches. A thread of its own looks four times in that time */
  int send_source_context;  /**< not 0: five source lines around each call of the app, where the files are on this
                                 machine, as where the program is developed */
  const char* const* in_app_paths; /**< frames of modules whose path begins so are the app's. Without rules those are
                                        that are not below /lib, /usr/lib and the like */
  size_t in_app_path_count;
  const char* const* not_in_app_paths; /**< … and frames of these are not; they win */
  size_t not_in_app_path_count;
  int send_minidump; /**< not 0: with the crash helper, a crash carries a minidump (the registers, some stack memory of
                          each thread, the modules) as an attachment. Memory is not scrubbed. x86-64 only */
} trapline_options;

#define TRAPLINE_OPTIONS_INIT                                                                                          \
  {                                                                                                                    \
    sizeof(trapline_options), NULL, NULL, NULL, NULL, 1, 0, NULL, NULL, (size_t)4 << 20, 100, (uint64_t)64 << 20,      \
        1000000, 30u * 86400u, 1.0, NULL, 100.0, 1000.0, 5000, 0, 0.1, NULL, 0, NULL, NULL, NULL, 0, 0, 0, 0, NULL, 0, \
        NULL, 0, NULL, 0, TRAPLINE_PROTOCOL_TRAPLINE, NULL, NULL, 0, 1, 1, 1, 0, NULL, 0, 0, 0, NULL, 0, NULL, 0, 0    \
  }

/** Starts the SDK: checks the options, makes the recorder, starts the worker thread; under a millisecond.
 * TRAPLINE_INVALID_ARGUMENT for an option that cannot be used; trapline_last_error() says which and why. A folder that
 * cannot be written is no failure: then events live in memory (debug says so). No server need be there. */
TRAPLINE_API trapline_status trapline_init(const trapline_options* options);

/** Bytes that an event id takes, its final NUL included. */
#define TRAPLINE_EVENT_ID_SIZE 33

/** Captures a message. `event_id` may be NULL; else it has room for TRAPLINE_EVENT_ID_SIZE bytes and receives the
 * event's id, 32 hex digits, on TRAPLINE_OK: that of the event that the message is counted into when it repeats
 * another. TRAPLINE_DROPPED when it was sampled out, ignored, over the rate, or found no room. */
TRAPLINE_API trapline_status trapline_capture_message(trapline_level level, const char* message, char* event_id);

/** One exception of a chain. */
typedef struct trapline_exception {
  const char* type;    /**< its class, such as "shop::OrderError" */
  const char* value;   /**< what it says */
  int type_is_mangled; /**< not 0: `type` is what std::type_info::name() answers */
} trapline_exception;

/** Captures an exception with the caller's stack. `chain` has `count` entries, 1 to 50: what was caught first, then its
 *  cause, then that one's. `event_id` as in trapline_capture_message(). */
TRAPLINE_API trapline_status trapline_capture_exception(const trapline_exception* chain, size_t count, char* event_id);

/** A file or bytes that go with an event. */
typedef struct trapline_attachment {
  const char* name;  /**< as it is shown */
  const char* path;  /**< a file of at most 20 MiB, read by the worker thread soon after; NULL: the bytes */
  const void* bytes; /**< at most 512 KiB */
  size_t size;
} trapline_attachment;

typedef struct trapline_scope trapline_scope;

/** Everything that an event can be given. Begin with TRAPLINE_EVENT_INIT. */
typedef struct trapline_event {
  size_t size; /**< sizeof(trapline_event) */
  trapline_level level;
  const char* level_name; /**< a level of the app's own, such as "notice": a tag "level_name" */
  const char* message;    /**< this or exceptions are required */
  const char* logger;     /**< the name of the log it comes from */
  const char* transaction;
  const trapline_exception* exceptions; /**< as in trapline_capture_exception() */
  size_t exception_count;
  const char* const* fingerprint; /**< groups events into issues; "{{ default }}" stands for what would be used */
  size_t fingerprint_count;
  const trapline_attachment* attachments;
  size_t attachment_count;
  const trapline_scope* scope; /**< on top of the process's and the thread's; NULL: none */
  int with_stack;              /**< not 0: the caller's stack */
} trapline_event;

#define TRAPLINE_EVENT_INIT \
  { sizeof(trapline_event), TRAPLINE_LEVEL_ERROR, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, 1 }

/** Captures an event. `event_id` as in trapline_capture_message(). */
TRAPLINE_API trapline_status trapline_capture_event(const trapline_event* event, char* event_id);

/** Who uses the program. Without send_default_pii the email, and what looks like private data in the other fields, is
 *  scrubbed. */
typedef struct trapline_user {
  const char* id;
  const char* email;
  const char* username;
  const char* ip_address;
} trapline_user;

/*
 * Scopes: what events carry. There is one of the process, a stack of them for each thread, and those that an app makes
 * itself and hands to trapline_capture_event(). An event has them all, the later ones over the earlier. In the
 * functions below a NULL scope means the process's. A scope that is not the process's is not thread-safe. Each holds up
 * to 32 KiB: TRAPLINE_DROPPED when there is no more room.
 */

/** A new, empty scope; free it with trapline_scope_free(). NULL: no memory. */
TRAPLINE_API trapline_scope* trapline_scope_new(void);
/** NULL is fine. */
TRAPLINE_API void trapline_scope_free(trapline_scope* scope);
/** Puts a scope on top of this thread's; it holds until trapline_scope_pop() on the same thread. Answers it, valid
 * until then; NULL: no memory. */
TRAPLINE_API trapline_scope* trapline_scope_push(void);
/** TRAPLINE_INVALID_ARGUMENT when there is none. */
TRAPLINE_API trapline_status trapline_scope_pop(void);

/** A tag: indexed, searchable, short. A NULL value removes it, also from the events of the scopes below. */
TRAPLINE_API trapline_status trapline_scope_set_tag(trapline_scope* scope, const char* key, const char* value);
/** Something more: a text. */
TRAPLINE_API trapline_status trapline_scope_set_extra(trapline_scope* scope, const char* key, const char* text);
/** Something more: JSON. TRAPLINE_INVALID_ARGUMENT when it is none. */
TRAPLINE_API trapline_status trapline_scope_set_extra_json(trapline_scope* scope, const char* key, const char* json);
/** A context: a JSON object under a name, such as "order". NULL removes it. TRAPLINE_INVALID_ARGUMENT when it is none.
 */
TRAPLINE_API trapline_status trapline_scope_set_context(trapline_scope* scope, const char* name, const char* json);
/** NULL: nobody, whatever the scopes below say. */
TRAPLINE_API trapline_status trapline_scope_set_user(trapline_scope* scope, const trapline_user* user);
/** The level of all events, instead of their own. */
TRAPLINE_API trapline_status trapline_scope_set_level(trapline_scope* scope, trapline_level level);
/** 0 parts: no longer. */
TRAPLINE_API trapline_status trapline_scope_set_fingerprint(trapline_scope* scope, const char* const* parts,
                                                            size_t count);
/** What the program is doing, such as "GET /orders". NULL in this and the next: no longer. */
TRAPLINE_API trapline_status trapline_scope_set_transaction(trapline_scope* scope, const char* name);
TRAPLINE_API trapline_status trapline_scope_set_release(trapline_scope* scope, const char* release);
TRAPLINE_API trapline_status trapline_scope_set_environment(trapline_scope* scope, const char* environment);
TRAPLINE_API trapline_status trapline_scope_set_dist(trapline_scope* scope, const char* dist);
TRAPLINE_API trapline_status trapline_scope_set_server_name(trapline_scope* scope, const char* name);
/** The trace that events belong to: 32 and 16 hex digits (https://www.w3.org/TR/trace-context/). */
TRAPLINE_API trapline_status trapline_scope_set_trace(trapline_scope* scope, const char* trace_id, const char* span_id);
/** Empties it. */
TRAPLINE_API trapline_status trapline_scope_clear(trapline_scope* scope);

/** Of the process's scope: trapline_scope_set_tag(NULL, …), trapline_scope_set_user(NULL, …). */
TRAPLINE_API trapline_status trapline_set_tag(const char* key, const char* value);
TRAPLINE_API trapline_status trapline_set_user(const trapline_user* user);

/** Adds a breadcrumb, with the time of now, to all further events. The last ones are kept. TRAPLINE_DROPPED when
 *  before_breadcrumb did not want it. */
TRAPLINE_API trapline_status trapline_add_breadcrumb(const trapline_breadcrumb* breadcrumb);
TRAPLINE_API trapline_status trapline_clear_breadcrumbs(void);

/** A request that the program made to another one. */
typedef struct trapline_http_request {
  const char* method; /**< "GET" */
  const char* url;    /**< user name, password, and query values that look secret are removed */
  int status;         /**< 0: no answer came */
  double duration_ms;
  const char* error;    /**< why no answer came; NULL: it came */
  int capture_failures; /**< not 0: a status of 500 and above, or no answer, is also captured as an event */
} trapline_http_request;

/** Adds a breadcrumb of type "http", and perhaps captures an event (then its id, as above). */
TRAPLINE_API trapline_status trapline_record_http(const trapline_http_request* request, char* event_id);

/** What a person says about an event; `event_id` is the event's. Name and email may be NULL; they are sent only with
 *  send_default_pii. */
TRAPLINE_API trapline_status trapline_capture_feedback(const char* event_id, const char* name, const char* email,
                                                       const char* comments);

/** How a session ended, for release health. */
typedef enum trapline_session_end {
  TRAPLINE_SESSION_HEALTHY = 0,
  TRAPLINE_SESSION_ERRORED = 1,
  TRAPLINE_SESSION_CRASHED = 2,
  TRAPLINE_SESSION_ABNORMAL = 3
} trapline_session_end;

/** Application mode: one session at a time; starting another ends the one before. A process that dies without ending
 * its session is reported as abnormal by the next start. */
TRAPLINE_API trapline_status trapline_start_session(void);
/** TRAPLINE_INVALID_ARGUMENT when none is open. */
TRAPLINE_API trapline_status trapline_end_session(trapline_session_end end);
/** Request mode, for servers: each request is a short session; they are counted and sent by the minute. */
TRAPLINE_API trapline_status trapline_record_request_session(trapline_session_end end);

/** Gives the calling thread a stack for signal handlers, so that the overflow of its own stack can be reported: for
 *  threads that run already when the SDK starts, or that were started past it. TRAPLINE_FAILED: no memory. */
TRAPLINE_API trapline_status trapline_register_thread(void);

/** With hang_timeout_ms: the app's main loop is alive. Call it in each round, however often; watching begins with the
 *  first call. Some 50 ns. TRAPLINE_INVALID_ARGUMENT when nobody watches. */
TRAPLINE_API trapline_status trapline_heartbeat(void);

/** Whether the stacks of throws can be had (remember_throws). 0 where this library was loaded by dlopen() after the
 *  program, or the program has a C++ library of its own linked in: then the place that caught stands instead. */
TRAPLINE_API int trapline_can_remember_throws(void);

/** With require_consent: whether events may be captured from now on. */
TRAPLINE_API trapline_status trapline_set_consent(int is_given);

/** Waits until every event captured so far was acknowledged by the server or dropped, or `timeout_ms` milliseconds have
 * passed: then TRAPLINE_TIMEOUT, with the rest kept in the offline buffer, and sending goes on. Blocks the caller,
 * nobody else. */
TRAPLINE_API trapline_status trapline_flush(uint32_t timeout_ms);

/** Sends what waits for at most `timeout_ms` milliseconds and stops the SDK. TRAPLINE_TIMEOUT when events were left:
 * they stay in the offline buffer, for the next start. A program that ends without it does the same with 2,000 ms, by
 * atexit(). */
TRAPLINE_API trapline_status trapline_shutdown(uint32_t timeout_ms);

/** Where the events of this process went: captured = delivered + queued + all others below. Exact when nothing is being
 *  captured and after trapline_flush(). Begin with TRAPLINE_STATS_INIT. */
typedef struct trapline_stats {
  size_t size;            /**< sizeof(trapline_stats): the library fills in as much */
  uint64_t captured;      /**< capture calls since the start */
  uint64_t delivered;     /**< acknowledged by the server */
  uint64_t queued;        /**< in the recorder or the offline buffer */
  uint64_t sampled;       /**< left out by sample_rate, sampler or identical_rate */
  uint64_t filtered;      /**< on the ignore list */
  uint64_t deduplicated;  /**< counted into another event of the same error */
  uint64_t rate_limited;  /**< over max_events_per_second */
  uint64_t ring_full;     /**< captured faster than the worker could take them from the recorder */
  uint64_t too_large;     /**< larger than a quarter of the recorder */
  uint64_t hook_dropped;  /**< by before_send */
  uint64_t evicted;       /**< the offline buffer was full, or they were too old for it */
  uint64_t buffer_failed; /**< could not be kept: a damaged or unwritable buffer */
  uint64_t rejected;      /**< refused by the server */
  uint64_t no_consent;    /**< captured while consent was withheld */
  uint64_t torn;          /**< damaged in the recorder */
} trapline_stats;

#define TRAPLINE_STATS_INIT \
  { sizeof(trapline_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

TRAPLINE_API trapline_status trapline_get_stats(trapline_stats* stats);

/** What the last failed call on this thread had to say; "" before any. Valid until the next call on this thread. */
TRAPLINE_API const char* trapline_last_error(void);

/** "TRAPLINE_TIMEOUT" for TRAPLINE_TIMEOUT, and so on; "unknown" for other numbers. Also from a signal handler. */
TRAPLINE_API const char* trapline_status_name(trapline_status status);

/** The library's version, such as "0.1.0". Also from a signal handler. */
TRAPLINE_API const char* trapline_version(void);

#ifdef __cplusplus
}
#endif

#endif
