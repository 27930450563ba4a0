#include "sdk/stack/dwarf/unwind_rule.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

#include <dlfcn.h>

#include "sdk/stack/dwarf/unwind_machine.h"

namespace trapline::sdk {
namespace {

/// Pointer encodings (Linux Standard Base, "DWARF Exception Header Encoding").
constexpr std::uint8_t kPcRelative4 = 0x1B;
constexpr std::uint8_t kDataRelative4 = 0x3B;
constexpr std::uint8_t kUnsigned4 = 0x03;

constexpr int kWordBytes = sizeof(std::uintptr_t);

constexpr std::uint8_t kOpRegister0 = 0x70;  // DW_OP_breg0: a register's content plus an offset
constexpr std::uint8_t kOpDereference = 0x06;
constexpr std::int64_t kLargestFrame = UnwindRule::kLargestFrame;

bool is_frame_pointer(std::uint8_t operation) { return operation == kOpRegister0 + kUnwindMachine.frame_pointer; }
bool is_small(std::int64_t offset) { return offset >= INT16_MIN && offset <= INT16_MAX; }

/// Reads the tables. They are part of the loaded module and trusted as its code is.
class Cursor {
 public:
  explicit Cursor(const std::uint8_t* at) : at_(at) {}

  template <class Number>
  Number read() {
    Number number;
    std::memcpy(&number, at_, sizeof number);
    at_ += sizeof number;
    return number;
  }
  /// LEB128 (DWARF 5, section 7.6).
  std::uint64_t read_unsigned() {
    int bits = 0;
    return read_leb128(bits);
  }
  std::int64_t read_signed() {
    int bits = 0;
    std::uint64_t number = read_leb128(bits);
    const bool is_negative = bits < 64 && (number >> (bits - 1) & 1U) != 0;
    if (is_negative) number |= ~std::uint64_t{0} << bits;
    return static_cast<std::int64_t>(number);
  }
  std::string_view read_text() {
    const std::string_view text(reinterpret_cast<const char*>(at_));
    at_ += text.size() + 1;
    return text;
  }
  [[nodiscard]] const std::uint8_t* at() const { return at_; }
  void move_to(const std::uint8_t* at) { at_ = at; }

 private:
  std::uint64_t read_leb128(int& bits) {
    std::uint64_t number = 0;
    std::uint8_t byte = 0;
    do {
      byte = *at_++;
      number |= std::uint64_t{byte & 0x7FU} << bits;
      bits += 7;
    } while ((byte & 0x80U) != 0 && bits < 64);
    return number;
  }

