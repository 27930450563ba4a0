/// trapline-crash-helper: stands by a process that uses libtrapline, which starts it. When that crashes, or is killed,
/// it has what was left delivered at once, instead of by the next start. Small and linked statically: while nothing
/// happens it costs some hundred kilobytes.
///
/// Usage: trapline-crash-helper FOLDER RUN_ID PID dump|-, with a socket and a file of options open (helper_protocol.h).

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sdk/crash/helper/minidump.h"
#include "sdk/crash/posix/helper_protocol.h"

namespace trapline::sdk {
namespace {

constexpr int kLookEveryMs = 100;

struct Settings {
  const char* folder = "";
  bool wants_dump = false;
};

using Path = std::array<char, 4200>;

/// A run's id has 32 characters, with or without an end.
Path path_of(const char* folder, const char* run_id, const char* suffix) {
  Path path{};
  std::snprintf(path.data(), path.size(), "%s/%.32s%s", folder, run_id, suffix);
  return path;
}

int open_process(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

/// Away from the program's terminal, group, folder and standard streams, which others may wait for.
void settle() {
  setsid();
  if (chdir("/") != 0) return;
  const int nothing = open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, stream);
  if (nothing > STDERR_FILENO) close(nothing);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  // It ends when the process has; whoever ends the process's group or service first means that.
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) signal(signal_number, SIG_IGN);
  signal(SIGCHLD, SIG_IGN);  // children are not waited for
}

void wait_for_end(pid_t pid, int process) {
  if (process >= 0) {
    pollfd ending{process, POLLIN, 0};
    while (poll(&ending, 1, -1) < 0 && errno == EINTR) {
    }
    return;
  }
  // A kernel before 5.3.
  while (kill(pid, 0) == 0) poll(nullptr, 0, kLookEveryMs);
}

/// The program that delivers stands beside this one. Does not return.
[[noreturn]] void deliver() {
  std::array<char, 4096> path{};
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size() - 32);
  if (length > 0) {
    char* const slash = std::strrchr(path.data(), '/');
    constexpr char kProgram[] = "trapline-crash-deliver";
    std::memcpy(slash + 1, kProgram, sizeof kProgram);  // room is left
    // Still deaf to what ends a service's other processes when its main one has died: delivery is bounded.
    signal(SIGCHLD, SIG_DFL);
    char* const arguments[] = {path.data(), nullptr};
    execv(path.data(), arguments);
  }
  _exit(127);
}

/// A crash in a process. It is looked at if that is wanted; then it may end.
void handle(const HelperMessage& message, int pipe_end, const Settings& settings) {
  const int process = open_process(message.pid);
  if (settings.wants_dump) {
    const Path recorder = path_of(settings.folder, message.run_id.data(), ".recorder");
    const Path dump = path_of(settings.folder, message.run_id.data(), ".dmp");
    write_minidump(message.pid, recorder.data(), dump.data());
  }
  close(pipe_end);
  // A process may go on after what looked like its crash, and crash again: one waits for its end.
  static pid_t awaited = 0;
  if (std::exchange(awaited, message.pid) != message.pid && fork() == 0) {
    wait_for_end(message.pid, process);
    deliver();
  }
  if (process >= 0) close(process);
}

/// False: there is nobody any more who could send one. `crashed` is the process that did, if one did.
bool receive(const Settings& settings, pid_t& crashed) {
  HelperMessage message;
  iovec content{&message, sizeof message};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &content;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t got = recvmsg(kHelperSocket, &header, MSG_CMSG_CLOEXEC);
  if (got <= 0) return false;
  const cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  int pipe_end = -1;
  if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS) std::memcpy(&pipe_end, CMSG_DATA(rights), sizeof pipe_end);
  const bool is_message = got == sizeof message && message.magic == HelperMessage::kMagic && pipe_end >= 0;
  if (is_message) {
    handle(message, pipe_end, settings);
    crashed = message.pid;
  } else if (pipe_end >= 0) {
    close(pipe_end);
  }
  return true;
}

/// The recorder of a process that has ended well is gone.
bool has_left_something(const Settings& settings, const char* run_id) {
  return access(path_of(settings.folder, run_id, ".recorder").data(), F_OK) == 0;
}

int run(const Settings& settings, const char* run_id, pid_t owner) {
  settle();
  const int process = open_process(owner);
  bool is_socket_open = true;
  bool is_delivered = false;
  while (true) {
    std::array<pollfd, 2> events = {pollfd{is_socket_open ? kHelperSocket : -1, POLLIN, 0}, pollfd{process, POLLIN, 0}};
    if (poll(events.data(), events.size(), -1) < 0) continue;
    pid_t crashed = 0;
    if (events[0].revents != 0) is_socket_open = receive(settings, crashed);
    is_delivered = is_delivered || crashed == owner;
    const bool has_ended = process >= 0 ? events[1].revents != 0 : !is_socket_open;
    const bool has_said_all = events[0].revents == 0 || !is_socket_open;
    if (has_ended && has_said_all) break;
    // The library was shut down, and may be started again, with another helper.
    if (!is_socket_open && !has_left_something(settings, run_id)) break;
  }
  if (!is_delivered && has_left_something(settings, run_id)) deliver();
  return 0;
}

}  // namespace
}  // namespace trapline::sdk

int main(int count, char** arguments) {
  constexpr int kArguments = 5;
  if (count != kArguments) {
    std::fputs(
        "trapline-crash-helper stands by a process that uses libtrapline and has its crash delivered at once.\n"
        "It is started by the library (trapline_options.crash_helper), not by hand.\n",
        stderr);
    return 2;
  }
  using namespace trapline::sdk;
  const Settings settings{arguments[1], std::string_view(arguments[4]) == "dump"};
  return run(settings, arguments[2], static_cast<pid_t>(std::atoi(arguments[3])));
}
