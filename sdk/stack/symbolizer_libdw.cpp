#include <utility>

#include <elfutils/libdwfl.h>
#include <unistd.h>

#include "sdk/stack/demangle.h"
#include "sdk/stack/symbolizer.h"

namespace trapline::sdk {
namespace {

/// libdwfl asks here for debug information that is not in the module. Its own answer may ask a server on the network
/// (debuginfod), which an SDK must not do: there is none.
int find_no_debuginfo(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word, char**) {
  return -1;
}

struct EndDwfl {
  void operator()(Dwfl* dwfl) const { dwfl_end(dwfl); }
};

class LibdwSymbolizer final : public Symbolizer {
 public:
  Symbol find(std::uintptr_t address) override {
    Dwfl_Module* module = find_module(address);
    if (module == nullptr) return {};
    Symbol symbol;
    if (const char* name = dwfl_module_addrname(module, address)) symbol.function = demangle(name);
    if (Dwfl_Line* line = dwfl_module_getsrc(module, address)) {
      if (const char* file = dwfl_lineinfo(line, nullptr, &symbol.line, nullptr, nullptr, nullptr)) symbol.file = file;
    }
    return symbol;
  }

 private:
  /// The modules are read once, and again when an address is in none of them: a library was loaded since.
  Dwfl_Module* find_module(std::uintptr_t address) {
    if (dwfl_) {
      if (Dwfl_Module* module = dwfl_addrmodule(dwfl_.get(), address)) return module;
    }
    dwfl_.reset(dwfl_begin(&callbacks_));
    if (!dwfl_ || dwfl_linux_proc_report(dwfl_.get(), getpid()) != 0) return nullptr;
    if (dwfl_report_end(dwfl_.get(), nullptr, nullptr) != 0) return nullptr;
    return dwfl_addrmodule(dwfl_.get(), address);
  }

  Dwfl_Callbacks callbacks_ = {dwfl_linux_proc_find_elf, find_no_debuginfo, nullptr, nullptr};
  std::unique_ptr<Dwfl, EndDwfl> dwfl_;
};

}  // namespace

std::unique_ptr<Symbolizer> Symbolizer::create() { return std::make_unique<LibdwSymbolizer>(); }

}  // namespace trapline::sdk
