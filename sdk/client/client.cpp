#include "sdk/client/client.h"

#include <cstdio>
#include <utility>

#include "sdk/client/host_facts.h"
#include "sdk/core/clock.h"
#include "sdk/core/dsn.h"
#include "sdk/core/event_id.h"
#include "sdk/core/event_json.h"
#include "sdk/crash/terminate_handler.h"
#include "sdk/delivery/curl_transport.h"
#include "sdk/stack/readable_stack.h"

namespace trapline::sdk {
namespace {

/// How long a process that is about to end by an uncaught exception waits for the report to be sent.
constexpr std::chrono::milliseconds kTerminateTimeout{2'000};

core::ProcessFacts facts_from(const ClientOptions& options) {
  core::ProcessFacts facts = read_host_facts();
  if (!options.uses_host_name) facts.server_name = options.server_name;
  facts.release = options.release;
  facts.environment = options.environment;
  return facts;
}

Sender::Report reporter(bool debug) {
  if (!debug) return [](const std::string&) {};
  return [](const std::string& sentence) { std::fprintf(stderr, "trapline: %s\n", sentence.c_str()); };
}

}  // namespace

core::Result<std::unique_ptr<Client>> Client::create(const ClientOptions& options) {
  auto dsn = core::parse_dsn(options.dsn);
  if (!dsn) return dsn.error();
  return std::unique_ptr<Client>(new Client(options, *dsn));
}

Client::Client(const ClientOptions& options, const core::Dsn& dsn)
    : facts_(facts_from(options)),
      sender_(
          dsn, make_curl_transport(),
          [this](core::Event& event) {
            if (!symbolizer_) symbolizer_ = Symbolizer::create();
            make_readable(event, *symbolizer_);
            return core::to_json(event, facts_);
          },
          reporter(options.debug)) {
  if (!options.captures_uncaught) return;
  install_terminate_handler([this](Termination termination) {
    Capture fatal;
    fatal.level = "fatal";
    fatal.message = termination.exceptions.empty() ? "std::terminate() was called without an exception" : "";
    fatal.exceptions = std::move(termination.exceptions);
    fatal.stack = std::move(termination.stack);
    fatal.is_handled = false;
    fatal.mechanism = "cpp_terminate";
    capture(std::move(fatal));
    flush(kTerminateTimeout);
  });
}

Client::~Client() { remove_terminate_handler(); }

bool Client::stop(std::chrono::milliseconds timeout) {
  remove_terminate_handler();
  return sender_.stop(timeout);
}

std::string Client::capture(Capture capture) {
  core::Event event;
  event.event_id = core::new_event_id();
  event.timestamp = core::system_clock().unix_millis();
  event.level = std::move(capture.level);
  event.message = std::move(capture.message);
  event.exceptions = std::move(capture.exceptions);
  event.raw_stack = std::move(capture.stack);
  event.is_handled = capture.is_handled;
  event.mechanism = std::move(capture.mechanism);
  event.thread_id = current_thread_id();
  event.thread_name = current_thread_name();
  change_scope([&](const Scope& scope) { scope.apply_to(event); });
  std::string id = event.event_id;
  return sender_.push(std::move(event)) ? id : std::string();
}

}  // namespace trapline::sdk
