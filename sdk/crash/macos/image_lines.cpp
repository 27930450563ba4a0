#include "sdk/crash/macos/image_lines.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace trapline::sdk {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

/// Text that is written as far as there is room.
class Line {
 public:
  Line(char* to, std::size_t room) : to_(to), room_(room) {}

  void add(std::string_view text) {
    is_whole_ = is_whole_ && text.size() <= room_ - used_;
    if (!is_whole_) return;
    std::memcpy(to_ + used_, text.data(), text.size());
    used_ += text.size();
  }
  void add_hex(std::uint64_t number) {
    std::array<char, 16> digits{};
    std::size_t first = digits.size();
    do {
      digits[--first] = kDigits[number & 15U];
      number >>= 4U;
    } while (number != 0);
    add({digits.data() + first, digits.size() - first});
  }
  void add_hex(std::byte byte) {
    const std::array<char, 2> digits = {kDigits[std::to_integer<unsigned>(byte) >> 4U],
                                        kDigits[std::to_integer<unsigned>(byte) & 15U]};
    add({digits.data(), digits.size()});
  }
  [[nodiscard]] std::size_t bytes() const { return is_whole_ ? used_ : 0; }

 private:
  char* to_;
  std::size_t room_;
  std::size_t used_ = 0;
  bool is_whole_ = true;
};

std::string_view take_word(std::string_view& text) {
  const std::size_t space = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(std::min(space + 1, text.size()));
  return word;
}

bool parse_hex(std::string_view text, std::uintptr_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::size_t write_image_line(char* to, std::size_t room, std::uintptr_t begin, const MachoImage& image,
                             std::string_view path) {
  Line line(to, room);
  line.add_hex(begin);
  line.add(" ");
  line.add_hex(begin + image.text_bytes);
  line.add(" ");
  if (!image.has_uuid) line.add("-");
  for (std::size_t index = 0; image.has_uuid && index < image.uuid.size(); ++index) line.add_hex(image.uuid[index]);
  line.add(" ");
  line.add(path);
  line.add("\n");
  return line.bytes();
}

std::optional<ImageLine> parse_image_line(std::string_view line) {
  ImageLine parsed;
  if (!parse_hex(take_word(line), parsed.begin) || !parse_hex(take_word(line), parsed.end)) return std::nullopt;
  const std::string_view uuid = take_word(line);
  constexpr std::size_t kUuidDigits = 32;
  if (uuid.size() == kUuidDigits) parsed.uuid = uuid;
  parsed.path = line;
  if (parsed.end <= parsed.begin || parsed.path.empty()) return std::nullopt;
  return parsed;
}

}  // namespace trapline::sdk
