#include "sdk/stack/throw_hook.h"

#include <array>
#include <atomic>
#include <cstring>

#include <windows.h>
#include <unwind.h>

#include "sdk/stack/throw_ring.h"
#include "sdk/stack/windows/library_function.h"
#include "sdk/stack/windows/stack_walk.h"

namespace trapline::sdk {
namespace {

/// A throw is an exception of the system's here, of this code in GCC's and clang's C++ (libgcc's unwind-seh.c), with
/// the _Unwind_Exception as its only argument. Whoever asks to be told first of all exceptions sees every throw of the
/// process, whatever module it is in.
constexpr DWORD kGccThrow = 0x20474343;

/// The words before an _Unwind_Exception, as the Itanium C++ ABI has them ("C++ Exception Handling", 2.2.1).
struct ThrownHeader {
  const std::type_info* type;
  void (*destroy)(void*);
  void (*unexpected)();
  void (*terminate)();
  void* next;
  int handler_count;  ///< not 0: it was caught before, and is thrown on
  int handler_switch;
  const void* action;
  const void* language_data;
  std::uintptr_t catch_temp;
  void* adjusted;
};

constexpr std::uint64_t class_of(const char (&letters)[8], std::uint64_t last) {
  std::uint64_t number = 0;
  for (int index = 0; index < 7; ++index) number = (number << 8U) | static_cast<unsigned char>(letters[index]);
  return (number << 8U) | last;
}
/// Of an exception of its own, not one that shares its object with another (std::rethrow_exception).
constexpr std::uint64_t kPrimaryClass = class_of("GNUCC++", 0);
/// How many calls there are between the throw and the exception: __cxa_throw and what that calls.
constexpr std::size_t kThrowing = 6;

LONG CALLBACK on_exception(EXCEPTION_POINTERS* pointers) {
  const EXCEPTION_RECORD& record = *pointers->ExceptionRecord;
  if (record.ExceptionCode != kGccThrow || record.NumberParameters < 1 || !is_remembering_throws())
    return EXCEPTION_CONTINUE_SEARCH;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): so the system hands it over
  const auto* const unwind = reinterpret_cast<const char*>(record.ExceptionInformation[0]);
  std::uint64_t exception_class = 0;
  std::memcpy(&exception_class, unwind, sizeof exception_class);
  if (exception_class != kPrimaryClass) return EXCEPTION_CONTINUE_SEARCH;
  const auto* const header = reinterpret_cast<const ThrownHeader*>(unwind) - 1;
  if (header->handler_count != 0) return EXCEPTION_CONTINUE_SEARCH;
  std::array<std::uintptr_t, kThrowFrames + kThrowing> stack;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::size_t count = 0;
  std::size_t begin = 0;
  StackWalk walk(*pointers->ContextRecord);
  while (count < stack.size()) {
    const auto address = walk.next();
    if (!address) break;
    stack[count++] = *address;
    // What comes before are the calls that throw.
    if (count <= kThrowing && is_in_library_function(*address, "__cxa_throw")) begin = count;
  }
  remember_throw(unwind + sizeof(_Unwind_Exception), header->type, std::span(stack).subspan(begin, count - begin));
  return EXCEPTION_CONTINUE_SEARCH;
}

std::atomic<PVOID> hook{nullptr};

}  // namespace

bool has_throw_hook() { return true; }

/// Only a throw looks for a handler, or is given to std::terminate() as handled.
bool may_have_been_thrown(const void* object) {
  const char* const unwind = static_cast<const char*>(object) - sizeof(_Unwind_Exception);
  const auto* const header = reinterpret_cast<const ThrownHeader*>(unwind) - 1;
  return header->adjusted != nullptr || header->handler_count != 0;
}

void remember_throws(bool wanted) {
  set_remembering_throws(wanted);
  if (wanted && hook.load() == nullptr) hook.store(AddVectoredExceptionHandler(/*first=*/1, on_exception));
  if (wanted) return;
  if (PVOID const installed = hook.exchange(nullptr)) RemoveVectoredExceptionHandler(installed);
}

}  // namespace trapline::sdk
