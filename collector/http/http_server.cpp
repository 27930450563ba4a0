#include "collector/http/http_server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/http/authentication.h"
#include "collector/http/connection.h"
#include "collector/http/ingest_routes.h"
#include "collector/http/listener.h"
#include "collector/http/static_files.h"
#include "collector/http/worker_threads.h"
#include "collector/ingest/token_bucket.h"

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

bool is_api_path(std::string_view path) { return path.starts_with("/api/") || path.starts_with("/v1/"); }
bool is_health_path(std::string_view path) { return path == "/healthz" || path == "/readyz" || path == "/metrics"; }

HttpReply busy_reply(std::string_view message) {
  HttpReply reply = error_reply(503, "busy", message);
  reply.headers.emplace_back("Retry-After", "2");
  return reply;
}

HttpReply too_often_reply(int seconds) {
  HttpReply reply = error_reply(429, "rate_limited", "this token, session or address asks more often than it may");
  reply.headers.emplace_back("Retry-After", std::to_string(seconds));
  return reply;
}

/// "/api/v1/issues/7/events" -> "issues": each kind of question has a limit of its own.
std::string_view resource_of(std::string_view path) {
  constexpr std::string_view kApi = "/api/v1/";
  if (!path.starts_with(kApi)) return path;
  path.remove_prefix(kApi.size());
  return path.substr(0, path.find('/'));
}

/// Whose requests at the API are counted together.
std::string caller_of(const HttpRequest& request) {
  std::string caller(request.header("authorization"));
  if (caller.empty()) caller = session_secret(request);
  if (caller.empty()) caller = request.peer;
  return caller + '\n' + std::string(resource_of(request.path));
}

std::string address_text(const sockaddr_storage& address, socklen_t size) {
  std::array<char, NI_MAXHOST> text{};
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, text.data(), text.size(), nullptr, 0,
                  NI_NUMERICHOST) != 0) {
    return {};
  }
  return text.data();
}

/// A file descriptor kept back, to be given up for a moment when there is no other: without it a connection that cannot
/// be accepted would stay in the backlog and wake the loop for ever.
class SpareDescriptor {
 public:
  SpareDescriptor() : file_(open("/dev/null", O_RDONLY | O_CLOEXEC)) {}
  ~SpareDescriptor() { close(file_); }
  SpareDescriptor(const SpareDescriptor&) = delete;
  SpareDescriptor& operator=(const SpareDescriptor&) = delete;
  void hang_up_one(int listener) {
    close(file_);
    const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) close(socket);
    file_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  }

 private:
  int file_;
};

}  // namespace

class HttpServer::Implementation {
 public:
  Implementation(Router router, Intake& intake, HttpOptions options)
      : router_(std::move(router)),
        intake_(intake),
        options_(std::move(options)),
        api_buckets_(options_.api_requests_per_minute, core::system_clock()),
        stranger_buckets_(options_.api_requests_per_minute, core::system_clock()),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        wake_up_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  ~Implementation() {
    for (const auto& [socket, connection] : connections_) close(socket);
    if (listener_.socket >= 0) close(listener_.socket);
    close(wake_up_);
    close(epoll_);
  }
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;

  Result<int> bind(const std::string& host, int port) {
    const auto listener = listen_on(host, port);
    if (!listener) return listener.error();
    listener_ = *listener;
    watch(EPOLL_CTL_ADD, listener_.socket, EPOLLIN);
    watch(EPOLL_CTL_ADD, wake_up_, EPOLLIN);
    return listener_.port;
  }

  void run() {
    doors_.emplace("trapline-doors", options_.door_threads, options_.max_waiting_requests);
    api_.emplace("trapline-api", options_.api_threads, options_.max_waiting_requests);
    while (!is_stopping_) turn();
    close(listener_.socket);
    listener_.socket = -1;
    doors_->stop();
    api_->stop();
    // Answers that did not fit into their sockets get a moment to.
    const auto end = Clock::now() + kLastWrites;
    while (has_writing() && Clock::now() < end) turn();
  }

  void stop() {
    is_stopping_ = true;
    const std::uint64_t one = 1;
    static_cast<void>(!write(wake_up_, &one, sizeof one));
  }

