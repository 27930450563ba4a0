#include "sdk/delivery/plain_transport.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sdk/core/ascii.h"

namespace trapline::sdk {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kConnectTimeout{5};
constexpr std::chrono::seconds kTotalTimeout{30};
constexpr int kPollMs = 50;  ///< how often should_abort is asked
constexpr std::size_t kMostHeadBytes = std::size_t{64} << 10;
constexpr std::size_t kMostBodyBytes = std::size_t{1} << 20;

struct Address {
  std::string host;
  std::string port = "80";
  std::string authority;  ///< both, as the Host header has them
  std::string path = "/";
};

Address split_url(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  Address address;
  std::string_view rest = std::string_view(url).substr(std::min(url.size(), kScheme.size()));
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) address.path = rest.substr(slash);
  address.authority = rest.substr(0, slash);
  std::string_view host = address.authority;
  const std::size_t colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  if (has_port) {
    address.port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  address.host = host;
  return address;
}

/// A socket and what ends the waiting for it.
class Connection {
 public:
  Connection() = default;
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void begin_request(const std::function<bool()>& should_abort) {
    should_abort_ = &should_abort;
    deadline_ = Clock::now() + kTotalTimeout;
  }

  [[nodiscard]] bool is_open() const { return socket_ >= 0; }
  [[nodiscard]] const std::string& error() const { return error_; }

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    received_.clear();
  }

  bool connect(const Address& address) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int code = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
    if (code != 0) return fail("cannot find the host " + address.host + ": " + gai_strerror(code));
    for (const addrinfo* one = found; one != nullptr && !is_open(); one = one->ai_next) connect_to(*one);
    freeaddrinfo(found);
    return is_open() || fail("cannot connect to " + address.authority + ": " + error_);
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (!wait_for(POLLOUT)) return false;
      } else if (errno != EINTR) {
        return fail_with_errno("the connection broke while sending");
      }
    }
    return true;
  }

  /// More bytes into received(). False at the end, and when it failed.
  bool receive() {
    std::array<char, 16'384> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): written by recv
    while (true) {
      if (Clock::now() >= deadline_) return fail("it took too long");
      const ssize_t count = recv(socket_, bytes.data(), bytes.size(), 0);
      if (count > 0) {
        received_.append(bytes.data(), static_cast<std::size_t>(count));
        return true;
      }
      if (count == 0) return fail("the connection was closed before the answer was complete");
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (!wait_for(POLLIN)) return false;
      } else if (errno != EINTR) {
        return fail_with_errno("the connection broke while receiving");
      }
    }
  }
  std::string& received() { return received_; }
  /// Bytes that nobody asked for, or the end.
  [[nodiscard]] bool has_more() const {
    pollfd descriptor{socket_, POLLIN, 0};
    return !received_.empty() || (socket_ >= 0 && poll(&descriptor, 1, 0) != 0);
  }

 private:
  void connect_to(const addrinfo& target) {
    socket_ = socket(target.ai_family, target.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, target.ai_protocol);
    if (socket_ < 0) {
      fail_with_errno("no socket");
      return;
    }
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto whole_deadline = deadline_;
    deadline_ = std::min(deadline_, Clock::now() + kConnectTimeout);
    bool is_connected = ::connect(socket_, target.ai_addr, target.ai_addrlen) == 0;
    if (!is_connected && errno == EINPROGRESS && wait_for(POLLOUT)) {
      int code = 0;
      socklen_t length = sizeof code;
      getsockopt(socket_, SOL_SOCKET, SO_ERROR, &code, &length);
      is_connected = code == 0;
      errno = code;
      if (!is_connected) fail_with_errno("refused");
    } else if (!is_connected && errno != EINPROGRESS) {
      fail_with_errno("refused");
    }
    deadline_ = whole_deadline;
    if (!is_connected) close();
  }

  bool wait_for(short events) {
    while (!(*should_abort_)()) {
      if (Clock::now() >= deadline_) return fail("it took too long");
      pollfd descriptor{socket_, events, 0};
      const int ready = poll(&descriptor, 1, kPollMs);
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return fail_with_errno("poll failed");
    }
    return fail("aborted");
  }

  bool fail(std::string error) {
    error_ = std::move(error);
    return false;
  }
  bool fail_with_errno(const char* what) {
    return fail(std::string(what) + ": " +
                std::strerror(errno));  // NOLINT(concurrency-mt-unsafe): a known number's text
  }

  int socket_ = -1;
  std::string received_;  ///< what came and was not used yet
  std::string error_;
  Clock::time_point deadline_;
  const std::function<bool()>* should_abort_ = nullptr;
};

template <class Number>
std::optional<Number> parse_number(std::string_view text, int base) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc{} && end != text.data() ? std::optional(number) : std::nullopt;
}

/// Reads one answer from a connection.
class AnswerReader {
 public:
  explicit AnswerReader(Connection& connection) : connection_(connection) {}

