#pragma once

#include <memory>
#include <vector>

#include "sdk/recorder/scope_fields.h"

/// A scope of the app's own (trapline_scope_new()), or a level of a thread's. Not thread-safe.
struct trapline_scope {
  static constexpr std::size_t kMostBytes = std::size_t{32} << 10;
  trapline::sdk::ScopeFields fields{kMostBytes};
};

namespace trapline::sdk {

/// The scopes that this thread has pushed, on top of the process's. Levels are kept when they are popped, so that
/// pushing costs no allocation after the first time.
class ThreadScopes {
 public:
  static ThreadScopes& of_this_thread();
  ~ThreadScopes();

  void push();
  /// False when there is none.
  bool pop();
  /// The innermost; nullptr when there is none.
  trapline_scope* top() { return depth_ > 0 ? levels_[depth_ - 1].get() : nullptr; }

  [[nodiscard]] std::size_t depth() const { return depth_; }
  [[nodiscard]] std::string_view row(std::size_t level) const { return levels_[level]->fields.row(); }

 private:
  std::vector<std::unique_ptr<trapline_scope>> levels_;
  std::size_t depth_ = 0;
};

}  // namespace trapline::sdk
