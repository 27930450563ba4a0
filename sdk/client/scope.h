#pragma once

#include <deque>
#include <map>
#include <string>

#include "sdk/core/event.h"

namespace trapline::sdk {

/// What every event of the process carries: tags, the user, what happened before. Not thread-safe.
class Scope {
 public:
  static constexpr std::size_t kMostTags = 100;
  static constexpr std::size_t kMostBreadcrumbs = 100;

  /// False when there are kMostTags others.
  bool set_tag(const std::string& key, std::string value) {
    if (tags_.size() >= kMostTags && !tags_.contains(key)) return false;
    tags_.insert_or_assign(key, std::move(value));
    return true;
  }
  void remove_tag(const std::string& key) { tags_.erase(key); }
  void set_user(core::User user) { user_ = std::move(user); }
  /// The oldest makes room.
  void add_breadcrumb(core::Breadcrumb breadcrumb) {
    if (breadcrumbs_.size() == kMostBreadcrumbs) breadcrumbs_.pop_front();
    breadcrumbs_.push_back(std::move(breadcrumb));
  }

  void apply_to(core::Event& event) const {
    event.tags.assign(tags_.begin(), tags_.end());
    event.user = user_;
    event.breadcrumbs.assign(breadcrumbs_.begin(), breadcrumbs_.end());
  }

 private:
  std::map<std::string, std::string> tags_;
  core::User user_;
  std::deque<core::Breadcrumb> breadcrumbs_;
};

}  // namespace trapline::sdk