  bool read(HttpAnswer& answer) {
    do {
      if (!read_head(answer)) return false;
    } while (answer.status >= 100 && answer.status < 200);  // "100 Continue" and its like come before the answer
    if (answer.status == 204 || answer.status == 304) return true;
    if (is_chunked_) return read_chunks(answer);
    if (length_) return read_exactly(*length_, answer.body);
    // Without a length the body ends with the connection.
    is_kept_alive_ = false;
    while (connection_.receive()) {
      if (connection_.received().size() > kMostBodyBytes) return false;
    }
    answer.body = std::move(connection_.received());
    return true;
  }
  [[nodiscard]] bool is_kept_alive() const { return is_kept_alive_; }
  [[nodiscard]] bool has_begun() const { return has_begun_; }

 private:
  bool read_line(std::string& line) {
    std::string& received = connection_.received();
    std::size_t end = 0;
    while ((end = received.find('\n')) == std::string::npos) {
      if (received.size() > kMostHeadBytes || !connection_.receive()) return false;
      has_begun_ = true;
    }
    has_begun_ = true;
    line = received.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    received.erase(0, end + 1);
    return true;
  }

  bool read_head(HttpAnswer& answer) {
    std::string line;
    if (!read_line(line)) return false;
    const bool is_http = line.starts_with("HTTP/1.") && line.size() >= 12;
    const auto status = is_http ? parse_number<int>(std::string_view(line).substr(9, 3), 10) : std::nullopt;
    if (!status || *status < 100) return false;
    answer.status = *status;
    is_kept_alive_ = line[7] == '1';
    length_.reset();
    is_chunked_ = false;
    std::size_t bytes = 0;
    while (true) {
      if (!read_line(line) || (bytes += line.size()) > kMostHeadBytes) return false;
      if (line.empty()) return true;
      take_header(line, answer);
    }
  }

  void take_header(std::string_view line, HttpAnswer& answer) {
    std::string value;
    if (read_header(line, "content-length", value)) length_ = parse_number<std::size_t>(value, 10);
    if (read_header(line, "retry-after", value)) answer.retry_after = value;
    if (read_header(line, "x-sentry-rate-limits", value)) answer.rate_limits = value;
    if (read_header(line, "transfer-encoding", value)) is_chunked_ = core::to_lower(value).ends_with("chunked");
    if (read_header(line, "connection", value) && core::to_lower(value) == "close") is_kept_alive_ = false;
  }

  bool read_exactly(std::size_t bytes, std::string& body) {
    if (bytes > kMostBodyBytes - std::min(body.size(), kMostBodyBytes)) return false;
    std::string& received = connection_.received();
    while (received.size() < bytes) {
      if (!connection_.receive()) return false;
    }
    body.append(received, 0, bytes);
    received.erase(0, bytes);
    return true;
  }

  bool read_chunks(HttpAnswer& answer) {
    std::string line;
    while (true) {
      if (!read_line(line)) return false;
      const auto bytes = parse_number<std::size_t>(line, 16);
      if (!bytes || !read_exactly(*bytes, answer.body)) return false;
      if (*bytes == 0) break;
      if (!read_line(line)) return false;
    }
    do {  // trailers
      if (!read_line(line)) return false;
    } while (!line.empty());
    return true;
  }

  Connection& connection_;
  std::optional<std::size_t> length_;
  bool is_chunked_ = false;
  bool is_kept_alive_ = false;
  bool has_begun_ = false;
};

class PlainTransport final : public Transport {
 public:
  std::string connect(const std::string& url, const std::function<bool()>& should_abort) override {
    const Address address = split_url(url);
    connection_.begin_request(should_abort);
    if (authority_ != address.authority) connection_.close();
    authority_ = address.authority;
    return connection_.is_open() || connection_.connect(address) ? std::string() : connection_.error();
  }

  HttpAnswer post(const std::string& url, const std::vector<std::string>& headers, const std::string& body,
                  const std::function<bool()>& should_abort) override {
    const Address address = split_url(url);
    std::string head = "POST " + address.path + " HTTP/1.1\r\nHost: " + address.authority + "\r\n";
    for (const std::string& header : headers) head += header + "\r\n";
    head += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    connection_.begin_request(should_abort);
    if (authority_ != address.authority) connection_.close();
    authority_ = address.authority;
    if (connection_.has_more()) connection_.close();
    bool may_try_again = connection_.is_open();
    while (true) {
      HttpAnswer answer;
      if (!connection_.is_open() && !connection_.connect(address)) return failed();
      AnswerReader reader(connection_);
      const bool is_answered = connection_.send(head) && connection_.send(body) && reader.read(answer);
      if (is_answered) {
        // What is left over is no answer to a later request.
        if (!reader.is_kept_alive() || connection_.has_more()) connection_.close();
        return answer;
      }
      connection_.close();
      // A connection that was kept alive may have been closed by the server meanwhile: that says nothing of it.
      if (!may_try_again || reader.has_begun() || should_abort()) {
        if (reader.has_begun() && connection_.error().empty()) return {0, "", "", "the answer is not HTTP", ""};
        return failed();
      }
      may_try_again = false;
    }
  }

 private:
  [[nodiscard]] HttpAnswer failed() const { return {0, "", "", connection_.error(), ""}; }

  Connection connection_;
  std::string authority_;
};

}  // namespace

std::unique_ptr<Transport> make_plain_transport() { return std::make_unique<PlainTransport>(); }

}  // namespace trapline::sdk
