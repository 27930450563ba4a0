#ifndef TRAPLINE_TRAPLINE_H
#define TRAPLINE_TRAPLINE_H

/**
 * libtrapline: reports errors to a Trapline collector. This is the C99 interface, the library's only binary one;
 * trapline.hpp puts a C++17 face on it.
 *
 * Unless a function says otherwise:
 * - it may be called from any thread, also before trapline_init() and after trapline_shutdown() (then it answers
 *   TRAPLINE_NOT_INITIALISED and does nothing), but not from a signal handler;
 * - it does not wait for the network or the disk: events are handed to a worker thread;
 * - texts are UTF-8, end in NUL, are copied, and may be freed after the call; NULL means "not given";
 * - a message for people about the last failure on this thread is in trapline_last_error().
 *
 * Events wait in memory, at most 1,000 of them: one that finds no room is dropped and counted (trapline_get_stats()).
 * After fork() the child reports nothing until it calls trapline_init() itself.
 */

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
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
  TRAPLINE_DROPPED = 4,             /**< the event could not be taken; it is counted */
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

/** How the SDK behaves. Begin with TRAPLINE_OPTIONS_INIT: it sets `size`, by which the library knows which fields the
 *  program was compiled with, and the defaults. */
typedef struct trapline_options {
  size_t size;             /**< sizeof(trapline_options) */
  const char* dsn;         /**< where events go: scheme://key@host[:port]/project; required */
  const char* release;     /**< version of the program, such as "shop@1.4.2" */
  const char* environment; /**< such as "production" */
  const char* server_name; /**< NULL: the machine's host name; "": not sent */
  int capture_uncaught;    /**< not 0: report a C++ exception that nobody catches, before the process ends by it */
  int debug;               /**< not 0: say on standard error what the SDK does and why it drops something */
} trapline_options;

#define TRAPLINE_OPTIONS_INIT \
  { sizeof(trapline_options), NULL, NULL, NULL, NULL, 1, 0 }

/** Starts the SDK: checks the options and starts the worker thread. TRAPLINE_INVALID_ARGUMENT for a DSN that cannot be
 * used; trapline_last_error() says what is wrong with it. Nothing is sent yet, and no server need be there. */
TRAPLINE_API trapline_status trapline_init(const trapline_options* options);

/** Bytes that an event id takes, its final NUL included. */
#define TRAPLINE_EVENT_ID_SIZE 33

/** Captures a message with the caller's stack. `event_id` may be NULL; else it has room for TRAPLINE_EVENT_ID_SIZE
 * bytes and receives the event's id, 32 hex digits, on TRAPLINE_OK. */
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

/** Tags all further events of the process; at most 100 tags. A NULL value removes the tag. */
TRAPLINE_API trapline_status trapline_set_tag(const char* key, const char* value);

/** Who uses the program. */
typedef struct trapline_user {
  const char* id;
  const char* email;
  const char* username;
  const char* ip_address;
} trapline_user;

/** Names the user in all further events; NULL: nobody. */
TRAPLINE_API trapline_status trapline_set_user(const trapline_user* user);

/** Something that happened before an error. */
typedef struct trapline_breadcrumb {
  const char* type;     /**< such as "default", "http", "navigation" */
  const char* category; /**< such as "cart" */
  const char* message;
  trapline_level level;
} trapline_breadcrumb;

/** Adds a breadcrumb, with the time of now, to all further events. The last 100 are kept. */
TRAPLINE_API trapline_status trapline_add_breadcrumb(const trapline_breadcrumb* breadcrumb);

/** Waits until every event captured so far was acknowledged by the collector or dropped, or `timeout_ms` milliseconds
 * have passed: then TRAPLINE_TIMEOUT, and sending goes on. Blocks the caller, nobody else. */
TRAPLINE_API trapline_status trapline_flush(uint32_t timeout_ms);

/** Sends what waits for at most `timeout_ms` milliseconds and stops the SDK. TRAPLINE_TIMEOUT when events were left:
 * they are dropped. A program that ends without it does the same with 2,000 ms, by atexit(). */
TRAPLINE_API trapline_status trapline_shutdown(uint32_t timeout_ms);

/** Where the events went since trapline_init(): captured = delivered + rejected + all dropped_… + queued. */
typedef struct trapline_stats {
  uint64_t captured;           /**< capture calls since the start */
  uint64_t delivered;          /**< acknowledged by the collector */
  uint64_t rejected;           /**< refused by the collector, one by one or with their batch */
  uint64_t dropped_queue_full; /**< captured while 1,000 were waiting */
  uint64_t dropped_shutdown;   /**< left when trapline_shutdown()'s time was up */
  uint64_t queued;             /**< waiting, or on their way */
} trapline_stats;

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
