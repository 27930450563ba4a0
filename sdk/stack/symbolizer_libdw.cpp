/// libdw is loaded when the first stack is read: linking it would cost every program 0.3 ms at its start.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>

#include "sdk/core/hex.h"
#include "sdk/core/loaded_library.h"
#include "sdk/stack/demangle.h"
#include "sdk/stack/module_list.h"
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
  decltype(&::dwfl_module_addrdie) addrdie = nullptr;
  decltype(&::dwarf_getscopes) getscopes = nullptr;
  decltype(&::dwarf_getscopes_die) getscopes_die = nullptr;
  decltype(&::dwarf_tag) tag = nullptr;
  decltype(&::dwarf_diename) diename = nullptr;
  decltype(&::dwarf_attr_integrate) attr_integrate = nullptr;
  decltype(&::dwarf_attr) attr = nullptr;
  decltype(&::dwarf_formstring) formstring = nullptr;
  decltype(&::dwarf_formudata) formudata = nullptr;
  decltype(&::dwarf_getsrcfiles) getsrcfiles = nullptr;
  decltype(&::dwarf_filesrc) filesrc = nullptr;
};

/// nullptr when it is not installed. Never unloaded.
const Libdw* load_libdw() {
  const std::lock_guard loading(core::loading_mutex());
  static const Libdw* const kLibdw = []() -> const Libdw* {
    static Libdw functions;
    core::LoadedLibrary library({"libdw.so.1"});
    library.find(functions.begin, "dwfl_begin");
    library.find(functions.end, "dwfl_end");
    library.find(functions.report_elf, "dwfl_report_elf");
    library.find(functions.report_end, "dwfl_report_end");
    library.find(functions.build_id, "dwfl_module_build_id");
    library.find(functions.addrname, "dwfl_module_addrname");
    library.find(functions.getsrc, "dwfl_module_getsrc");
    library.find(functions.lineinfo, "dwfl_lineinfo");
    library.find(functions.addrdie, "dwfl_module_addrdie");
    library.find(functions.getscopes, "dwarf_getscopes");
    library.find(functions.getscopes_die, "dwarf_getscopes_die");
    library.find(functions.tag, "dwarf_tag");
    library.find(functions.diename, "dwarf_diename");
    library.find(functions.attr_integrate, "dwarf_attr_integrate");
    library.find(functions.attr, "dwarf_attr");
    library.find(functions.formstring, "dwarf_formstring");
    library.find(functions.formudata, "dwarf_formudata");
    library.find(functions.getsrcfiles, "dwarf_getsrcfiles");
    library.find(functions.filesrc, "dwarf_filesrc");
    return library.is_complete() ? &functions : nullptr;
  }();
  return kLibdw;
}

