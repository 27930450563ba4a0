#include "sdk/stack/throw_hook.h"

#include <array>
#include <atomic>
#include <cstdlib>

#include <cxxabi.h>
#include <dlfcn.h>

#include "sdk/stack/stack_trace.h"
#include "sdk/stack/throw_ring.h"

extern "C" void __cxa_throw(void* object, std::type_info* type, void (*destroy)(void*));  // NOLINT

namespace trapline::sdk {
namespace {

using ThrowFunction = void (*)(void*, std::type_info*, void (*)(void*));
using InitFunction = abi::__cxa_refcounted_exception* (*)(void*, std::type_info*, void (*)(void*));

/// The exception object that is on its way into the C++ library.
[[gnu::tls_model("initial-exec")]] thread_local const void* being_thrown = nullptr;

/// The C++ library's own, or that of another one that hooks it.
template <class Function>
Function next_function(std::atomic<Function>& known, const char* name) {
  Function function = known.load(std::memory_order_acquire);
  if (function == nullptr) {
    function = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
    known.store(function, std::memory_order_release);
  }
  return function;
}
constinit std::atomic<ThrowFunction> next_throw{nullptr};
constinit std::atomic<InitFunction> next_init{nullptr};

void remember(const void* object, const std::type_info* type, const void* first) {
  std::array<std::uintptr_t, kThrowFrames> frames;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
  remember_throw(object, type, std::span(frames).first(capture_stack(first, frames)));
}

}  // namespace

/// One that is made elsewhere is forgotten.
bool may_have_been_thrown(const void* /*object*/) { return true; }

void remember_throws(bool wanted) { set_remembering_throws(wanted); }

bool has_throw_hook() {
  // Position-independent code asks for its own address by the same table as everybody: what is found there is what the
  // program calls.
  void* const own = reinterpret_cast<void*>(&::__cxa_throw);
  Dl_info found{};
  Dl_info ours{};
  static const int kPlaceOfOurs = 0;
  const bool is_known = dladdr(own, &found) != 0 && dladdr(&kPlaceOfOurs, &ours) != 0;
  return is_known && found.dli_fbase == ours.dli_fbase && dlsym(RTLD_DEFAULT, "__cxa_throw") == own;
}

}  // namespace trapline::sdk

/// Weak, so that a program with the C++ library linked in statically keeps that one's.
extern "C" [[gnu::visibility("default"), gnu::weak]] void __cxa_throw(  // NOLINT(bugprone-reserved-identifier)
    void* object, std::type_info* type, void (*destroy)(void*)) {
  using namespace trapline::sdk;
  if (is_remembering_throws()) remember(object, type, __builtin_return_address(0));
  being_thrown = object;
  if (const auto next = next_function(next_throw, "__cxa_throw")) next(object, type, destroy);
  std::abort();  // nobody can throw
}

/// Called for each exception object: by a throw, and by std::make_exception_ptr(). (Declared by the C++ library.)
[[gnu::visibility("default"), gnu::weak]] abi::__cxa_refcounted_exception* abi::__cxa_init_primary_exception(  // NOLINT
    void* object, std::type_info* type, void (*destroy)(void*)) noexcept {
  using namespace trapline::sdk;
  if (is_remembering_throws() && being_thrown != object) forget_throw(object);
  being_thrown = nullptr;
  const auto next = next_function(next_init, "__cxa_init_primary_exception");
  if (next == nullptr) std::abort();
  return next(object, type, destroy);
}
