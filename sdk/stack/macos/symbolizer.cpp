/// By the symbol tables that the process has loaded (dladdr): functions, also those that are not exported, without
/// files and lines. The modules of a process that is gone are looked up where this one has the same.

#include "sdk/stack/symbolizer.h"

#include <algorithm>

#include <dlfcn.h>

#include "sdk/stack/demangle.h"
#include "sdk/stack/module_list.h"

namespace trapline::sdk {
namespace {

class DyldSymbolizer final : public Symbolizer {
 public:
  std::vector<Symbol> find(const core::Module& module, std::uintptr_t address) override {
    const auto same = std::find_if(own_.begin(), own_.end(), [&](const core::Module& own) {
      return !own.build_id.empty() && own.build_id == module.build_id;
    });
    if (same == own_.end()) return {};
    Dl_info info{};
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
    const auto* const here = reinterpret_cast<const void*>(address - module.base + same->base);
    const bool is_known = dladdr(here, &info) != 0 && info.dli_sname != nullptr &&
                          reinterpret_cast<std::uintptr_t>(info.dli_fbase) == same->base;
    if (!is_known) return {};
    return {Symbol{demangle(info.dli_sname), "", 0}};
  }

 private:
  const std::vector<core::Module> own_ = list_modules();
};

}  // namespace

std::unique_ptr<Symbolizer> Symbolizer::create() { return std::make_unique<DyldSymbolizer>(); }

}  // namespace trapline::sdk
