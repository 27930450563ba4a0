#include "collector/http/http_server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/http/client_address.h"
#include "collector/http/connections.h"
#include "collector/http/dispatcher.h"
#include "collector/http/event_stream.h"
#include "collector/http/ingest_routes.h"
#include "collector/http/listener.h"
#include "collector/http/long_answer.h"
#include "collector/http/worker_threads.h"

namespace trapline::collector {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = std::size_t{64} << 10;
/// Read from one connection before the others have their turn again.
constexpr int kReadsAtOnce = 8;
constexpr int kEventsAtOnce = 256;
constexpr std::chrono::milliseconds kDeadlineLook{250};
constexpr std::size_t kMostSmallBody = std::size_t{64} << 10;
/// What is thrown away behind a last answer, at most, and for how long.
constexpr std::size_t kMostDrained = std::size_t{256} << 20;
constexpr std::chrono::seconds kDrainDeadline{15};
constexpr std::chrono::seconds kPoliteDrainDeadline{2};
constexpr std::chrono::seconds kLastWrites{3};
/// Connections over the limit that are open for as long as they are told so.
constexpr std::size_t kMostSurplus = 64;

HttpReply busy_reply(std::string_view message) {
  HttpReply reply = error_reply(503, "busy", message);
  reply.headers.emplace_back("Retry-After", "2");
  return reply;
}

}  // namespace

class HttpServer::Implementation {
 public:
  Implementation(Router router, Intake& intake, HttpOptions options)
      : intake_(intake),
        options_(std::move(options)),
        dispatcher_(std::move(router), intake, options_.trusted_proxies, options_.api_requests_per_minute),
        connections_({options_.max_connections, options_.max_connections_per_ip, options_.max_streams,
                      options_.max_buffered_bytes, kMostSmallBody, options_.idle_deadline}),
        wake_up_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  ~Implementation() {
    if (listener_.socket >= 0) close(listener_.socket);
    close(wake_up_);
  }
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;

  Result<int> bind(const std::string& host, int port) {
    const auto listener = listen_on(host, port);
    if (!listener) return listener.error();
    listener_ = *listener;
    for (const int source : {listener_.socket, wake_up_, bell_->descriptor()}) {
      connections_.watch(EPOLL_CTL_ADD, source, EPOLLIN);
    }
    return listener_.port;
  }

  void run() {
    doors_.emplace("trapline-doors", options_.door_threads, options_.max_waiting_requests);
    api_.emplace("trapline-api", options_.api_threads, options_.max_waiting_requests);
    // Each answer waits for at most one piece of it.
    long_answers_.emplace("trapline-export", options_.long_answer_threads, options_.max_long_answers);
    while (!is_stopping_) turn();
    close(listener_.socket);
    listener_.socket = -1;
    drop_all(Phase::kStreaming);  // what is waited for below, and by those who call, may take long
    doors_->stop();
    api_->stop();
    long_answers_->stop();
    for (const Shared& connection : connections_.in_phase(Phase::kWriting)) {
      if (connection->long_answer) break_off(connection);
    }
    // Answers that did not fit into their sockets get a moment to.
    const auto end = Clock::now() + kLastWrites;
    while (!connections_.in_phase(Phase::kWriting).empty() && Clock::now() < end) turn();
    drop_all(Phase::kStreaming);  // one that a thread of the API was beginning
    drop_all(Phase::kReading);    // nobody would answer what they ask
  }

  void stop() {
    is_stopping_ = true;
    const std::uint64_t one = 1;
    static_cast<void>(!write(wake_up_, &one, sizeof one));
  }

  [[nodiscard]] HttpCounts counts() const {
    const std::lock_guard lock(mutex_);
    HttpCounts counts = counts_;
    counts.connections = connections_.count();
    counts.streams = connections_.streams();
    return counts;
  }

 private:
  using Shared = Connections::Shared;

