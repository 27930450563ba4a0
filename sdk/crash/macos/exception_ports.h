#pragma once

#include <array>

#include "sdk/crash/macos/exception_message.h"

namespace trapline::sdk {

/// The process's exception ports, of the kinds that are crashes: ours, and those that were there before. One thread at
/// a time.
class ExceptionPorts {
 public:
  static constexpr exception_mask_t kCrashes =
      EXC_MASK_BAD_ACCESS | EXC_MASK_BAD_INSTRUCTION | EXC_MASK_ARITHMETIC | EXC_MASK_BREAKPOINT;

  /// Has exceptions come to the port. Those that had them are remembered. Not of the kinds that somebody else has taken
  /// from us: taken back, they would go round in a circle. False: the system does not allow it.
  bool take(mach_port_t port);
  /// Gives back those that nobody has taken since, and answers which they are.
  exception_mask_t give_back();
  /// Takes those again.
  void take_again(exception_mask_t given_back);

  /// Who had such exceptions before; its port is MACH_PORT_NULL when nobody had.
  [[nodiscard]] ExceptionHandler earlier(exception_type_t exception) const;

 private:
  [[nodiscard]] exception_mask_t still_ours() const;

  mach_port_t own_ = MACH_PORT_NULL;
  std::array<ExceptionHandler, EXC_TYPES_COUNT> earlier_{};
  std::size_t count_ = 0;
  exception_mask_t behind_another_ = 0;  ///< who has taken these from us, and hands them on
};

}  // namespace trapline::sdk
