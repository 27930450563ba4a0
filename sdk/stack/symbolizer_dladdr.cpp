#include <dlfcn.h>

#include "sdk/stack/demangle.h"
#include "sdk/stack/symbolizer.h"

namespace trapline::sdk {
namespace {

class DladdrSymbolizer final : public Symbolizer {
 public:
  Symbol find(std::uintptr_t address) override {
    Dl_info info{};
    if (dladdr(reinterpret_cast<void*>(address), &info) == 0 || info.dli_sname == nullptr) return {};
    return {demangle(info.dli_sname), "", 0};
  }
};

}  // namespace

std::unique_ptr<Symbolizer> Symbolizer::create() { return std::make_unique<DladdrSymbolizer>(); }

}  // namespace trapline::sdk
