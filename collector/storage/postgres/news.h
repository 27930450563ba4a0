#pragma once

/// What collectors that share a database tell each other (NOTIFY), so that those who watch at one of them see what
/// another one has stored.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "collector/storage/postgres/connection.h"
#include "collector/storage/store.h"

namespace trapline::collector::postgres {

constexpr std::string_view kChannel = "trapline_news";

/// The texts of notifications, each within what the server takes (8,000 bytes). `sender`: the collector, which does not
/// listen to itself.
std::vector<std::string> to_notifications(std::string_view sender, const OthersNews& news);
/// Nothing of what is the sender's own, or not ours at all.
std::optional<OthersNews> read_notification(std::string_view own_name, std::string_view text);

/// Listens with a thread and a connection of its own, which is made anew when it breaks.
class NewsListener {
 public:
  using Connect = std::function<std::unique_ptr<Connection>()>;
  NewsListener(std::string own_name, Connect connect, OthersListener listener);
  ~NewsListener();
  NewsListener(const NewsListener&) = delete;
  NewsListener& operator=(const NewsListener&) = delete;

 private:
  void run();
  /// Until the connection breaks or the listener is to stop.
  void listen(Connection& connection);
  void wait_before_next_try();

  const std::string own_name_;
  const Connect connect_;
  const OthersListener listener_;
  int wake_ = -1;  ///< an eventfd that stops the thread
  std::atomic<bool> is_stopping_{false};
  std::thread thread_;
};

}  // namespace trapline::collector::postgres