  [[nodiscard]] HttpCounts counts() const {
    const std::lock_guard lock(mutex_);
    HttpCounts counts = counts_;
    counts.connections = connections_.size();
    return counts;
  }

 private:
  using Shared = std::shared_ptr<Connection>;  // of the table and of whoever has it in hand

  /// One round of the loop: what has come, then who is too late.
  void turn() {
    std::array<epoll_event, kEventsAtOnce> events{};
    const int count = epoll_wait(epoll_, events.data(), kEventsAtOnce, static_cast<int>(kDeadlineLook.count()));
    for (int index = 0; index < count; ++index) {
      const int socket = events[static_cast<std::size_t>(index)].data.fd;
      if (socket == listener_.socket) {
        accept_all();
      } else if (socket == wake_up_) {
        std::uint64_t ignored = 0;
        static_cast<void>(!read(wake_up_, &ignored, sizeof ignored));
      } else if (Shared connection = find(socket)) {
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
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      const int socket =
          accept4(listener_.socket, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket >= 0) {
        take(socket, address_text(address, size));
        continue;
      }
      const bool is_out_of_descriptors = errno == EMFILE || errno == ENFILE;
      if (is_out_of_descriptors && !make_room()) spare_.hang_up_one(listener_.socket);
      if (!is_out_of_descriptors && errno != ECONNABORTED && errno != EINTR) return;
    }
  }

  void take(int socket, std::string peer) {
    const int yes = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);  // else an answer waits for the client's ACK: 40 ms
    auto connection = std::make_shared<Connection>();
    connection->socket = socket;
    connection->counts_for_ip = !is_trusted(peer);
    connection->peer = std::move(peer);
    connection->deadline = Clock::now() + options_.idle_deadline;
    bool is_refused = false;
    bool is_full = false;
    {
      const std::lock_guard lock(mutex_);
      is_refused = connection->counts_for_ip && per_ip_[connection->peer] >= options_.max_connections_per_ip;
      if (!is_refused && connection->counts_for_ip) ++per_ip_[connection->peer];
      if (is_refused) ++counts_.refused_connections;
      if (!is_refused) connections_.emplace(socket, connection);
      is_full = connections_.size() > options_.max_connections;
    }
    if (is_refused) {
      turn_away(*connection, "too many connections from your address are open at the same time");
      close(socket);
      return;
    }
    if (is_full && !make_room(connection.get())) {
      {
        const std::lock_guard lock(mutex_);
        ++counts_.refused_connections;
      }
      return turn_away_gently(connection, "too many connections are open, and all of them are busy");
    }
    watch(EPOLL_CTL_ADD, socket, EPOLLIN | EPOLLRDHUP | EPOLLONESHOT);
  }

  void turn_away(Connection& connection, std::string_view why) {
    intake_.count_rejected("too_many_connections");
    HttpReply reply = busy_reply(why);
    allow_any_origin(reply);
    connection.output = serialize(reply, false, false);
    send_output(connection);
  }

  /// Lets the client send what it wanted to, while there are few such: closed with that unread, it would see a reset.
  void turn_away_gently(const Shared& connection, std::string_view why) {
    std::size_t surplus = 0;
    {
      const std::lock_guard lock(mutex_);
      surplus = connections_.size() - std::min(connections_.size(), options_.max_connections);
    }
    if (surplus > std::clamp<std::size_t>(options_.max_connections / 8, 1, kMostSurplus)) {
      turn_away(*connection, why);
      return drop(connection);
    }
    intake_.count_rejected("too_many_connections");
    watch(EPOLL_CTL_ADD, connection->socket, EPOLLONESHOT);
    answer_last(connection, busy_reply(why));
  }

  /// In which order connections make room for another; nothing: this one is busy.
  static std::optional<int> rank_to_go(const Connection& connection) {
    if (connection.phase == Phase::kDraining) return 2;  // it has its last answer
    if (connection.phase != Phase::kReading) return std::nullopt;
    if (!connection.parser.is_begun()) return 0;
    // An honest client's head comes in one piece. Who is at it while all others are needed may be slow on purpose.
    if (connection.parser.state() == RequestParser::State::kHead) return 1;
    return std::nullopt;
  }

