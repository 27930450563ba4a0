#include <dlfcn.h>

#include "sdk/stack/demangle.h"
#include "sdk/stack/symbolizer.h"

namespace trapline::sdk {
namespace {

class DladdrSymbolizer final : public Symbolizer {
 public:
  std::vector<Symbol> find(const core::Module& module, std::uintptr_t address) override {
    Dl_info info{};
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
    if (dladdr(reinterpret_cast<void*>(address), &info) == 0 || info.dli_sname == nullptr) return {};
    // The module of a process that is gone may have stood where another one stands now.
    const bool is_same = reinterpret_cast<std::uintptr_t>(info.dli_fbase) == module.base;
    if (!is_same) return {};
    return {Symbol{demangle(info.dli_sname), "", 0}};
  }
};

}  // namespace

std::unique_ptr<Symbolizer> make_dladdr_symbolizer() { return std::make_unique<DladdrSymbolizer>(); }

}  // namespace trapline::sdk
