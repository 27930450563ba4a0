#pragma once

#include <initializer_list>
#include <mutex>

namespace trapline::core {

/// Held while a library is loaded, and around a fork: the child must not find the loading half done.
inline std::mutex& loading_mutex() {
  static auto* const kMutex = new std::mutex;
  return *kMutex;
}

/// A shared library that is loaded when it is needed, and never unloaded.
class LoadedLibrary {
 public:
  /// The first of these that is there; a library has another name on every system.
  LoadedLibrary(std::initializer_list<const char*> names) {
    for (const char* const name : names) {
      if (handle_ == nullptr) handle_ = load(name);
    }
  }

  /// Sets the pointer to the function of that name.
  template <class Function>
  void find(Function& function, const char* name) {
    function = handle_ != nullptr ? reinterpret_cast<Function>(find_address(handle_, name)) : nullptr;
    is_complete_ = is_complete_ && function != nullptr;
  }

  /// Whether the library and every function were found.
  [[nodiscard]] bool is_complete() const { return handle_ != nullptr && is_complete_; }

 private:
  static void* load(const char* name);
  static void* find_address(void* handle, const char* name);

  void* handle_ = nullptr;
  bool is_complete_ = true;
};

}  // namespace trapline::core
