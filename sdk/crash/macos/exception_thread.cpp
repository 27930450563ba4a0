#include "sdk/crash/macos/exception_thread.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <ctime>

#include <pthread.h>
#include <unistd.h>

#include "sdk/crash/crash_note.h"
#include "sdk/crash/macos/crash_signal.h"
#include "sdk/crash/macos/crash_site.h"
#include "sdk/crash/macos/exception_ports.h"
#include "sdk/crash/macos/fault.h"
#include "sdk/crash/macos/thread_list.h"

namespace trapline::sdk {
namespace {

/// A signal's handler to the exception thread; it waits for the answer, so the crash lives on its stack meanwhile.
struct SignalRequest {
  static constexpr mach_msg_id_t kId = 0x54'52'41'50;
  mach_msg_header_t header;
  const Crash* crash;
};

union ReceivedMessage {
  mach_msg_header_t header;
  ExceptionRequest exception;
  SignalRequest signal;
  std::array<std::byte, 1'024> room;  ///< with what the kernel appends
};

/// Of the process that started it: ports and threads do not pass to the child of a fork.
struct ExceptionThread {
  std::atomic<pid_t> owner{0};
  std::atomic<pthread_t> thread{nullptr};
  mach_port_t port = MACH_PORT_NULL;
  mach_port_t reply_port = MACH_PORT_NULL;
  ExceptionPorts ports;
  Crash current;                                  ///< that is being written, for a nested one
  std::atomic<std::uint64_t> recorded_at{0};      ///< milliseconds of steady time; 0: no crash is in the recorder
  std::atomic<std::uint64_t> recorded_thread{0};  ///< whose it is
};
constinit ExceptionThread own;

constexpr std::uint64_t kEndsWithinMillis = 3'000;

std::uint64_t steady_millis() {
  constexpr std::uint64_t kNanosPerMilli = 1'000'000;
  return clock_gettime_nsec_np(CLOCK_UPTIME_RAW) / kNanosPerMilli;
}

/// A crash is in the recorder, and the process about to end by it.
bool is_ending() {
  const std::uint64_t since = own.recorded_at.load();
  return since != 0 && steady_millis() - since < kEndsWithinMillis;
}

/// Another thread's crash comes first. The process ends meanwhile, unless the app mends that one.
void wait_for_the_end() {
  constexpr long kPauseNs = 10'000'000;
  while (is_ending()) {
    const timespec pause{0, kPauseNs};
    nanosleep(&pause, nullptr);
  }
}

void set_crash_signals(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : kCrashSignals) sigaddset(&signals, number);
  pthread_sigmask(how, &signals, nullptr);
}

/// While this lives, a fault of the exception thread comes back to it as a signal (end_by_nested_crash()), and not as
/// an exception that it would have to answer itself.
class OwnFaultsAreSignals {
 public:
  OwnFaultsAreSignals() : given_back_(own.ports.give_back()) { set_crash_signals(SIG_UNBLOCK); }
  ~OwnFaultsAreSignals() {
    set_crash_signals(SIG_BLOCK);
    own.ports.take_again(given_back_);
  }
  OwnFaultsAreSignals(const OwnFaultsAreSignals&) = delete;
  OwnFaultsAreSignals& operator=(const OwnFaultsAreSignals&) = delete;