  /// Makes room for `newest`; false when every other connection is busy. Of those that are not, the one that is next to
  /// be late goes.
  bool make_room(const Connection* newest = nullptr) {
    Shared chosen;
    int least_rank = 0;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [socket, connection] : connections_) {
        const auto rank = rank_to_go(*connection);
        if (!rank || connection.get() == newest) continue;
        const bool goes_first =
            !chosen || std::pair(*rank, connection->deadline) < std::pair(least_rank, chosen->deadline);
        if (!goes_first) continue;
        chosen = connection;
        least_rank = *rank;
      }
    }
    if (chosen) drop(chosen);
    return chosen != nullptr;
  }

  void drop(const Shared& connection) {
    const std::lock_guard lock(mutex_);
    if (connections_.erase(connection->socket) == 0) return;
    buffered_ -= connection->buffered;
    connection->buffered = 0;
    if (connection->counts_for_ip) {
      const auto found = per_ip_.find(connection->peer);
      if (found != per_ip_.end() && --found->second == 0) per_ip_.erase(found);
    }
    close(connection->socket);
  }

  Shared find(int socket) {
    const std::lock_guard lock(mutex_);
    const auto found = connections_.find(socket);
    return found != connections_.end() ? found->second : nullptr;
  }

  void watch(int operation, int socket, std::uint32_t wanted) const {
    epoll_event event{};
    event.events = wanted;
    event.data.fd = socket;
    epoll_ctl(epoll_, operation, socket, &event);
  }

  /// Gives the connection to the loop, which goes on when it can be read, or written to. The deadline is set and the
  /// socket watched in one step: in between, the loop must not find it late and close it.
  void give_to_loop(const Shared& connection, Phase phase, Clock::duration within) {
    const std::lock_guard lock(mutex_);
    if (!connections_.contains(connection->socket)) return;
    connection->phase = phase;
    connection->deadline = Clock::now() + within;
    rearm(*connection);
  }
  void rearm(const Connection& connection) const {
    const std::uint32_t wanted = connection.phase == Phase::kWriting ? EPOLLOUT : EPOLLIN | EPOLLRDHUP;
    watch(EPOLL_CTL_MOD, connection.socket, wanted | EPOLLONESHOT);
  }

  bool has_writing() {
    const std::lock_guard lock(mutex_);
    return std::any_of(connections_.begin(), connections_.end(),
                       [](const auto& entry) { return entry.second->phase == Phase::kWriting; });
  }

  void end_late_ones(Clock::time_point now) {
    std::vector<Shared> late;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [socket, connection] : connections_) {
        if (connection->phase != Phase::kWorking && connection->deadline <= now) late.push_back(connection);
      }
    }
    for (const Shared& connection : late) {
      const bool is_half_asked = connection->phase == Phase::kReading && connection->parser.is_begun();
      if (!is_half_asked) {
        drop(connection);
        continue;
      }
      {
        const std::lock_guard lock(mutex_);
        ++counts_.timed_out_requests;
      }
      count_refused_at_door(connection->parser.head(), "request_timeout");
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
    const std::lock_guard lock(mutex_);
    rearm(*connection);
  }

  void end_of_input(const Shared& connection) {
    if (!connection->parser.is_begun()) return drop(connection);
    // The other half of the connection may still be read.
    count_refused_at_door(connection->parser.head(), "incomplete_body");
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
    if (begins_now && parser.state() == RequestParser::State::kHead) set_deadline(*connection, options_.head_deadline);
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
    if (has_room_for(*connection)) return true;
    count_refused_request(parser.head());
    answer_last(connection, busy_reply("the collector is reading as many large requests as it can hold"));
    return false;
  }

  void begin_body(Connection& connection) {
    RequestParser& parser = connection.parser;
    set_deadline(connection, options_.body_deadline);
    parser.begin_body(find_door(parser.head().path()) ? intake_.limits().max_body_bytes : kMostSmallBody);
    if (parser.head().expects_continue && parser.state() == RequestParser::State::kBody) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      static_cast<void>(!send(connection.socket, kContinue.data(), kContinue.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    }
  }

  void set_deadline(Connection& connection, Clock::duration within) {
    const std::lock_guard lock(mutex_);
    connection.deadline = Clock::now() + within;
  }

  /// Adds the body to the sum of all; false when that is more than there may be.
  bool has_room_for(Connection& connection) {
    const std::size_t size = connection.parser.body().size();
    const std::lock_guard lock(mutex_);
    buffered_ += size - connection.buffered;
    connection.buffered = size;
    return size <= kMostSmallBody || buffered_ <= options_.max_buffered_bytes;
  }

  void refuse(const Shared& connection) {
    const RequestParser::Failure& failure = connection->parser.failure();
    const RequestHead& head = connection->parser.head();
    const bool is_at_door = find_door(head.path()).has_value();
    if (is_at_door) count_refused_at_door(head, failure.code);
    answer_last(connection, is_at_door && failure.code == "body_too_large"
                                ? refuse_large_body(intake_.limits().max_body_bytes)
                                : error_reply(failure.http_status, failure.code, failure.message));
  }

  // --- answering

  void hand_over(const Shared& connection) {
    const std::string path = connection->parser.head().path();
    WorkerThreads& workers = find_door(path) || is_health_path(path) ? *doors_ : *api_;
    {
      const std::lock_guard lock(mutex_);
      connection->phase = Phase::kWorking;
    }
    if (workers.add([this, connection] { work(connection); })) return;
    count_refused_request(connection->parser.head());
    // The last answer, as what may have come behind the request would only be refused as well.
    connection->closes_after = true;
    HttpReply reply = busy_reply("more requests wait than the collector lets wait");
    allow_any_origin(reply);
    respond(connection, reply);
  }

  /// A worker's part: answers the request, and takes up what came right behind it.
  void work(const Shared& connection) { respond(connection, answer(*connection)); }

  void respond(const Shared& connection, const HttpReply& reply) {
    const RequestHead& head = connection->parser.head();
    if (!head.keeps_alive || is_stopping_) connection->closes_after = true;
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
    if (outcome == SendOutcome::kFailed) return drop(connection);
    if (outcome == SendOutcome::kLater) {
      return give_to_loop(connection, Phase::kWriting, options_.write_deadline);
    }
    connection->output = std::string();
    if (connection->closes_after) {
      // A socket that is closed with bytes unread is reset, and the client may never see the answer.
      shutdown(connection->socket, SHUT_WR);
      const bool is_whole = connection->parser.state() == RequestParser::State::kDone;
      forget_request(*connection);
      return give_to_loop(connection, Phase::kDraining, is_whole ? kPoliteDrainDeadline : kDrainDeadline);
    }
    next_request(connection);
  }

  void forget_request(Connection& connection) {
    connection.parser = RequestParser();
    const std::lock_guard lock(mutex_);
    buffered_ -= connection.buffered;
    connection.buffered = 0;
  }

  void next_request(const Shared& connection) {
    forget_request(*connection);
    const std::string pending = std::exchange(connection->pending, {});
    if (pending.empty()) return give_to_loop(connection, Phase::kReading, options_.idle_deadline);
    {
      const std::lock_guard lock(mutex_);
      connection->phase = Phase::kWorking;  // not the loop's yet: the rest of it is in our hands
    }
    if (!take_bytes(connection, pending)) return;
    const RequestParser& parser = connection->parser;
    const bool is_in_body = parser.state() == RequestParser::State::kBody;
    const auto within = parser.is_begun() ? options_.head_deadline : options_.idle_deadline;
    give_to_loop(connection, Phase::kReading, is_in_body ? options_.body_deadline : within);
  }

  void drain(const Shared& connection) {
    for (int number = 0; number < kReadsAtOnce; ++number) {
      const ssize_t count = recv(connection->socket, read_buffer_.data(), read_buffer_.size(), 0);
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (count <= 0) return drop(connection);
      connection->drained += static_cast<std::size_t>(count);
      if (connection->drained > kMostDrained) return drop(connection);
    }
    const std::lock_guard lock(mutex_);
    rearm(*connection);
  }

  HttpReply answer(const Connection& connection) {
    const RequestHead& head = connection.parser.head();
    try {
      return route(connection, head);
    } catch (const std::exception& error) {
      spdlog::error("{} {} failed: {}", head.method, head.target, error.what());
      return error_reply(500, "internal", "the collector failed at this request; its log says why");
    }
  }

  HttpReply route(const Connection& connection, const RequestHead& head) {
    const std::string path = head.path();
    HttpRequest call;
    call.method = head.method;
    call.path = path;
    call.query = head.query();
    call.headers = head.headers;
    call.body = connection.parser.body();
    const std::string peer = client_address(connection.peer, call.header("x-forwarded-for"), options_.trusted_proxies);
    call.peer = peer;
    if (const auto door = find_door(path)) {
      if (call.method == "POST") return take_in(intake_, *door, call);
      return call.method == "OPTIONS" ? answer_preflight(call) : refuse_method();
    }
    const bool is_page = !is_api_path(path) && !is_health_path(path) && (call.method == "GET" || call.method == "HEAD");
    if (is_page) return serve_dashboard(call);
    if (!is_health_path(path)) {
      // Tokens that are made up must not have a limit each.
      const int stranger_seconds = stranger_buckets_.seconds_until(peer);
      const int seconds = std::max(stranger_seconds, api_buckets_.take(caller_of(call)));
      if (seconds > 0) return too_often_reply(seconds);
    }
    HttpReply reply = router_.route(call);
    if (reply.status == 401) static_cast<void>(stranger_buckets_.take(peer));
    return reply;
  }

  bool is_trusted(const std::string& peer) const {
    const auto address = parse_address(peer);
    return address && std::any_of(options_.trusted_proxies.begin(), options_.trusted_proxies.end(),
                                  [&](const AddressRange& range) { return range.contains(*address); });
  }

  /// Counts a request that was not read, at a door for the project it names.
  void count_refused_at_door(const RequestHead& head, std::string_view reason) {
    const std::string path = head.path();
    const auto door = find_door(path);
    if (!door) return intake_.count_rejected(reason);
    HttpRequest call;
    call.path = path;
    call.query = head.query();
    call.headers = head.headers;
    count_refused(intake_, *door, call, reason);
  }

  void count_refused_request(const RequestHead& head) {
    count_refused_at_door(head, "busy");
    const std::lock_guard lock(mutex_);
    ++counts_.refused_requests;
  }

  Router router_;
  Intake& intake_;
  const HttpOptions options_;
  TokenBuckets api_buckets_;
  TokenBuckets stranger_buckets_;  ///< by address, of requests whose token or session is nobody's
  const int epoll_;
  const int wake_up_;
  Listener listener_;
  SpareDescriptor spare_;
  std::atomic<bool> is_stopping_{false};
  std::array<char, kReadBytes> read_buffer_{};  ///< only the loop's thread, as the next
  Clock::time_point next_look_;

  mutable std::mutex mutex_;
  std::unordered_map<int, Shared> connections_;          ///< by socket; guarded by mutex_, as all below, and as every
  std::unordered_map<std::string, std::size_t> per_ip_;  ///< connection's phase and deadline
  std::size_t buffered_ = 0;                             ///< bytes of all bodies in memory
  HttpCounts counts_;

  std::optional<WorkerThreads> doors_;
  std::optional<WorkerThreads> api_;
};

