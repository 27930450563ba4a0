#include "sdk/stack/demangle.h"

#include <cstdlib>
#include <memory>

#include <cxxabi.h>

namespace trapline::sdk {
namespace {

struct Free {
  void operator()(char* text) const { std::free(text); }
};

}  // namespace

std::string demangle(const char* name) {
  int status = 0;
  const std::unique_ptr<char, Free> readable(abi::__cxa_demangle(name, nullptr, nullptr, &status));
  return status == 0 ? readable.get() : name;
}

}  // namespace trapline::sdk
