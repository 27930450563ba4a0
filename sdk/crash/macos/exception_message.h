#pragma once

/// The messages by which the kernel tells a port of an exception, and how they are handed on to another port. They are
/// those of mach/exc.defs and mach/mach_exc.defs (Apple's open sources, xnu), written out, as the system's library has
/// no stubs for the second.

#include <cstdint>
#include <span>

#include <mach/mach.h>

namespace trapline::sdk {

/// Who has an exception, and how it wants to be told.
struct ExceptionHandler {
  exception_mask_t mask = 0;
  mach_port_t port = MACH_PORT_NULL;
  exception_behavior_t behavior = 0;
  thread_state_flavor_t flavor = THREAD_STATE_NONE;
};

#pragma pack(push, 4)
/// mach_exception_raise: EXCEPTION_DEFAULT | MACH_EXCEPTION_CODES, which is what our port asks for.
struct ExceptionRequest {
  static constexpr mach_msg_id_t kId = 2405;
  mach_msg_header_t header;
  mach_msg_body_t body;
  mach_msg_port_descriptor_t thread;
  mach_msg_port_descriptor_t task;
  NDR_record_t ndr;
  exception_type_t exception;
  mach_msg_type_number_t code_count;
  std::int64_t codes[2];
};
struct ExceptionReply {
  static constexpr mach_msg_id_t kIdStep = 100;  ///< from the request's id
  mach_msg_header_t header;
  NDR_record_t ndr;
  kern_return_t result;
};
#pragma pack(pop)

/// Tells the kernel what has become of an exception: KERN_SUCCESS lets the thread go on, anything else leaves it to the
/// next who has it.
void reply_to(const ExceptionRequest& request, kern_return_t result);

/// Tells another port of it as it wants to be told, and waits for its answer; the thread's new state, if the answer has
/// one, is set. `reply_port`: a port that nobody else receives from.
kern_return_t forward(const ExceptionRequest& request, const ExceptionHandler& handler, mach_port_t reply_port);

}  // namespace trapline::sdk
