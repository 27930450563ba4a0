#pragma once

/// Ties the SDK's rooms together: options, scope, the capture pipeline. The caller's thread only copies: what was
/// captured, the scope, the raw stack. All else is the sender's thread's.

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sdk/client/scope.h"
#include "sdk/core/event.h"
#include "sdk/core/result.h"
#include "sdk/delivery/sender.h"
#include "sdk/stack/symbolizer.h"

namespace trapline::sdk {

struct ClientOptions {
  std::string dsn;
  std::string release;
  std::string environment;
  std::string server_name;
  bool uses_host_name = true;
  bool captures_uncaught = true;
  bool debug = false;
};

/// Thread-safe.
class Client {
 public:
  /// Errors: "invalid_dsn".
  static core::Result<std::unique_ptr<Client>> create(const ClientOptions& options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// What is captured; the rest of the event is filled in.
  struct Capture {
    std::string level;
    std::string message;
    std::vector<core::Exception> exceptions;  ///< what was caught first, then its causes
    std::vector<std::uintptr_t> stack;
    bool is_handled = true;
    std::string mechanism = "generic";
  };
  /// The event's id; empty when it was dropped.
  std::string capture(Capture capture);

  /// Runs `change` with the scope.
  template <class Change>
  auto change_scope(Change change) {
    const std::lock_guard lock(scope_mutex_);
    return change(scope_);
  }

  bool flush(std::chrono::milliseconds timeout) { return sender_.flush(timeout); }
  bool stop(std::chrono::milliseconds timeout);
  [[nodiscard]] SenderCounts counts() const { return sender_.counts(); }

 private:
  Client(const ClientOptions& options, const core::Dsn& dsn);

  core::ProcessFacts facts_;
  std::unique_ptr<Symbolizer> symbolizer_;  ///< the sender's thread only
  std::mutex scope_mutex_;
  Scope scope_;  ///< guarded by scope_mutex_
  Sender sender_;
};

}  // namespace trapline::sdk
