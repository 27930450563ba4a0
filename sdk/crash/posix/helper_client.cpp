#include "sdk/crash/posix/helper_client.h"

#include <array>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sdk/crash/posix/helper_protocol.h"

namespace trapline::sdk {
namespace {

constexpr int kLongestWaitMs = 400;

bool send_with_pipe(int socket, const HelperMessage& message, int pipe_end) {
  iovec content{const_cast<HelperMessage*>(&message), sizeof message};  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof pipe_end)> control{};
  msghdr header{};
  header.msg_iov = &content;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof pipe_end);
  std::memcpy(CMSG_DATA(rights), &pipe_end, sizeof pipe_end);
  return sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(sizeof message);
}

}  // namespace

void tell_helper(const CrashArea& area) {
  const CrashSite& site = crash_site();
  if (!site.helper.is_still_there()) return;
  // Where only ancestors may look into a process (Yama), this one must allow it.
  prctl(PR_SET_PTRACER, static_cast<unsigned long>(site.helper_pid.load()), 0, 0, 0);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return;
  const CrashBlock& block = area.block();
  HelperMessage message;
  message.pid = static_cast<std::int32_t>(block.pid);
  message.thread = static_cast<std::int32_t>(block.thread_id);
  message.signal = block.signal;
  message.run_id = area.header().run_id;
  const bool is_sent = send_with_pipe(site.helper.descriptor(), message, ends[1]);
  close(ends[1]);
  pollfd waiting{ends[0], POLLIN, 0};
  if (is_sent) poll(&waiting, 1, kLongestWaitMs);
  close(ends[0]);
}

}  // namespace trapline::sdk
