#include "collector/http/event_stream.h"

#include <cstdint>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace trapline::collector {
namespace {

/// More than a socket takes at once as a rule; what is not taken yet is shared.
constexpr std::size_t kTakenAtOnce = std::size_t{64} << 10;

}  // namespace

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

SharedEvent make_event(std::string id, std::string_view name, std::string_view data) {
  StreamEvent event;
  event.text = "id: " + id + "\nevent: ";
  event.text += name;
  event.text += "\ndata: ";
  event.text += data;
  event.text += "\n\n";
  event.id = std::move(id);
  return std::make_shared<const StreamEvent>(std::move(event));
}

SharedEvent make_missed_event(std::string id, std::optional<std::uint64_t> count) {
  return make_event(std::move(id), "missed", R"({"count":)" + (count ? std::to_string(*count) : "null") + "}");
}

EventStream::EventStream(std::vector<SharedEvent> first) {
  for (SharedEvent& event : first) push(std::move(event));
}

void EventStream::send(SharedEvent event) {
  std::shared_ptr<StreamBell> bell;
  int socket = -1;
  {
    const std::lock_guard lock(mutex_);
    // Once for all that gathers until the loop takes it.
    if (waiting_.empty() && left_out_ == 0) bell = bell_;
    socket = socket_;
    if (left_out_ == 0 && waiting_bytes_ + event->text.size() <= kMostBytes) {
      push(std::move(event));
    } else {
      ++left_out_;
      last_left_out_id_ = event->id;
    }
  }
  if (bell) bell->ring(socket);
}

void EventStream::attach(std::shared_ptr<StreamBell> bell, int socket) {
  const std::lock_guard lock(mutex_);
  bell_ = std::move(bell);
  socket_ = socket;
  if (!waiting_.empty() || left_out_ > 0) bell_->ring(socket);
}

std::string EventStream::take() {
  std::string text;
  const std::lock_guard lock(mutex_);
  while (!waiting_.empty() && text.size() < kTakenAtOnce) {
    text += waiting_.front()->text;
    waiting_bytes_ -= waiting_.front()->text.size();
    waiting_.pop_front();
  }
  if (!waiting_.empty() || left_out_ == 0) return text;
  text += make_missed_event(std::exchange(last_left_out_id_, {}), std::exchange(left_out_, 0))->text;
  return text;
}

void EventStream::push(SharedEvent event) {
  waiting_bytes_ += event->text.size();
  waiting_.push_back(std::move(event));
}

}  // namespace trapline::collector