  /// One round of the loop: what has come, then who is too late.
  void turn() {
    std::array<epoll_event, kEventsAtOnce> events{};
    const int count =
        epoll_wait(connections_.epoll(), events.data(), kEventsAtOnce, static_cast<int>(kDeadlineLook.count()));
    for (int index = 0; index < count; ++index) {
      const int socket = events[static_cast<std::size_t>(index)].data.fd;
      if (socket == listener_.socket) {
        accept_all();
      } else if (socket == wake_up_) {
        std::uint64_t ignored = 0;
        static_cast<void>(!read(wake_up_, &ignored, sizeof ignored));
      } else if (socket == bell_->descriptor()) {
        send_news();
      } else if (Shared connection = connections_.find(socket)) {
        handle_event(connection);
      }
    }
    const auto now = Clock::now();
    if (now < next_look_) return;
    next_look_ = now + kDeadlineLook;
    end_late_ones(now);
  }

  // --- connections come and go

  void accept_all() {
    for (int number = 0; number < kEventsAtOnce; ++number) {
      Doorkeeper::Visitor visitor = doorkeeper_.next(listener_.socket, connections_);
      if (visitor.socket < 0) return;
      take(visitor.socket, std::move(visitor.peer));
    }
  }

  void take(int socket, std::string peer) {
    const bool counts_for_ip = !is_trusted_proxy(peer, options_.trusted_proxies);
    const auto [connection, admission] = connections_.admit(socket, std::move(peer), counts_for_ip);
    switch (admission) {
      case Connections::Admission::kTaken:
        return connections_.begin(*connection);
      case Connections::Admission::kTooManyOfAddress:
        turn_away(*connection, "too many connections from your address are open at the same time");
        close(socket);
        return;
      case Connections::Admission::kFull:
        return turn_away_gently(connection, "too many connections are open, and all of them are busy");
    }
  }

  void count_turned_away() {
    {
      const std::lock_guard lock(mutex_);
      ++counts_.refused_connections;
    }
    intake_.count_rejected("too_many_connections");
  }

  void turn_away(Connection& connection, std::string_view why) {
    count_turned_away();
    HttpReply reply = busy_reply(why);
    allow_any_origin(reply);
    connection.output = serialize(reply, false, false);
    send_output(connection);
  }

  /// Lets the client send what it wanted to, while there are few such: closed with that unread, it would see a reset.
  void turn_away_gently(const Shared& connection, std::string_view why) {
    if (connections_.surplus() > std::clamp<std::size_t>(options_.max_connections / 8, 1, kMostSurplus)) {
      turn_away(*connection, why);
      return connections_.drop(connection);
    }
    count_turned_away();
    connections_.watch(EPOLL_CTL_ADD, connection->socket, EPOLLONESHOT);
    answer_last(connection, busy_reply(why));
  }

  void drop_all(Phase phase) {
    for (const Shared& connection : connections_.in_phase(phase)) connections_.drop(connection);
  }

  void end_late_ones(Clock::time_point now) {
    for (const Shared& connection : connections_.late(now)) {
      if (connection->phase == Phase::kStreaming) {
        keep_alive(connection, now);
        continue;
      }
      const bool is_half_asked = connection->phase == Phase::kReading && connection->parser.is_begun();
      if (!is_half_asked) {
        connections_.drop(connection);
        continue;
      }
      {
        const std::lock_guard lock(mutex_);
        ++counts_.timed_out_requests;
      }
      dispatcher_.count_refused(connection->parser.head(), "request_timeout");
      answer_last(connection, error_reply(408, "request_timeout", "the request did not arrive in time"));
    }
  }

  // --- reading

  void handle_event(const Shared& connection) {
    switch (connection->phase) {
      case Phase::kReading:
        return read_request(connection);
      case Phase::kWriting:
        return after_send(connection, send_output(*connection));
      case Phase::kStreaming:
        return serve_stream(connection);
      case Phase::kDraining:
        return drain(connection);
      case Phase::kWorking:
        break;
    }
  }

  void read_request(const Shared& connection) {
    for (int number = 0; number < kReadsAtOnce; ++number) {
      const ssize_t count = recv(connection->socket, read_buffer_.data(), read_buffer_.size(), 0);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (count <= 0) return end_of_input(connection);
      if (!take_bytes(connection, {read_buffer_.data(), static_cast<std::size_t>(count)})) return;
      if (static_cast<std::size_t>(count) < read_buffer_.size()) break;
    }
    connections_.rearm(*connection);
  }