  const std::uint8_t* at_;
};

struct Description {
  const std::uint8_t* begin = nullptr;  ///< of the instructions
  const std::uint8_t* end = nullptr;
};
struct CommonEntry {
  std::uint64_t code_alignment = 1;
  std::int64_t data_alignment = -8;
  bool has_augmentation = false;
  Description instructions;
};
struct FrameEntry {
  CommonEntry common;
  std::uintptr_t function = 0;
  Description instructions;
};

/// Plain C++ and C functions only: a CIE whose addresses are 4 bytes relative to their place.
std::optional<CommonEntry> read_common(const std::uint8_t* at) {
  Cursor cursor(at);
  const auto length = cursor.read<std::uint32_t>();
  const std::uint8_t* const end = cursor.at() + length;
  const auto id = cursor.read<std::uint32_t>();
  const auto version = cursor.read<std::uint8_t>();
  if (length == 0xFFFFFFFF || id != 0 || version != 1) return std::nullopt;
  std::string_view augmentation = cursor.read_text();
  CommonEntry entry;
  entry.code_alignment = cursor.read_unsigned();
  entry.data_alignment = cursor.read_signed();
  if (cursor.read<std::uint8_t>() != kUnwindMachine.return_address || augmentation.empty() || augmentation[0] != 'z')
    return std::nullopt;
  const std::uint64_t augmentation_bytes = cursor.read_unsigned();
  const std::uint8_t* const instructions = cursor.at() + augmentation_bytes;
  bool has_encoding = false;
  augmentation.remove_prefix(1);
  for (const char part : augmentation) {
    if (part == 'R') {
      has_encoding = cursor.read<std::uint8_t>() == kPcRelative4;
    } else if (part == 'L') {
      cursor.read<std::uint8_t>();
    } else if (part == 'P') {
      const auto encoding = cursor.read<std::uint8_t>() & 0x0FU;
      const std::size_t bytes = encoding == 0x03 || encoding == 0x0B ? 4 : encoding == 0x00 || encoding == 0x0C ? 8 : 0;
      if (bytes == 0) return std::nullopt;
      cursor.move_to(cursor.at() + bytes);
    } else if (part != 'B' || !kUnwindMachine.signs_returns) {  // 'B': signed with another key
      return std::nullopt;                                      // 'S': a signal's frame
    }
  }
  if (!has_encoding) return std::nullopt;
  entry.instructions = {instructions, end};
  return entry;
}

std::optional<FrameEntry> read_frame_entry(const std::uint8_t* at, std::uintptr_t address) {
  Cursor cursor(at);
  const auto length = cursor.read<std::uint32_t>();
  const std::uint8_t* const end = cursor.at() + length;
  const std::uint8_t* const id_place = cursor.at();
  const auto to_common = cursor.read<std::uint32_t>();
  if (length == 0xFFFFFFFF || to_common == 0) return std::nullopt;
  auto common = read_common(id_place - to_common);
  if (!common) return std::nullopt;
  FrameEntry entry;
  const auto place = reinterpret_cast<std::uintptr_t>(cursor.at());
  entry.function = place + static_cast<std::uintptr_t>(std::int64_t{cursor.read<std::int32_t>()});
  const auto bytes = cursor.read<std::uint32_t>();
  if (address < entry.function || address - entry.function >= bytes) return std::nullopt;
  const std::uint64_t augmentation_bytes = cursor.read_unsigned();
  entry.common = *common;
  entry.instructions = {cursor.at() + augmentation_bytes, end};
  return entry;
}

/// Finds the function's entry by the sorted table in .eh_frame_hdr.
std::optional<FrameEntry> find_entry(std::uintptr_t address) {
  dl_find_object object{};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
  if (_dl_find_object(reinterpret_cast<void*>(address), &object) != 0 || object.dlfo_eh_frame == nullptr) {
    return std::nullopt;
  }
  const auto* const header = static_cast<const std::uint8_t*>(object.dlfo_eh_frame);
  const bool is_plain =
      header[0] == 1 && header[1] == kPcRelative4 && header[2] == kUnsigned4 && header[3] == kDataRelative4;
  if (!is_plain) return std::nullopt;
  struct Row {
    std::int32_t function;
    std::int32_t entry;
  };
  std::uint32_t count = 0;
  std::memcpy(&count, header + 8, sizeof count);
  const std::uint8_t* const table = header + 12;
  const auto base = reinterpret_cast<std::uintptr_t>(header);
  const auto row_at = [&](std::size_t index) {
    Row row{};
    std::memcpy(&row, table + index * sizeof row, sizeof row);
    return row;
  };
  const auto wanted = static_cast<std::int64_t>(address - base);
  std::size_t low = 0;
  std::size_t high = count;
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (row_at(middle).function <= wanted ? low : high) = middle;
  }
  if (count == 0 || row_at(low).function > wanted) return std::nullopt;
  return read_frame_entry(header + row_at(low).entry, address);
}

/// Runs call frame instructions (DWARF 5, section 6.4.2) up to an address.
class Program {
 public:
  Program(const FrameEntry& entry, std::uintptr_t address)
      : entry_(entry), address_(address), location_(entry.function) {}

  UnwindRule run() {
    UnwindRule unknown;
    if (!execute(entry_.common.instructions, /*is_common=*/true)) return unknown;
    initial_ = rule_;
    if (!execute(entry_.instructions, /*is_common=*/false)) return unknown;
    if (kUnwindMachine.pushes_return && rule_.return_offset != -kWordBytes) return unknown;
    // The place of the saved frame pointer is told from the frame pointer exactly where the CFA is.
    const bool is_consistent =
        !rule_.saves_frame_pointer() || is_saved_by_itself_ == (rule_.kind() == UnwindRule::Kind::kStored);
    return is_consistent ? rule_ : unknown;
  }

 private:
  bool execute(const Description& code, bool is_common) {
    Cursor cursor(code.begin);
    while (cursor.at() < code.end) {
      const auto byte = cursor.read<std::uint8_t>();
      const std::uint8_t low = byte & 0x3FU;
      switch (byte >> 6U) {
        case 1:  // DW_CFA_advance_loc
          if (advance(low) && !is_common) return true;
          break;
        case 2:  // DW_CFA_offset
          if (!save(low, static_cast<std::int64_t>(cursor.read_unsigned()))) return false;
          break;
        case 3:  // DW_CFA_restore
          restore(low);
          break;
        default:
          bool is_past = false;
          if (!execute_extended(low, cursor, is_past)) return false;
          if (is_past) return true;
      }
    }
    return true;
  }

