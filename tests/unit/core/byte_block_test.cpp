#include "sdk/core/byte_block.h"

#include <random>
#include <string>

#include <doctest/doctest.h>

#include "sdk/core/ascii.h"

using namespace trapline::core;

TEST_CASE("a block finds in a text of any length what looking at its bytes one by one finds, and nothing behind it") {
  std::mt19937 random(1);
  for (std::size_t length = 1; length <= 70; ++length) {
    for (int round = 0; round < 3; ++round) {
      // On the heap, in its exact size: sanitizers see what is read beyond.
      std::string text(length, ' ');
      text.shrink_to_fit();
      for (char& c : text) c = static_cast<char>(random() % 256);
      for (std::size_t begin = 0; begin < length; ++begin) {
        const ByteBlock block = ByteBlock::load(text, begin);
        const std::uint32_t digits = block.where([](const SixteenBytes& bytes) { return bytes.between('0', '9'); });
        const std::uint32_t letters = block.where([](const SixteenBytes& bytes) { return bytes.letters(); });
        const char asked = text[begin] != '\0' ? text[begin] : 'x';
        const std::uint32_t some =
            block.where([&](const SixteenBytes& bytes) { return bytes.equal(asked) | bytes.between('\x80', '\xC0'); });
        for (std::size_t index = 0; index < ByteBlock::kBytes; ++index) {
          const bool is_there = begin + index < length;
          const char c = is_there ? text[begin + index] : '\0';
          const auto byte = static_cast<unsigned char>(c);
          CAPTURE(length);
          CAPTURE(begin);
          CAPTURE(index);
          REQUIRE((digits >> index & 1U) == (is_there && is_digit(c) ? 1U : 0U));
          REQUIRE((letters >> index & 1U) == (is_there && is_letter(c) ? 1U : 0U));
          REQUIRE((some >> index & 1U) == (c == asked || (byte >= 0x80 && byte <= 0xC0) ? 1U : 0U));
        }
      }
    }
  }
}
