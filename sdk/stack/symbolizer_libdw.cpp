/// libdw is loaded when the first stack is read: linking it would cost every program 0.3 ms at its start.

#include <map>
#include <span>
#include <utility>

#include <elfutils/libdwfl.h>

#include "sdk/core/hex.h"
#include "sdk/core/loaded_library.h"
#include "sdk/stack/demangle.h"
#include "sdk/stack/symbolizer.h"

namespace trapline::sdk {
namespace {

/// The functions of libdw that are used.
struct Libdw {
  decltype(&::dwfl_begin) begin = nullptr;
  decltype(&::dwfl_end) end = nullptr;
  decltype(&::dwfl_report_elf) report_elf = nullptr;
  decltype(&::dwfl_report_end) report_end = nullptr;
  decltype(&::dwfl_module_build_id) build_id = nullptr;
  decltype(&::dwfl_module_addrname) addrname = nullptr;
  decltype(&::dwfl_module_getsrc) getsrc = nullptr;
  decltype(&::dwfl_lineinfo) lineinfo = nullptr;
};

/// nullptr when it is not installed. Never unloaded.
const Libdw* load_libdw() {
  const std::lock_guard loading(core::loading_mutex());
  static const Libdw* const kLibdw = []() -> const Libdw* {
    static Libdw functions;
    core::LoadedLibrary library("libdw.so.1");
    library.find(functions.begin, "dwfl_begin");
    library.find(functions.end, "dwfl_end");
    library.find(functions.report_elf, "dwfl_report_elf");
    library.find(functions.report_end, "dwfl_report_end");
    library.find(functions.build_id, "dwfl_module_build_id");
    library.find(functions.addrname, "dwfl_module_addrname");
    library.find(functions.getsrc, "dwfl_module_getsrc");
    library.find(functions.lineinfo, "dwfl_lineinfo");
    return library.is_complete() ? &functions : nullptr;
  }();
  return kLibdw;
}

/// libdwfl asks here for debug information that is not in the module. Its own answer may ask a server on the network
/// (debuginfod), which an SDK must not do: there is none.
int find_no_debuginfo(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word, char**) {
  return -1;
}

class LibdwSymbolizer final : public Symbolizer {
 public:
  explicit LibdwSymbolizer(const Libdw& libdw) : libdw_(libdw) {}
  ~LibdwSymbolizer() override {
    for (const auto& [base, opened] : opened_) {
      if (opened.session != nullptr) libdw_.end(opened.session);
    }
  }
  LibdwSymbolizer(const LibdwSymbolizer&) = delete;
  LibdwSymbolizer& operator=(const LibdwSymbolizer&) = delete;

  Symbol find(const core::Module& module, std::uintptr_t address) override {
    Dwfl_Module* const opened = open(module);
    if (opened == nullptr) return {};
    Symbol symbol;
    if (const char* name = libdw_.addrname(opened, address)) symbol.function = demangle(name);
    if (Dwfl_Line* line = libdw_.getsrc(opened, address)) {
      const char* const file = libdw_.lineinfo(line, nullptr, &symbol.line, nullptr, nullptr, nullptr);
      if (file != nullptr) symbol.file = file;
    }
    return symbol;
  }

 private:
  struct Opened {
    Dwfl* session = nullptr;
    Dwfl_Module* module = nullptr;  ///< nullptr: cannot be read, or is another file by now
  };

  Dwfl_Module* open(const core::Module& module) {
    const auto [entry, is_new] = opened_.try_emplace({module.base, module.path});
    Opened& opened = entry->second;
    if (!is_new) return opened.module;
    opened.session = libdw_.begin(&callbacks_);
    if (opened.session == nullptr) return nullptr;
    opened.module = libdw_.report_elf(opened.session, module.path.c_str(), module.path.c_str(), -1, module.bias,
                                      /*add_p_vaddr=*/true);
    libdw_.report_end(opened.session, nullptr, nullptr);
    if (opened.module != nullptr && build_id_of(opened.module) != module.build_id) opened.module = nullptr;
    return opened.module;
  }

  std::string build_id_of(Dwfl_Module* module) const {
    const unsigned char* bits = nullptr;
    GElf_Addr address = 0;
    const int length = libdw_.build_id(module, &bits, &address);
    if (length <= 0) return {};
    return core::to_hex(std::as_bytes(std::span(bits, static_cast<std::size_t>(length))));
  }

  const Libdw& libdw_;
  Dwfl_Callbacks callbacks_ = {nullptr, find_no_debuginfo, nullptr, nullptr};
  std::map<std::pair<std::uintptr_t, std::string>, Opened> opened_;
};

}  // namespace

std::unique_ptr<Symbolizer> Symbolizer::create() {
  const Libdw* const libdw = load_libdw();
  return libdw != nullptr ? std::make_unique<LibdwSymbolizer>(*libdw) : make_dladdr_symbolizer();
}

}  // namespace trapline::sdk
