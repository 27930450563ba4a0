#include "sdk/crash/macos/exception_message.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace trapline::sdk {
namespace {

constexpr std::size_t kMostStateWords = THREAD_STATE_MAX;

struct ThreadState {
  std::array<natural_t, kMostStateWords> words{};
  mach_msg_type_number_t count = kMostStateWords;
};

/// Puts one thing after the other, as the interface generator lays them out.
class Writer {
 public:
  template <class Thing>
  void put(const Thing& thing) {
    put_bytes(&thing, sizeof thing);
  }
  void put_bytes(const void* from, std::size_t bytes) {
    std::memcpy(content_.data() + used_, from, std::min(bytes, content_.size() - used_));
    used_ += std::min(bytes, content_.size() - used_);
  }
  mach_msg_header_t& header() { return *reinterpret_cast<mach_msg_header_t*>(content_.data()); }
  [[nodiscard]] mach_msg_size_t used() const { return static_cast<mach_msg_size_t>(used_); }
  [[nodiscard]] mach_msg_size_t room() const { return static_cast<mach_msg_size_t>(content_.size()); }

 private:
  std::size_t used_ = 0;
  alignas(8) std::array<std::byte, 2 * sizeof(natural_t) * kMostStateWords> content_{};
};

class Reader {
 public:
  Reader(const void* from, std::size_t bytes) : from_(static_cast<const std::byte*>(from)), left_(bytes) {}
  template <class Thing>
  bool take(Thing& thing) {
    return take_bytes(&thing, sizeof thing);
  }
  bool take_bytes(void* to, std::size_t bytes) {
    if (bytes > left_) return false;
    std::memcpy(to, from_, bytes);
    from_ += bytes;
    left_ -= bytes;
    return true;
  }

 private:
  const std::byte* from_;
  std::size_t left_;
};

/// The name of a right that is in the message, to be copied into another.
mach_msg_port_descriptor_t copy_of(const mach_msg_port_descriptor_t& received) {
  mach_msg_port_descriptor_t copy{};
  copy.name = received.name;
  copy.disposition = MACH_MSG_TYPE_COPY_SEND;
  copy.type = MACH_MSG_PORT_DESCRIPTOR;
  return copy;
}

struct Wish {
  bool has_identity = false;
  bool has_state = false;
  bool has_wide_codes = false;
  mach_msg_id_t id = 0;  ///< 0: of a kind that did not exist when this was written
};

Wish wish_of(const ExceptionHandler& handler) {
  Wish wish;
  const auto kind = static_cast<exception_behavior_t>(static_cast<std::uint32_t>(handler.behavior) &
                                                      ~static_cast<std::uint32_t>(MACH_EXCEPTION_MASK));
  wish.has_wide_codes = (static_cast<std::uint32_t>(handler.behavior) & MACH_EXCEPTION_CODES) != 0;
  wish.has_identity = kind == EXCEPTION_DEFAULT || kind == EXCEPTION_STATE_IDENTITY;
  wish.has_state = kind == EXCEPTION_STATE || kind == EXCEPTION_STATE_IDENTITY;
  constexpr mach_msg_id_t kNarrow = 2400;
  constexpr mach_msg_id_t kWide = 2404;
  // The routines are numbered as the behaviours are: default, state, state and identity.
  if (wish.has_identity || wish.has_state) wish.id = (wish.has_wide_codes ? kWide : kNarrow) + kind;
  return wish;
}

void write_request(Writer& writer, const ExceptionRequest& request, const Wish& wish, thread_state_flavor_t flavor,
                   const ThreadState& state) {
  writer.put(mach_msg_header_t{});
  if (wish.has_identity) {
    writer.put(mach_msg_body_t{2});
    writer.put(copy_of(request.thread));
    writer.put(copy_of(request.task));
  }
  writer.put(NDR_record);
  writer.put(request.exception);
  writer.put(request.code_count);
  for (mach_msg_type_number_t index = 0; index < std::min<mach_msg_type_number_t>(request.code_count, 2); ++index) {
    if (wish.has_wide_codes) {
      writer.put(request.codes[index]);
    } else {
      writer.put(static_cast<std::int32_t>(request.codes[index]));
    }
  }
  if (!wish.has_state) return;
  writer.put(flavor);
  writer.put(state.count);
  writer.put_bytes(state.words.data(), state.count * sizeof(natural_t));
}

/// What was answered; the thread goes on as that says.
kern_return_t read_reply(const mach_msg_header_t& header, mach_msg_id_t expected, const Wish& wish, thread_t thread) {
  Reader reader(&header, header.msgh_size);
  mach_msg_header_t skipped{};
  NDR_record_t ndr{};
  kern_return_t result = KERN_FAILURE;
  const bool is_reply = header.msgh_id == expected && reader.take(skipped) && reader.take(ndr) && reader.take(result);
  if (!is_reply) return KERN_FAILURE;
  if (result != KERN_SUCCESS || !wish.has_state) return result;
  thread_state_flavor_t flavor = THREAD_STATE_NONE;
  ThreadState state;
  const bool has_state = reader.take(flavor) && reader.take(state.count) && state.count <= kMostStateWords &&
                         reader.take_bytes(state.words.data(), state.count * sizeof(natural_t));
  if (!has_state) return KERN_FAILURE;
  return thread_set_state(thread, flavor, state.words.data(), state.count);
}

}  // namespace

void reply_to(const ExceptionRequest& request, kern_return_t result) {
  ExceptionReply reply{};
  reply.header.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(request.header.msgh_bits), 0);
  reply.header.msgh_size = sizeof reply;
  reply.header.msgh_remote_port = request.header.msgh_remote_port;
  reply.header.msgh_local_port = MACH_PORT_NULL;
  reply.header.msgh_id = request.header.msgh_id + ExceptionReply::kIdStep;
  reply.ndr = NDR_record;
  reply.result = result;
  mach_msg(&reply.header, MACH_SEND_MSG, sizeof reply, 0, MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}

kern_return_t forward(const ExceptionRequest& request, const ExceptionHandler& handler, mach_port_t reply_port) {
  const Wish wish = wish_of(handler);
  if (wish.id == 0 || handler.port == MACH_PORT_NULL) return KERN_FAILURE;
  ThreadState state;
  if (wish.has_state) {
    const kern_return_t got = thread_get_state(request.thread.name, handler.flavor, state.words.data(), &state.count);
    if (got != KERN_SUCCESS) return got;
  }
  Writer writer;
  write_request(writer, request, wish, handler.flavor, state);
  mach_msg_header_t& header = writer.header();
  header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE) |
                     (wish.has_identity ? MACH_MSGH_BITS_COMPLEX : 0U);
  header.msgh_size = writer.used();
  header.msgh_remote_port = handler.port;
  header.msgh_local_port = reply_port;
  header.msgh_id = wish.id;
  // A debugger may take its time.
  const kern_return_t sent = mach_msg(&header, MACH_SEND_MSG | MACH_RCV_MSG, writer.used(), writer.room(), reply_port,
                                      MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
  if (sent != KERN_SUCCESS) return sent;
  return read_reply(header, wish.id + ExceptionReply::kIdStep, wish, request.thread.name);
}

}  // namespace trapline::sdk