  void end_of_input(const Shared& connection) {
    if (!connection->parser.is_begun()) return connections_.drop(connection);
    // The other half of the connection may still be read.
    dispatcher_.count_refused(connection->parser.head(), "incomplete_body");
    answer_last(connection,
                error_reply(400, "incomplete_body", "the request ended, or stopped arriving, before it was complete"));
  }

  /// Reads on with new bytes; false when the connection is in other hands now.
  bool take_bytes(const Shared& connection, std::string_view bytes) {
    RequestParser& parser = connection->parser;
    const bool was_begun = parser.is_begun();
    while (!bytes.empty() && parser.state() != RequestParser::State::kDone) {
      bytes.remove_prefix(parser.feed(bytes));
      if (parser.state() == RequestParser::State::kHeadDone) begin_body(*connection);
      if (parser.state() == RequestParser::State::kFailed) break;
    }
    // A line end before a request begins none: an idle client must not stay for ever by sending them.
    const bool begins_now = !was_begun && parser.is_begun();
    if (begins_now && parser.state() == RequestParser::State::kHead)
      connections_.set_deadline(*connection, options_.head_deadline);
    switch (parser.state()) {
      case RequestParser::State::kFailed:
        refuse(connection);
        return false;
      case RequestParser::State::kDone:
        connection->pending = bytes;
        hand_over(connection);
        return false;
      default:
        break;
    }
    if (connections_.has_room_for(*connection, parser.body().size())) return true;
    count_refused_request(parser.head());
    answer_last(connection, busy_reply("the collector is reading as many large requests as it can hold"));
    return false;
  }

