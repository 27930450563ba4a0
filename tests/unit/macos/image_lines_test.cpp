#include "sdk/crash/macos/image_lines.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "sdk/crash/late_modules.h"

using namespace trapline;
using namespace trapline::sdk;

namespace {

MachoImage image_with_uuid() {
  MachoImage image;
  image.has_uuid = true;
  for (std::size_t index = 0; index < image.uuid.size(); ++index)
    image.uuid[index] = static_cast<std::byte>(index * 16);
  image.text_bytes = 0x4000;
  return image;
}

std::string line_of(std::uintptr_t begin, const MachoImage& image, const std::string& path) {
  std::array<char, 200> room{};
  return {room.data(), write_image_line(room.data(), room.size(), begin, image, path)};
}

}  // namespace

TEST_CASE("what a crash handler writes of an image is read again") {
  const std::string line = line_of(0x100004000, image_with_uuid(), "/Applications/My Shop.app/shop");
  CHECK(line == "100004000 100008000 00102030405060708090a0b0c0d0e0f0 /Applications/My Shop.app/shop\n");
  const auto parsed = parse_image_line(std::string_view(line).substr(0, line.size() - 1));
  REQUIRE(parsed);
  CHECK(parsed->begin == 0x100004000);
  CHECK(parsed->end == 0x100008000);
  CHECK(parsed->uuid == "00102030405060708090a0b0c0d0e0f0");
  CHECK(parsed->path == "/Applications/My Shop.app/shop");
}

TEST_CASE("a line that has no room is not written at all") {
  std::array<char, 40> room{};
  CHECK(write_image_line(room.data(), room.size(), 0x100004000, image_with_uuid(), "/usr/lib/libc++.1.dylib") == 0);
}

TEST_CASE("damaged lines are no images") {
  for (const char* line :
       {"", "1000", "1000 2000", "1000 2000 -", "2000 1000 - /x", "nonsense 2000 - /x", "10x0 2000 - /x"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_image_line(line));
  }
}

TEST_CASE("images that were loaded after the list was written are added to it") {
  MachoImage bare;
  bare.text_bytes = 0x1000;
  const std::string lines = line_of(0x1000, image_with_uuid(), "/known") +
                            line_of(0x9000, image_with_uuid(), "/plugin") + "damaged\n" +
                            line_of(0xA000, bare, "/bare");
  std::vector<core::Module> modules = {{"/known", "11", 0x1000, 0x4000, 0}};
  add_late_modules(lines, modules);
  REQUIRE(modules.size() == 3);
  CHECK(modules[1].path == "/plugin");
  CHECK(modules[1].base == 0x9000);
  CHECK(modules[1].size == 0x4000);
  CHECK(modules[1].format == core::ModuleFormat::kMachO);
  CHECK(modules[1].build_id == "00102030405060708090a0b0c0d0e0f0");
  CHECK(modules[2].build_id.empty());
}
