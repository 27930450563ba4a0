#include "collector/http/event_stream.h"

#include <cstdint>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace trapline::collector {

StreamBell::StreamBell() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

StreamBell::~StreamBell() { close(event_); }

void StreamBell::ring(int socket) {
  {
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
  }
  const std::uint64_t one = 1;
  static_cast<void>(!write(event_, &one, sizeof one));
}

std::vector<int> StreamBell::answer() {
  std::uint64_t ignored = 0;
  static_cast<void>(!read(event_, &ignored, sizeof ignored));
  const std::lock_guard lock(mutex_);
  return std::exchange(sockets_, {});
}

bool EventStream::send(std::string_view text) {
  std::shared_ptr<StreamBell> bell;
  int socket = -1;
  bool is_taken = false;
  {
    const std::lock_guard lock(mutex_);
    if (is_overrun_) return false;
    // Once for all that gathers until the loop takes it.
    if (waiting_.empty()) bell = bell_;
    socket = socket_;
    is_taken = waiting_.size() + text.size() <= kMostBytes;
    if (is_taken) waiting_ += text;
    if (!is_taken) {
      is_overrun_ = true;
      bell = bell_;
    }
  }
  if (bell) bell->ring(socket);
  return is_taken;
}

void EventStream::attach(std::shared_ptr<StreamBell> bell, int socket) {
  const std::lock_guard lock(mutex_);
  bell_ = std::move(bell);
  socket_ = socket;
  if (!waiting_.empty()) bell_->ring(socket);
}

std::string EventStream::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(waiting_, {});
}

bool EventStream::is_overrun() const {
  const std::lock_guard lock(mutex_);
  return is_overrun_;
}

}  // namespace trapline::collector