  void begin_body(Connection& connection) {
    RequestParser& parser = connection.parser;
    connections_.set_deadline(connection, options_.body_deadline);
    parser.begin_body(find_door(parser.head().path()) ? intake_.limits().max_body_bytes : kMostSmallBody);
    if (parser.head().expects_continue && parser.state() == RequestParser::State::kBody) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      static_cast<void>(!send(connection.socket, kContinue.data(), kContinue.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    }
  }

  void refuse(const Shared& connection) {
    const RequestParser::Failure& failure = connection->parser.failure();
    const RequestHead& head = connection->parser.head();
    const bool is_at_door = find_door(head.path()).has_value();
    if (is_at_door) dispatcher_.count_refused(head, failure.code);
    answer_last(connection, is_at_door && failure.code == "body_too_large"
                                ? refuse_large_body(intake_.limits().max_body_bytes)
                                : error_reply(failure.http_status, failure.code, failure.message));
  }

  // --- answering

  void hand_over(const Shared& connection) {
    const std::string path = connection->parser.head().path();
    WorkerThreads& workers = is_urgent_path(path) ? *doors_ : *api_;
    connections_.take_in_hand(*connection);
    if (workers.add([this, connection] { work(connection); })) return;
    count_refused_request(connection->parser.head());
    // The last answer, as what may have come behind the request would only be refused as well.
    connection->closes_after = true;
    HttpReply reply = busy_reply("more requests wait than the collector lets wait");
    allow_any_origin(reply);
    respond(connection, reply);
  }

  /// A worker's part: answers the request, and takes up what came right behind it.
  void work(const Shared& connection) {
    const RequestParser& parser = connection->parser;
    respond(connection, dispatcher_.answer(parser.head(), parser.body(), connection->peer));
  }

  void respond(const Shared& connection, const HttpReply& reply) {
    const RequestHead& head = connection->parser.head();
    if (reply.stream && head.method != "HEAD") return begin_stream(connection, reply);
    if (!head.keeps_alive || is_stopping_) connection->closes_after = true;
    if (reply.rest) return begin_long_answer(connection, reply);
    connection->output = serialize(reply, head.method == "HEAD", !connection->closes_after);
    connection->written = 0;
    after_send(connection, send_output(*connection));
  }

  /// The last answer of a connection whose request cannot be read to its end. Pages may read it, else their SDKs would
  /// take it for a network that is down; it tells nothing but what they did.
  void answer_last(const Shared& connection, HttpReply reply) {
    allow_any_origin(reply);
    connection->closes_after = true;
    connection->output = serialize(reply, false, false);
    connection->written = 0;
    after_send(connection, send_output(*connection));
  }

  void after_send(const Shared& connection, SendOutcome outcome) {
    if (outcome == SendOutcome::kFailed) return connections_.drop(connection);
    if (outcome == SendOutcome::kLater) {
      return connections_.give_to_loop(connection, Phase::kWriting, options_.write_deadline);
    }
    connection->output = std::string();
    if (connection->long_answer) return go_on(connection);
    if (connection->closes_after) {
      // A socket that is closed with bytes unread is reset, and the client may never see the answer.
      shutdown(connection->socket, SHUT_WR);
      const bool is_whole = connection->parser.state() == RequestParser::State::kDone;
      forget_request(*connection);
      return connections_.give_to_loop(connection, Phase::kDraining, is_whole ? kPoliteDrainDeadline : kDrainDeadline);
    }
    next_request(connection);
  }

  void forget_request(Connection& connection) {
    connection.parser = RequestParser();
    connections_.forget_body(connection);
  }

  void next_request(const Shared& connection) {
    forget_request(*connection);
    const std::string pending = std::exchange(connection->pending, {});
    if (pending.empty()) return connections_.give_to_loop(connection, Phase::kReading, options_.idle_deadline);
    connections_.take_in_hand(*connection);  // not the loop's yet: the rest of it is in our hands
    if (!take_bytes(connection, pending)) return;
    const RequestParser& parser = connection->parser;
    const bool is_in_body = parser.state() == RequestParser::State::kBody;
    const auto within = parser.is_begun() ? options_.head_deadline : options_.idle_deadline;
    connections_.give_to_loop(connection, Phase::kReading, is_in_body ? options_.body_deadline : within);
  }

  void drain(const Shared& connection) {
    for (int number = 0; number < kReadsAtOnce; ++number) {
      const ssize_t count = recv(connection->socket, read_buffer_.data(), read_buffer_.size(), 0);
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (count <= 0) return connections_.drop(connection);
      connection->drained += static_cast<std::size_t>(count);
      if (connection->drained > kMostDrained) return connections_.drop(connection);
    }
    connections_.rearm(*connection);
  }

  // --- long answers

  void begin_long_answer(const Shared& connection, const HttpReply& reply) {
    const RequestHead& head = connection->parser.head();
    const bool is_chunked = !head.is_http_1_0;
    if (!is_chunked) connection->closes_after = true;
    connection->output = serialize_long_head(reply, is_chunked, !connection->closes_after);
    connection->written = 0;
    if (head.method != "HEAD") {
      std::shared_ptr<void> place = places_.take();
      if (!place) {
        count_refused_request(head);
        return respond(connection, busy_reply("as many exports are running as may be"));
      }
      connection->long_answer.emplace(reply.rest, is_chunked, std::move(place));
      connection->output += connection->long_answer->frame(reply.body);
    }
    after_send(connection, send_output(*connection));
  }

  /// The client has taken what there was.
  void go_on(const Shared& connection) {
    connections_.take_in_hand(*connection);
    if (!long_answers_->add([this, connection] { make_next_piece(connection); })) break_off(connection);
  }

  void make_next_piece(const Shared& connection) {
    if (is_stopping_ || has_hung_up(*connection)) return break_off(connection);
    auto bytes = connection->long_answer->next();
    if (!bytes) {
      spdlog::error("{} is broken off: {}", connection->parser.head().path(), bytes.error().message);
      return break_off(connection);
    }
    connection->output = *std::move(bytes);
    connection->written = 0;
    if (connection->long_answer->is_done()) connection->long_answer.reset();
    after_send(connection, send_output(*connection));
  }

  void break_off(const Shared& connection) {
    mark_broken(*connection);
    connections_.drop(connection);
  }

  // --- streams

  void begin_stream(const Shared& connection, const HttpReply& reply) {
    if (is_stopping_) return respond(connection, busy_reply("the collector is stopping"));
    if (!connections_.claim_stream(*connection)) {
      count_refused_request(connection->parser.head());
      return respond(connection, busy_reply("as many live updates are open as may be"));
    }
    forget_request(*connection);
    connection->stream = reply.stream;
    connection->stream_ends = Clock::now() + options_.stream_lifetime;
    connection->output = serialize_stream_head(reply);
    connection->written = 0;
    // From here on the loop may send, or find the client gone, at any moment.
    const std::shared_ptr<EventStream> stream = reply.stream;
    const int socket = connection->socket;
    connections_.give_to_loop(connection, Phase::kStreaming, options_.heartbeat);
    stream->attach(bell_, socket);
  }

  void send_news() {
    for (const int socket : bell_->answer()) {
      // The socket may be another connection's by now.
      if (const Shared connection = connections_.find_stream(socket)) write_stream(connection);
    }
  }

  /// Something happened to the socket: the client hung up, or takes more.
  void serve_stream(const Shared& connection) {
    const ssize_t count = recv(connection->socket, read_buffer_.data(), read_buffer_.size(), 0);
    const bool is_quiet = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    // What it sends is nothing that is waited for.
    if (count > 0) connection->drained += static_cast<std::size_t>(count);
    if ((count <= 0 && !is_quiet) || connection->drained > kMostSmallBody) return connections_.drop(connection);
    write_stream(connection);
  }

  void write_stream(const Shared& connection) {
    while (true) {
      if (connection->written == connection->output.size()) {
        connection->output = connection->stream->take();
        connection->written = 0;
        connection->stalled_since.reset();
      }
      if (connection->output.empty()) break;
      const std::size_t written = connection->written;
      const SendOutcome outcome = send_output(*connection);
      if (outcome == SendOutcome::kFailed) return connections_.drop(connection);
      if (outcome == SendOutcome::kDone) continue;
      if (!connection->stalled_since || connection->written > written) connection->stalled_since = Clock::now();
      break;
    }
    connections_.rearm(*connection);
  }

  void keep_alive(const Shared& connection, Clock::time_point now) {
    const bool is_stuck = connection->stalled_since && now - *connection->stalled_since >= options_.write_deadline;
    if (is_stuck || now >= connection->stream_ends) return connections_.drop(connection);
    connections_.set_deadline(*connection, options_.heartbeat);
    if (connection->written < connection->output.size()) return;  // it has enough to read
    connection->output = ":\n\n";
    connection->written = 0;
    write_stream(connection);
  }

  void count_refused_request(const RequestHead& head) {
    dispatcher_.count_refused(head, "busy");
    const std::lock_guard lock(mutex_);
    ++counts_.refused_requests;
  }

  Intake& intake_;
  const HttpOptions options_;
  Dispatcher dispatcher_;
  Connections connections_;
  const int wake_up_;
  /// Shared with the streams, which may outlive the server in the hands of those who have news for them.
  const std::shared_ptr<StreamBell> bell_ = std::make_shared<StreamBell>();
  Listener listener_;
  Doorkeeper doorkeeper_;
  std::atomic<bool> is_stopping_{false};
  std::array<char, kReadBytes> read_buffer_{};  ///< only the loop's thread, as the next
  Clock::time_point next_look_;

  mutable std::mutex mutex_;
  HttpCounts counts_;  ///< guarded by mutex_

  std::optional<WorkerThreads> doors_;
  std::optional<WorkerThreads> api_;
  std::optional<WorkerThreads> long_answers_;
  Places places_{options_.max_long_answers};
};

HttpServer::HttpServer(Router router, Intake& intake, HttpOptions options)
    : implementation_(std::make_unique<Implementation>(std::move(router), intake, std::move(options))) {}
HttpServer::~HttpServer() = default;

Result<int> HttpServer::bind(const std::string& host, int port) { return implementation_->bind(host, port); }
void HttpServer::run() { implementation_->run(); }
void HttpServer::stop() { implementation_->stop(); }
HttpCounts HttpServer::counts() const { return implementation_->counts(); }

}  // namespace trapline::collector
