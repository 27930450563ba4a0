#pragma once

#include <mutex>

#include <dlfcn.h>

namespace trapline::core {

/// Held while a library is loaded, and around a fork: the child must not find the loading half done.
inline std::mutex& loading_mutex() {
  static auto* const kMutex = new std::mutex;
  return *kMutex;
}

/// A shared library that is loaded when it is needed, and never unloaded.
class LoadedLibrary {
 public:
  explicit LoadedLibrary(const char* name) : handle_(dlopen(name, RTLD_NOW | RTLD_LOCAL)) {}

  /// Sets the pointer to the function of that name.
  template <class Function>
  void find(Function& function, const char* name) {
    function = handle_ != nullptr ? reinterpret_cast<Function>(dlsym(handle_, name)) : nullptr;
    is_complete_ = is_complete_ && function != nullptr;
  }

  /// Whether the library and every function were found.
  [[nodiscard]] bool is_complete() const { return handle_ != nullptr && is_complete_; }

 private:
  void* handle_;
  bool is_complete_ = true;
};

}  // namespace trapline::core