 private:
  const exception_mask_t given_back_;
};

/// What is written is `current`. False: there is nothing to write into.
bool write_current() {
  char* const memory = own_crash_memory();
  if (memory == nullptr) return false;
  const CrashArea area(memory);
  const OwnFaultsAreSignals own_faults;
  const std::uint64_t start = clock_gettime_nsec_np(CLOCK_UPTIME_RAW);
  {
    const StoppedThreads others;
    begin_crash(area);
    write_crash(area, own.current);
    // The kernel makes it that signal, too, when it sees where the address is.
    if (area.block().is_stack_overflow != 0) area.block().signal = SIGSEGV;
    constexpr std::uint64_t kNanosPerMicro = 1'000;
    area.block().handler_us =
        static_cast<std::uint32_t>((clock_gettime_nsec_np(CLOCK_UPTIME_RAW) - start) / kNanosPerMicro);
    area.block().state.store(CrashState::kWhole);
  }
  own.recorded_thread.store(own.current.thread_id);
  own.recorded_at.store(std::max<std::uint64_t>(steady_millis(), 1));
  return true;
}

/// Has a crash written, unless one is that ends the process already.
bool record(const Crash& crash) {
  // A handler of the app's that crashes, too, does not cover what it was called for.
  if (is_ending() && own.recorded_thread.load() == crash.thread_id) return false;
  wait_for_the_end();
  own.current = crash;
  return write_current();
}

/// Of this process, and not of a child of a fork, which has its parent's ports until it has some of its own. A process
/// may have several ports, so their names say nothing.
bool is_own(const ExceptionRequest& request) {
  int process = 0;
  return pid_for_task(request.task.name, &process) == KERN_SUCCESS && process == getpid();
}

kern_return_t answer_exception(const ExceptionRequest& request) {
  if (!is_own(request)) return KERN_FAILURE;
  const Crash crash = read_fault(request);
  const bool is_ours_to_report = reports_fault(crash.signal);
  const bool is_recorded = is_ours_to_report && record(crash);
  const kern_return_t answer = forward(request, own.ports.earlier(request.exception), own.reply_port);
  if (is_recorded && answer == KERN_SUCCESS) withdraw_crash();
  if (is_ours_to_report && answer != KERN_SUCCESS) {
    let_signal_come(crash.signal);
    // Of an overflowing stack the kernel makes the one or the other.
    if (request.exception == EXC_BAD_ACCESS) let_signal_come(crash.signal == SIGSEGV ? SIGBUS : SIGSEGV);
  }
  return answer;
}

void answer(ReceivedMessage& message) {
  if (message.header.msgh_id == ExceptionRequest::kId) {
    reply_to(message.exception, answer_exception(message.exception));
    mach_port_deallocate(mach_task_self(), message.exception.thread.name);
    mach_port_deallocate(mach_task_self(), message.exception.task.name);
    return;
  }
  if (message.header.msgh_id == SignalRequest::kId) {
    record(*message.signal.crash);
    mach_msg_header_t reply{};
    reply.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(message.header.msgh_bits), 0);
    reply.msgh_size = sizeof reply;
    reply.msgh_remote_port = message.header.msgh_remote_port;
    reply.msgh_id = SignalRequest::kId + 1;
    mach_msg(&reply, MACH_SEND_MSG, sizeof reply, 0, MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
    return;
  }
  mach_msg_destroy(&message.header);
}

void* serve(void*) {
  pthread_setname_np("trapline-crash");
  while (true) {
    static ReceivedMessage message;  // one thread
    const kern_return_t received =
        mach_msg(&message.header, MACH_RCV_MSG, 0, sizeof message, own.port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
    if (received == KERN_SUCCESS) answer(message);
    if (received == MACH_RCV_INVALID_NAME || received == MACH_RCV_PORT_DIED) return nullptr;
  }
}

bool make_port(mach_port_t& port) {
  if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port) != KERN_SUCCESS) return false;
  return mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND) == KERN_SUCCESS;
}

/// No signal is handled on it.
bool start_thread() {
  sigset_t signals;
  sigset_t before;
  sigfillset(&signals);
  pthread_sigmask(SIG_SETMASK, &signals, &before);
  pthread_t thread = nullptr;
  const bool is_started = pthread_create(&thread, nullptr, serve, nullptr) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!is_started) return false;
  pthread_detach(thread);
  own.thread.store(thread);
  return true;
}

}  // namespace

bool take_exceptions() {
  if (own.owner.load() != getpid()) {
    own.ports = {};
    if (!make_port(own.port) || !make_port(own.reply_port) || !start_thread()) return false;
    own.owner.store(getpid());
  }
  own.recorded_at.store(0);
  return own.ports.take(own.port);
}

void give_exceptions_back() {
  if (own.owner.load() == getpid()) own.ports.give_back();
}

void report_signal(const Crash& crash) {
  if (own.owner.load() != getpid()) return;
  mach_port_t answer_port = MACH_PORT_NULL;
  if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &answer_port) != KERN_SUCCESS) return;
  SignalRequest request{};
  request.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
  request.header.msgh_size = sizeof request;
  request.header.msgh_remote_port = own.port;
  request.header.msgh_local_port = answer_port;
  request.header.msgh_id = SignalRequest::kId;
  request.crash = &crash;
  union {
    SignalRequest request;
    std::array<std::byte, 512> room;  ///< with what the kernel appends
  } message{request};
  // However busy that thread is, abort() must end the process.
  constexpr mach_msg_timeout_t kLongestWaitMillis = 10'000;
  mach_msg(&message.request.header, MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, sizeof request, sizeof message,
           answer_port, kLongestWaitMillis, MACH_PORT_NULL);
  mach_port_mod_refs(mach_task_self(), answer_port, MACH_PORT_RIGHT_RECEIVE, -1);
}

bool is_exception_thread() { return own.owner.load() == getpid() && pthread_equal(own.thread.load(), pthread_self()); }

void end_by_nested_crash(int nested_signal) {
  int signal = nested_signal;
  if (char* const memory = own_crash_memory()) {
    const CrashArea area(memory);
    area.block().nested_signal = nested_signal;
    write_crash(area, own.current);
    area.block().state.store(CrashState::kCutShort);
    signal = own.current.signal;
  }
  struct sigaction none {};
  none.sa_handler = SIG_DFL;  // NOLINT(cppcoreguidelines-pro-type-union-access): the system's struct
  sigaction(signal, &none, nullptr);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  pthread_kill(pthread_self(), signal);
  _exit(128 + signal);
}

bool is_recorded() {
  std::uint64_t self = 0;
  pthread_threadid_np(nullptr, &self);
  return is_ending() && own.recorded_thread.load() == self;
}

void withdraw_crash() {
  own.recorded_at.store(0);
  char* const memory = own_crash_memory();
  if (memory == nullptr) return;
  CrashBlock& block = CrashArea(memory).block();
  block.state.store(CrashState::kNone);
  block.stages.store(0);
}

}  // namespace trapline::sdk
