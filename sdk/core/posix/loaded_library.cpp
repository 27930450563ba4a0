#include "sdk/core/loaded_library.h"

#include <dlfcn.h>

namespace trapline::core {

void* LoadedLibrary::load(const char* name) { return dlopen(name, RTLD_NOW | RTLD_LOCAL); }
void* LoadedLibrary::find_address(void* handle, const char* name) { return dlsym(handle, name); }

}  // namespace trapline::core