/// libdwfl asks here for debug information that is not in the module. Its own answer may ask a server on the network
/// (debuginfod), which an SDK must not do: the usual places on this machine are looked at, and the file there must have
/// the module's build id. Answers an open file, -1 when there is none.
int find_debuginfo(Dwfl_Module*, void**, const char* /*name*/, Dwarf_Addr, const char* module_path,
                   const char* debuglink, GElf_Word, char** path_found) {
  if (module_path == nullptr) return -1;
  const std::string path = module_path;
  // The system's libraries tell their functions' names without; theirs would take 10 MB of memory for lines that nobody
  // of the app's looks at.
  if (path.starts_with("/usr/lib/") || path.starts_with("/lib/") || path.starts_with("/lib64/")) return -1;
  const std::string build_id = read_build_id(path);
  if (build_id.size() < 3) return -1;
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  std::vector<std::string> places = {
      "/usr/lib/debug/.build-id/" + build_id.substr(0, 2) + "/" + build_id.substr(2) + ".debug", path + ".debug"};
  if (debuglink != nullptr && *debuglink != '\0') {
    places.push_back(folder + debuglink);
    places.push_back(folder + ".debug/" + debuglink);
  }
  for (const std::string& place : places) {
    if (place == path || read_build_id(place) != build_id) continue;
    const int file = open(place.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    *path_found = strdup(place.c_str());  // libdwfl frees it
    return file;
  }
  return -1;
}

/// Where code and where data begins, on Arm: "$x", "$d", "$x.1" (ELF for the Arm 64-bit Architecture, "Mapping
/// symbols"). Code of the linker's own has no other name.
bool is_mapping_symbol(std::string_view name) {
  return name.size() >= 2 && name[0] == '$' && std::string_view("adtx").find(name[1]) != std::string_view::npos &&
         (name.size() == 2 || name[2] == '.');
}

struct FreeDies {
  void operator()(void* memory) const { std::free(memory); }
};

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

  std::vector<Symbol> find(const core::Module& module, std::uintptr_t address) override {
    Dwfl_Module* const opened = open_module(module);
    if (opened == nullptr) return {};
    Symbol symbol;
    if (Dwfl_Line* line = libdw_.getsrc(opened, address)) {
      const char* const file = libdw_.lineinfo(line, nullptr, &symbol.line, nullptr, nullptr, nullptr);
      if (file != nullptr) symbol.file = file;
    }
    // What is known so far is of the innermost function; each that is put into another says where that is.
    std::vector<Symbol> symbols = find_inlined(opened, address, symbol);
    const char* const name = libdw_.addrname(opened, address);
    if (name != nullptr && !is_mapping_symbol(name)) symbol.function = demangle(name);
    symbols.push_back(std::move(symbol));
    return symbols;
  }

 private:
  /// The functions that are inlined at an address, innermost first. Leaves in `symbol` the place in the function that
  /// holds them.
  std::vector<Symbol> find_inlined(Dwfl_Module* module, std::uintptr_t address, Symbol& symbol) const {
    std::vector<Symbol> inlined;
    Dwarf_Addr bias = 0;
    Dwarf_Die* const unit = libdw_.addrdie(module, address, &bias);
    if (unit == nullptr) return inlined;
    Dwarf_Die* raw = nullptr;
    const int around = libdw_.getscopes(unit, address - bias, &raw);
    const std::unique_ptr<Dwarf_Die, FreeDies> innermost(raw);
    if (around <= 0) return inlined;
    Dwarf_Die* raw_scopes = nullptr;
    const int count = libdw_.getscopes_die(innermost.get(), &raw_scopes);
    const std::unique_ptr<Dwarf_Die, FreeDies> scopes(raw_scopes);
    for (Dwarf_Die& scope : std::span(raw_scopes, static_cast<std::size_t>(std::max(count, 0)))) {
      if (libdw_.tag(&scope) != DW_TAG_inlined_subroutine) continue;
      symbol.function = name_of(scope);
      inlined.push_back(std::exchange(symbol, place_of_call(*unit, scope)));
    }
    return inlined;
  }

  std::string name_of(Dwarf_Die& function) const {
    Dwarf_Attribute attribute{};
    if (libdw_.attr_integrate(&function, DW_AT_linkage_name, &attribute) != nullptr) {
      if (const char* name = libdw_.formstring(&attribute)) return demangle(name);
    }
    const char* const name = libdw_.diename(&function);
    return name != nullptr ? name : "";
  }

  Symbol place_of_call(Dwarf_Die& unit, Dwarf_Die& inlined) const {
    Symbol place;
    Dwarf_Attribute attribute{};
    Dwarf_Word number = 0;
    const auto read = [&](unsigned name) {
      return libdw_.attr(&inlined, name, &attribute) != nullptr && libdw_.formudata(&attribute, &number) == 0;
    };
    if (read(DW_AT_call_line)) place.line = static_cast<int>(number);
    Dwarf_Files* files = nullptr;
    std::size_t count = 0;
    const bool has_file = read(DW_AT_call_file) && libdw_.getsrcfiles(&unit, &files, &count) == 0 && number < count;
    const char* const path = has_file ? libdw_.filesrc(files, number, nullptr, nullptr) : nullptr;
    if (path != nullptr) place.file = path;
    return place;
  }

  struct Opened {
    Dwfl* session = nullptr;
    Dwfl_Module* module = nullptr;  ///< nullptr: cannot be read, or is another file by now
  };

  Dwfl_Module* open_module(const core::Module& module) {
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
  Dwfl_Callbacks callbacks_ = {nullptr, find_debuginfo, nullptr, nullptr};
  std::map<std::pair<std::uintptr_t, std::string>, Opened> opened_;
};

}  // namespace

std::unique_ptr<Symbolizer> Symbolizer::create() {
  const Libdw* const libdw = load_libdw();
  return libdw != nullptr ? std::make_unique<LibdwSymbolizer>(*libdw) : make_dladdr_symbolizer();
}

}  // namespace trapline::sdk
