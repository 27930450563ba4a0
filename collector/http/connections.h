#pragma once

/// All connections of the server: they come, are watched, and go. What is read from them and answered is http_server's.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "collector/http/connection.h"

namespace trapline::collector {

/// Thread-safe, but for what says otherwise. Connections are shared by the table and whoever has one in hand.
class Connections {
 public:
  using Clock = std::chrono::steady_clock;
  using Shared = std::shared_ptr<Connection>;

  struct Limits {
    std::size_t max_connections = 0;
    std::size_t max_per_ip = 0;
    std::size_t max_streams = 0;
    std::size_t max_buffered_bytes = 0;
    std::size_t small_body = 0;  ///< always finds room
    Clock::duration idle_deadline{};
  };

  explicit Connections(Limits limits);
  ~Connections();  ///< closes what is open
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  /// For the loop: waits for what happens to the sockets that are watched.
  [[nodiscard]] int epoll() const { return epoll_; }
  void watch(int operation, int socket, std::uint32_t wanted) const;

  enum class Admission { kTaken, kTooManyOfAddress, kFull };
  struct Newcomer {
    Shared connection;
    Admission admission = Admission::kTaken;
  };
  /// Takes a socket over; `counts_for_ip`: it is one of its address's. A full house makes room
  /// if it can. One that is not taken is not watched: close() or drop() ends it after it was told why.
  Newcomer admit(int socket, std::string peer, bool counts_for_ip);
  /// Reads on from a newcomer.
  void begin(const Connection& connection) const;

  /// Makes room for `newest`; false when every other connection is busy. Of those that are not, the one that is next to
  /// be late goes.
  bool make_room(const Connection* newest = nullptr);
  /// How many there are over the limit.
  [[nodiscard]] std::size_t surplus() const;
  /// Closes it, if it is still there.
  void drop(const Shared& connection);
  Shared find(int socket);
  /// Nothing unless it is a stream that the loop has in hand.
  Shared find_stream(int socket);

  /// Gives the connection to the loop, which goes on when it can be read, or written to. The deadline is set and the
  /// socket watched in one step: in between, the loop must not find it late and close it.
  void give_to_loop(const Shared& connection, Phase phase, Clock::duration within);
  /// Goes on watching a connection that the loop has in hand.
  void rearm(const Connection& connection);
  void take_in_hand(Connection& connection);
  void set_deadline(Connection& connection, Clock::duration within);
  /// Makes it a stream; false when there are as many as may be.
  bool claim_stream(Connection& connection);

  [[nodiscard]] std::vector<Shared> in_phase(Phase phase) const;
  /// Those whose deadline is over, and which nobody works on.
  [[nodiscard]] std::vector<Shared> late(Clock::time_point now) const;

  /// Counts the bytes of a connection's body; false when those of all are more than there may be.
  bool has_room_for(Connection& connection, std::size_t body_bytes);
  void forget_body(Connection& connection);

  [[nodiscard]] std::size_t count() const;
  [[nodiscard]] std::size_t streams() const;

 private:
  void watch_on(const Connection& connection) const;

  const Limits limits_;
  const int epoll_;
  mutable std::mutex mutex_;
  std::unordered_map<int, Shared> connections_;          ///< by socket; guarded by mutex_, as all below, and as every
  std::unordered_map<std::string, std::size_t> per_ip_;  ///< connection's phase and deadline
  std::size_t streams_ = 0;
  std::size_t buffered_ = 0;  ///< bytes of all bodies in memory
};

/// A listening socket's newcomers. When there is no file descriptor left, one that is kept back is given up for a
/// moment: a connection that cannot be accepted would stay in the backlog and wake the loop for ever.
class Doorkeeper {
 public:
  Doorkeeper();
  ~Doorkeeper();
  Doorkeeper(const Doorkeeper&) = delete;
  Doorkeeper& operator=(const Doorkeeper&) = delete;

  struct Visitor {
    int socket = -1;  ///< -1: nobody waits
    std::string peer;
  };
  /// The next in the backlog. When descriptors are short, makes room among `connections`, or hangs up on one.
  Visitor next(int listener, Connections& connections);

 private:
  void hang_up_one(int listener);

  int spare_;
};

}  // namespace trapline::collector
