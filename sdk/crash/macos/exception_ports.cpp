#include "sdk/crash/macos/exception_ports.h"

#include <span>

namespace trapline::sdk {
namespace {

constexpr auto kOurBehavior = static_cast<exception_behavior_t>(EXCEPTION_DEFAULT | MACH_EXCEPTION_CODES);

/// As the kernel hands them out: entry by entry in arrays of their own.
struct PortList {
  std::array<exception_mask_t, EXC_TYPES_COUNT> masks{};
  std::array<mach_port_t, EXC_TYPES_COUNT> ports{};
  std::array<exception_behavior_t, EXC_TYPES_COUNT> behaviors{};
  std::array<thread_state_flavor_t, EXC_TYPES_COUNT> flavors{};
  mach_msg_type_number_t count = EXC_TYPES_COUNT;
};

}  // namespace

bool ExceptionPorts::take(mach_port_t port) {
  const exception_mask_t wanted = kCrashes & ~behind_another_;
  if (wanted == 0) return true;
  PortList before;
  const kern_return_t result =
      task_swap_exception_ports(mach_task_self(), wanted, port, kOurBehavior, THREAD_STATE_NONE, before.masks.data(),
                                &before.count, before.ports.data(), before.behaviors.data(), before.flavors.data());
  if (result != KERN_SUCCESS) return false;
  own_ = port;
  // Taken a second time, where somebody else has kept ours and gives it back: whoever was before us is known.
  exception_mask_t known = 0;
  for (std::size_t index = 0; index < before.count; ++index) {
    if (before.ports[index] == port) known |= before.masks[index];
  }
  std::size_t kept = 0;
  for (std::size_t index = 0; index < count_; ++index) {
    earlier_[index].mask &= known;
    if (earlier_[index].mask != 0) {
      earlier_[kept++] = earlier_[index];
    } else if (earlier_[index].port != MACH_PORT_NULL) {
      mach_port_deallocate(mach_task_self(), earlier_[index].port);
    }
  }
  count_ = kept;
  for (std::size_t index = 0; index < before.count && count_ < earlier_.size(); ++index) {
    if (before.ports[index] == port) continue;
    earlier_[count_++] = {before.masks[index], before.ports[index], before.behaviors[index], before.flavors[index]};
  }
  return true;
}

exception_mask_t ExceptionPorts::still_ours() const {
  PortList now;
  const kern_return_t result = task_get_exception_ports(mach_task_self(), kCrashes, now.masks.data(), &now.count,
                                                        now.ports.data(), now.behaviors.data(), now.flavors.data());
  exception_mask_t ours = 0;
  for (std::size_t index = 0; result == KERN_SUCCESS && index < now.count; ++index) {
    if (now.ports[index] == own_) ours |= now.masks[index];
    if (now.ports[index] != MACH_PORT_NULL) mach_port_deallocate(mach_task_self(), now.ports[index]);
  }
  return ours;
}

exception_mask_t ExceptionPorts::give_back() {
  if (own_ == MACH_PORT_NULL) return 0;
  const exception_mask_t ours = still_ours();
  for (const ExceptionHandler& handler : std::span(earlier_).first(count_)) {
    if ((handler.mask & ours) == 0) continue;
    // Without a handler the behaviour and flavour are 0, which the kernel takes for none at all.
    const exception_behavior_t behavior = handler.behavior != 0 ? handler.behavior : EXCEPTION_DEFAULT;
    const thread_state_flavor_t flavor = handler.flavor != 0 ? handler.flavor : THREAD_STATE_NONE;
    task_set_exception_ports(mach_task_self(), handler.mask & ours, handler.port, behavior, flavor);
  }
  behind_another_ = kCrashes & ~ours;
  return ours;
}

void ExceptionPorts::take_again(exception_mask_t given_back) {
  if (given_back != 0) task_set_exception_ports(mach_task_self(), given_back, own_, kOurBehavior, THREAD_STATE_NONE);
}

ExceptionHandler ExceptionPorts::earlier(exception_type_t exception) const {
  const auto bit = exception_mask_t{1} << static_cast<unsigned>(exception);
  for (const ExceptionHandler& handler : std::span(earlier_).first(count_)) {
    if ((handler.mask & bit) != 0) return handler;
  }
  return {};
}

}  // namespace trapline::sdk
