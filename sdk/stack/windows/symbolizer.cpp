#include "sdk/stack/symbolizer.h"

#include <array>
#include <map>
#include <utility>

#include <windows.h>
#include <dbghelp.h>

#include "sdk/core/loaded_library.h"
#include "sdk/core/windows/wide_text.h"
#include "sdk/stack/demangle.h"
#include "sdk/stack/module_list.h"
#include "sdk/stack/windows/coff_symbols.h"

namespace trapline::sdk {
namespace {

/// The functions of dbghelp.dll that are used. They are not thread-safe, and the app may use them, too: ours work on a
/// handle of the process that is no one else's, on one thread.
struct Dbghelp {
  decltype(&::SymInitializeW) initialize = nullptr;
  decltype(&::SymCleanup) cleanup = nullptr;
  decltype(&::SymLoadModuleExW) load_module = nullptr;
  decltype(&::SymFromAddrW) from_address = nullptr;
  decltype(&::SymGetLineFromAddrW64) line_from_address = nullptr;
};

const Dbghelp* load_dbghelp() {
  const std::lock_guard loading(core::loading_mutex());
  static const Dbghelp* const kLoaded = []() -> const Dbghelp* {
    static Dbghelp functions;
    core::LoadedLibrary library({"dbghelp.dll"});
    library.find(functions.initialize, "SymInitializeW");
    library.find(functions.cleanup, "SymCleanup");
    library.find(functions.load_module, "SymLoadModuleExW");
    library.find(functions.from_address, "SymFromAddrW");
    library.find(functions.line_from_address, "SymGetLineFromAddrW64");
    return library.is_complete() ? &functions : nullptr;
  }();
  return kLoaded;
}

/// wine's SymCleanup() (seen in 8.0) frees pointers it never set for a module whose .pdb is not there, and ends the
/// program with them.
bool can_clean_up() {
  HMODULE const ntdll = GetModuleHandleW(L"ntdll.dll");
  return ntdll == nullptr || GetProcAddress(ntdll, "wine_get_version") == nullptr;
}

/// Names from the COFF symbol table where there is one, else from what dbghelp finds: debug information (.pdb), or the
/// functions that a library exports. Lines from dbghelp.
class WindowsSymbolizer final : public Symbolizer {
 public:
  WindowsSymbolizer() {
    if (dbghelp_ == nullptr) return;
    HANDLE const self = GetCurrentProcess();
    if (DuplicateHandle(self, self, self, &process_, 0, FALSE, DUPLICATE_SAME_ACCESS) == 0) process_ = nullptr;
    if (process_ != nullptr && dbghelp_->initialize(process_, nullptr, FALSE) == 0) close();
  }
  ~WindowsSymbolizer() override {
    if (process_ == nullptr) return;
    if (!can_clean_up()) return;
    dbghelp_->cleanup(process_);
    close();
  }
  WindowsSymbolizer(const WindowsSymbolizer&) = delete;
  WindowsSymbolizer& operator=(const WindowsSymbolizer&) = delete;

  std::vector<Symbol> find(const core::Module& module, std::uintptr_t address) override {
    const ModuleSymbols& symbols = symbols_of(module);
    if (!symbols.is_same_file) return {};
    Symbol symbol;
    symbol.function = demangle(symbols.coff.name_at(address - module.base).c_str());
    if (process_ != nullptr) {
      if (symbol.function.empty()) symbol.function = name_by_dbghelp(address);
      IMAGEHLP_LINEW64 line{};
      line.SizeOfStruct = sizeof line;
      DWORD displacement = 0;
      if (dbghelp_->line_from_address(process_, address, &displacement, &line) != 0) {
        symbol.file = core::narrow(line.FileName);
        symbol.line = static_cast<int>(line.LineNumber);
      }
    }
    const bool is_known = !symbol.function.empty() || symbol.line != 0;
    return is_known ? std::vector<Symbol>{std::move(symbol)} : std::vector<Symbol>{};
  }

 private:
  struct ModuleSymbols {
    bool is_same_file;  ///< as was in the process
    CoffSymbols coff;
  };

  const ModuleSymbols& symbols_of(const core::Module& module) {
    const auto found = modules_.find(module.base);
    if (found != modules_.end()) return found->second;
    const auto file = read_module_file(module.path, module.base, module.base + module.size);
    const bool is_same = file && file->build_id == module.build_id && file->code_id == module.code_id;
    if (is_same && process_ != nullptr) {
      dbghelp_->load_module(process_, nullptr, core::widen(module.path).c_str(), nullptr, module.base,
                            static_cast<DWORD>(module.size), nullptr, 0);
    }
    return modules_.emplace(module.base, ModuleSymbols{is_same, CoffSymbols(module.path)}).first->second;
  }

  [[nodiscard]] std::string name_by_dbghelp(std::uintptr_t address) const {
    constexpr std::size_t kLongestName = 2'000;
    alignas(SYMBOL_INFOW) std::array<char, sizeof(SYMBOL_INFOW) + kLongestName * sizeof(wchar_t)> room{};
    auto* const symbol = reinterpret_cast<SYMBOL_INFOW*>(room.data());
    symbol->SizeOfStruct = sizeof(SYMBOL_INFOW);
    symbol->MaxNameLen = kLongestName;
    DWORD64 displacement = 0;
    if (dbghelp_->from_address(process_, address, &displacement, symbol) == 0) return {};
    return demangle(core::narrow({symbol->Name, symbol->NameLen}).c_str());
  }

  void close() { CloseHandle(std::exchange(process_, nullptr)); }

  const Dbghelp* dbghelp_ = load_dbghelp();
  HANDLE process_ = nullptr;
  std::map<std::uintptr_t, ModuleSymbols> modules_;
};

}  // namespace

std::unique_ptr<Symbolizer> Symbolizer::create() { return std::make_unique<WindowsSymbolizer>(); }

}  // namespace trapline::sdk
