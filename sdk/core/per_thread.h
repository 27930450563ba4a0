#pragma once

namespace trapline::core {

/// The calling thread's own T. Usable until the thread's very end: destructors of statics may come after those of the
/// main thread's thread_local objects, and would otherwise find this one destroyed. What is made after that point is
/// never destroyed.
template <class T>
T& per_thread() {
  thread_local T* value = nullptr;  // both outlive every destructor, as they have none
  thread_local bool has_ended = false;
  struct Owner {
    ~Owner() {
      delete value;
      value = nullptr;
      has_ended = true;
    }
    void stay() {}
  };
  if (value != nullptr) return *value;
  if (!has_ended) {
    thread_local Owner owner;
    owner.stay();
  }
  value = new T;
  return *value;
}

}  // namespace trapline::core
