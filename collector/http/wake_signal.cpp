#include "collector/http/wake_signal.h"

#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

namespace trapline::collector {

WakeSignal::WakeSignal() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

WakeSignal::~WakeSignal() { close(fd_); }

void WakeSignal::add_one() {
  // Fails only when the counter is at its end, 2^64 - 2: then it is readable as it is.
  static_cast<void>(eventfd_write(fd_, 1));
}

bool WakeSignal::take_one() {
  eventfd_t taken = 0;
  return eventfd_read(fd_, &taken) == 0;
}

}  // namespace trapline::collector
