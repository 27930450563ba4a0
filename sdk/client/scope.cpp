#include "sdk/client/scope.h"

#include "sdk/client/thread_scope_copy.h"
#include "sdk/core/per_thread.h"

namespace trapline::sdk {

ThreadScopes& ThreadScopes::of_this_thread() { return core::per_thread<ThreadScopes>(); }

ThreadScopes::~ThreadScopes() { show_thread_scopes(nullptr); }

void ThreadScopes::push() {
  show_thread_scopes(this);
  if (depth_ == levels_.size()) levels_.push_back(std::make_unique<trapline_scope>());
  levels_[depth_++]->fields.clear();
}

bool ThreadScopes::pop() {
  if (depth_ == 0) return false;
  --depth_;
  return true;
}

}  // namespace trapline::sdk