  bool execute_extended(std::uint8_t operation, Cursor& cursor, bool& is_past) {
    switch (operation) {
      case 0x00:  // nop
        return true;
      case 0x02:  // advance_loc1
        is_past = advance(cursor.read<std::uint8_t>());
        return true;
      case 0x03:  // advance_loc2
        is_past = advance(cursor.read<std::uint16_t>());
        return true;
      case 0x04:  // advance_loc4
        is_past = advance(cursor.read<std::uint32_t>());
        return true;
      case 0x05: {  // offset_extended
        const std::uint64_t number = cursor.read_unsigned();
        return save(number, static_cast<std::int64_t>(cursor.read_unsigned()));
      }
      case 0x06:  // restore_extended
        restore(cursor.read_unsigned());
        return true;
      case 0x07:  // undefined: of the return address, there is no caller
        if (cursor.read_unsigned() == kUnwindMachine.return_address) rule_.set_kind(UnwindRule::Kind::kOutermost);
        return true;
      case 0x0A:  // remember_state
        if (depth_ == states_.size()) return false;
        states_[depth_++] = rule_;
        return true;
      case 0x0B:  // restore_state
        if (depth_ == 0) return false;
        rule_ = states_[--depth_];
        return true;
      case 0x0C: {  // def_cfa
        const std::uint64_t number = cursor.read_unsigned();
        return set_register(number) && set_offset(static_cast<std::int64_t>(cursor.read_unsigned()));
      }
      case 0x0D:  // def_cfa_register
        return set_register(cursor.read_unsigned());
      case 0x0E:  // def_cfa_offset
        return set_offset(static_cast<std::int64_t>(cursor.read_unsigned()));
      case 0x0F:  // def_cfa_expression
        return define_stored(cursor);
      case 0x10:  // expression
        return save_by_expression(cursor);
      case 0x11: {  // offset_extended_sf
        const std::uint64_t number = cursor.read_unsigned();
        return save(number, cursor.read_signed());
      }
      case 0x2D:  // AARCH64_negate_ra_state: signed or not, the signature is taken off
        return kUnwindMachine.signs_returns;
      case 0x2E:  // GNU_args_size
        cursor.read_unsigned();
        return true;
      default:  // what compilers do not write for plain functions
        return false;
    }
  }

  /// True when the wanted address is before the new location.
  bool advance(std::uint64_t delta) {
    location_ += delta * entry_.common.code_alignment;
    return location_ > address_;
  }
  bool save(std::uint64_t number, std::int64_t factored) {
    const std::int64_t offset = factored * entry_.common.data_alignment;
    if (number == kUnwindMachine.return_address) {
      rule_.return_offset = static_cast<std::int16_t>(offset);
      return offset <= 0 && is_small(offset);
    }
    if (number != kUnwindMachine.frame_pointer) return true;
    rule_.frame_pointer_offset = static_cast<std::int16_t>(offset);
    is_saved_by_itself_ = false;
    return offset <= 0 && is_small(offset);
  }
  /// A function that aligns its stack keeps its CFA in memory: DW_OP_breg of the frame pointer,
  /// DW_OP_deref. Other expressions make
  /// the rule an unknown one.
  bool define_stored(Cursor& cursor) {
    const std::uint64_t bytes = cursor.read_unsigned();
    Cursor expression = cursor;
    cursor.move_to(cursor.at() + bytes);
    rule_.set_kind(UnwindRule::Kind::kUnknown);
    if (bytes < 3 || !is_frame_pointer(expression.read<std::uint8_t>())) return true;
    const std::int64_t offset = expression.read_signed();
    const bool is_that = expression.read<std::uint8_t>() == kOpDereference && expression.at() == cursor.at();
    if (!is_that || offset < -kLargestFrame || offset >= kLargestFrame) return true;
    rule_.set_kind(UnwindRule::Kind::kStored);
    rule_.set_cfa_offset(static_cast<std::int32_t>(offset));
    return true;
  }
  /// Where a register is saved: DW_OP_breg of the frame pointer.
  bool save_by_expression(Cursor& cursor) {
    const std::uint64_t number = cursor.read_unsigned();
    const std::uint64_t bytes = cursor.read_unsigned();
    Cursor expression = cursor;
    cursor.move_to(cursor.at() + bytes);
    if (number == kUnwindMachine.return_address) return false;
    if (number != kUnwindMachine.frame_pointer) return true;
    if (bytes < 2 || !is_frame_pointer(expression.read<std::uint8_t>())) return false;
    const std::int64_t offset = expression.read_signed();
    if (expression.at() != cursor.at() || !is_small(offset)) return false;
    rule_.frame_pointer_offset = static_cast<std::int16_t>(offset);
    is_saved_by_itself_ = true;
    return true;
  }
  void restore(std::uint64_t number) {
    if (number == kUnwindMachine.return_address) {
      rule_.return_offset = initial_.return_offset;
    } else if (number == kUnwindMachine.frame_pointer) {
      rule_.frame_pointer_offset = initial_.frame_pointer_offset;
    }
  }
  bool set_register(std::uint64_t number) {
    rule_.set_kind(number == kUnwindMachine.stack_pointer   ? UnwindRule::Kind::kFromStackPointer
                   : number == kUnwindMachine.frame_pointer ? UnwindRule::Kind::kFromFramePointer
                                                            : UnwindRule::Kind::kUnknown);  // where a stack is aligned
    return true;
  }
  bool set_offset(std::int64_t offset) {
    if (offset < 0 || offset >= kLargestFrame) return false;
    rule_.set_cfa_offset(static_cast<std::int32_t>(offset));
    return true;
  }

  const FrameEntry& entry_;
  const std::uintptr_t address_;
  std::uintptr_t location_;
  UnwindRule rule_;
  UnwindRule initial_;
  bool is_saved_by_itself_ = false;  ///< the frame pointer's place is told from the frame pointer
  std::array<UnwindRule, 8> states_;
  std::size_t depth_ = 0;
};

}  // namespace

UnwindRule read_unwind_rule(std::uintptr_t address) {
  const auto entry = find_entry(address);
  return entry ? Program(*entry, address).run() : UnwindRule{};
}

}  // namespace trapline::sdk
