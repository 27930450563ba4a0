#include "sdk/stack/demangle.h"

#include <cstdlib>
#include <memory>
#include <string_view>

#include <cxxabi.h>

namespace trapline::sdk {
namespace {

struct FreeText {
  void operator()(char* text) const { std::free(text); }
};

/// People write std::string, not what it is made of.
void shorten_strings(std::string& text) {
  constexpr std::string_view kLong = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
  constexpr std::string_view kShort = "std::string";
  for (std::size_t at = text.find(kLong); at != std::string::npos; at = text.find(kLong, at + kShort.size())) {
    text.replace(at, kLong.size(), kShort);
  }
}

}  // namespace

std::string demangle(const char* name) {
  int status = 0;
  const std::unique_ptr<char, FreeText> readable(abi::__cxa_demangle(name, nullptr, nullptr, &status));
  if (status != 0) return name;
  std::string text = readable.get();
  shorten_strings(text);
  return text;
}

}  // namespace trapline::sdk
