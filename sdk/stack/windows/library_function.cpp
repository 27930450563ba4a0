#include "sdk/stack/windows/library_function.h"

#include <typeinfo>

#include <windows.h>

extern "C" {
void __cxa_throw(void* object, std::type_info* type, void (*destroy)(void*));  // NOLINT(bugprone-reserved-identifier)
void __cxa_pure_virtual();                                                     // NOLINT(bugprone-reserved-identifier)
void __cxa_call_unexpected(void*);                                             // NOLINT(bugprone-reserved-identifier)
void __gxx_personality_seh0();                                                 // NOLINT(bugprone-reserved-identifier)
}

namespace trapline::sdk {
namespace {

struct Known {
  std::string_view name;
  void (*function)();
};
const Known kKnown[] = {
    {"__cxa_throw", reinterpret_cast<void (*)()>(&__cxa_throw)},
    {"__cxa_pure_virtual", &__cxa_pure_virtual},
    {"__gxx_personality_v0", &__gxx_personality_seh0},
};

std::uintptr_t start_of(std::uintptr_t address) {
  DWORD64 base = 0;
  const RUNTIME_FUNCTION* const function = RtlLookupFunctionEntry(address, &base, nullptr);
  return function != nullptr ? base + function->BeginAddress : 0;
}

}  // namespace

bool is_in_library_function(std::uintptr_t address, std::string_view name) {
  const std::uintptr_t start = start_of(address - 1);
  if (start == 0) return false;
  for (const Known& known : kKnown) {
    if (known.name == name) return start == reinterpret_cast<std::uintptr_t>(known.function);
  }
  return false;
}

}  // namespace trapline::sdk
