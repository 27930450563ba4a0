#include "sdk/core/loaded_library.h"

#include <windows.h>

namespace trapline::core {

/// From the system's folder or the program's, never from wherever the process happens to be.
void* LoadedLibrary::load(const char* name) {
  return LoadLibraryExA(name, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32 | LOAD_LIBRARY_SEARCH_APPLICATION_DIR);
}
void* LoadedLibrary::find_address(void* handle, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(handle), name));
}

}  // namespace trapline::core