HttpServer::HttpServer(Router router, Intake& intake, HttpOptions options)
    : implementation_(std::make_unique<Implementation>(std::move(router), intake, std::move(options))) {}
HttpServer::~HttpServer() = default;

Result<int> HttpServer::bind(const std::string& host, int port) { return implementation_->bind(host, port); }
void HttpServer::run() { implementation_->run(); }
void HttpServer::stop() { implementation_->stop(); }
HttpCounts HttpServer::counts() const { return implementation_->counts(); }

std::string client_address(const std::string& peer, std::string_view forwarded_for,
                           const std::vector<AddressRange>& trusted_proxies) {
  const auto is_trusted = [&](std::string_view text) {
    const auto address = parse_address(text);
    return address && std::any_of(trusted_proxies.begin(), trusted_proxies.end(),
                                  [&](const AddressRange& range) { return range.contains(*address); });
  };
  std::string client = peer;
  while (is_trusted(client) && !forwarded_for.empty()) {
    const std::size_t comma = forwarded_for.rfind(',');
    std::string_view last = comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1);
    last.remove_prefix(std::min(last.find_first_not_of(' '), last.size()));
    last = last.substr(0, last.find_last_not_of(' ') + 1);
    if (!parse_address(last)) break;
    client = last;
    forwarded_for = comma == std::string_view::npos ? std::string_view{} : forwarded_for.substr(0, comma);
  }
  return client;
}

}  // namespace trapline::collector
