#include "sdk/crash/crash_helper.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/crash/posix/crash_site.h"
#include "sdk/crash/posix/helper_protocol.h"

namespace trapline::sdk {
namespace {

constexpr const char* kName = "trapline-crash-helper";

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

/// Where it may be installed: beside what this code is in, and beside the program.
std::vector<std::string> likely_places() {
  static const int kOwnPlace = 0;
  std::vector<std::string> places;
  std::vector<std::string> folders;
  Dl_info own{};
  if (dladdr(&kOwnPlace, &own) != 0 && own.dli_fname != nullptr) folders.push_back(folder_of(own.dli_fname));
  std::array<char, 4096> program{};
  if (readlink("/proc/self/exe", program.data(), program.size() - 1) > 0) folders.push_back(folder_of(program.data()));
  for (const std::string& folder : folders) {
    for (const char* const below : {"/", "/../bin/", "/../libexec/", "/../../libexec/", "/../../bin/"}) {
      places.push_back(folder + below + kName);
    }
  }
  return places;
}

core::Result<std::string> find_program(const std::string& wanted) {
  if (!wanted.empty()) {
    if (access(wanted.c_str(), X_OK) == 0) return wanted;
    return core::Error{"no_helper", "the crash helper '" + wanted + "' cannot be run"};
  }
  std::string looked_at;
  for (const std::string& place : likely_places()) {
    if (access(place.c_str(), X_OK) == 0) return place;
    looked_at += (looked_at.empty() ? "" : ", ") + place;
  }
  return core::Error{"no_helper", "there is no crash helper; looked for " + looked_at};
}

/// What the new process needs, in memory that it shares with this one until it is another program.
struct Launch {
  int socket = -1;
  int options = -1;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  pid_t helper = -1;
  int error = 0;
};

constexpr std::size_t kLaunchStackBytes = std::size_t{64} << 10;

int run_program(void* argument) {
  auto& launch = *static_cast<Launch*>(argument);
  // Away from the places they are to have, then there, without the flag that closes them.
  constexpr int kOutOfTheWay = 10;
  const int socket = fcntl(launch.socket, F_DUPFD, kOutOfTheWay);
  const int options = fcntl(launch.options, F_DUPFD, kOutOfTheWay);
  dup2(socket, kHelperSocket);
  dup2(options, kHelperOptions);
  if (syscall(SYS_close_range, kHelperOptions + 1, ~0U, 0) != 0) {  // a kernel before 5.9
    constexpr int kMost = 4'096;
    for (int file = kHelperOptions + 1; file < kMost; ++file) close(file);
  }
  execve(launch.arguments[0], launch.arguments, launch.environment);
  launch.error = errno;
  _exit(127);
}

int run_and_leave(void* argument) {
  auto& launch = *static_cast<Launch*>(argument);
  alignas(16) static std::array<char, kLaunchStackBytes> stack;
  launch.helper = clone(run_program, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
  if (launch.helper < 0) launch.error = errno;
  _exit(0);
}

/// A file in memory, to be read from its beginning.
int make_options_file(const std::string& content) {
  const int file = memfd_create("trapline-options", MFD_CLOEXEC);
  if (file < 0) return -1;
  if (write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size())) return file;
  close(file);
  return -1;
}

void launch_detached(Launch& launch) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  alignas(16) static std::array<char, kLaunchStackBytes> stack;
  // Without a signal at its end, so that the program does not hear of it.
  const pid_t middle = clone(run_and_leave, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK, &launch);
  if (middle < 0) {
    launch.error = errno;
  } else {
    while (waitpid(middle, nullptr, __WCLONE) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

core::Result<bool> start_helper(const HelperOptions& options) {
  // Whose parent ends becomes a child of these: the program would wait for it, and the kernel ends it with process 1.
  int is_subreaper = 0;
  prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper);
  if (getpid() == 1 || is_subreaper != 0) {
    return core::Error{"no_helper",
                       "there is no crash helper for a process that takes in orphans (process 1 of a container, a "
                       "subreaper): start the program by an init such as 'docker run --init'"};
  }
  auto program = find_program(options.program);
  if (!program) return program.error();
  std::array<int, 2> sockets{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0)
    return core::Error{"helper_failed", "no socket for the crash helper"};
  Launch launch;
  launch.socket = sockets[1];
  launch.options = make_options_file(options.delivery);
  std::string owner = std::to_string(getpid());
  std::string path = *program;
  std::string folder = options.folder;
  std::string run_id = options.run_id;
  std::string dump = options.wants_dump ? "dump" : "-";
  std::array<char*, 6> arguments = {path.data(), folder.data(), run_id.data(), owner.data(), dump.data(), nullptr};
  launch.arguments = arguments.data();
  launch.environment = environ;
  if (launch.options >= 0) launch_detached(launch);
  close(sockets[1]);
  if (launch.options >= 0) close(launch.options);
  if (launch.helper <= 0 || launch.error != 0) {
    close(sockets[0]);
    return core::Error{"helper_failed", "the crash helper '" + path + "' could not be started: " +
                                            std::strerror(launch.error)};  // NOLINT(concurrency-mt-unsafe)
  }
  crash_site().helper_pid.store(launch.helper);
  crash_site().helper.remember(sockets[0]);
  return true;
}

void forget_helper() { crash_site().helper.close(); }

}  // namespace trapline::sdk
