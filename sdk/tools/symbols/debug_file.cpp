#include "sdk/tools/symbols/debug_file.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include "sdk/core/hex.h"

namespace trapline::tools {
namespace {

struct EndElf {
  void operator()(Elf* elf) const { elf_end(elf); }
};

std::string architecture_name(int machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86_64";
    case EM_386:
      return "x86";
    case EM_AARCH64:
      return "aarch64";
    case EM_ARM:
      return "arm";
    case EM_RISCV:
      return "riscv";
    default:
      return "machine " + std::to_string(machine);
  }
}

/// The build id among the notes of a section (elf(5), "Notes").
std::string find_build_id(Elf_Data& data) {
  constexpr std::string_view kOwner{"GNU\0", 4};
  GElf_Nhdr note{};
  std::size_t name = 0;
  std::size_t content = 0;
  for (std::size_t at = 0; (at = gelf_getnote(&data, at, &note, &name, &content)) > 0;) {
    const auto* const bytes = static_cast<const char*>(data.d_buf);
    const bool is_gnu = note.n_namesz == kOwner.size() && std::string_view(bytes + name, kOwner.size()) == kOwner;
    if (!is_gnu || note.n_type != NT_GNU_BUILD_ID) continue;
    return core::to_hex(std::as_bytes(std::span(bytes + content, note.n_descsz)));
  }
  return {};
}

/// Takes what one section tells.
void read_section(Elf* elf, Elf_Scn* section, std::size_t names, DebugFile& file, bool& has_code) {
  GElf_Shdr header{};
  if (gelf_getshdr(section, &header) == nullptr) return;
  const char* const raw_name = elf_strptr(elf, names, header.sh_name);
  const std::string_view name = raw_name != nullptr ? raw_name : "";
  const bool is_there = header.sh_type != SHT_NOBITS;
  if (header.sh_type == SHT_NOTE && is_there && file.build_id.empty()) {
    if (Elf_Data* const data = elf_getdata(section, nullptr)) file.build_id = find_build_id(*data);
  }
  if (name == ".debug_info" || name == ".zdebug_info") file.has_debug_information = is_there;
  if (header.sh_type == SHT_SYMTAB) file.has_symbols = true;
  if ((name == ".eh_frame" || name == ".debug_frame") && is_there) file.has_unwind_tables = true;
  if (name == ".text") has_code = is_there;
  if (name == ".gnu_debuglink" && is_there) {
    const Elf_Data* const data = elf_getdata(section, nullptr);
    if (data != nullptr && data->d_size > 0) {
      const auto* const text = static_cast<const char*>(data->d_buf);
      file.debug_link.assign(text, strnlen(text, data->d_size));
    }
  }
}

bool has_interpreter(Elf* elf) {
  std::size_t count = 0;
  elf_getphdrnum(elf, &count);
  for (std::size_t index = 0; index < count; ++index) {
    GElf_Phdr segment{};
    if (gelf_getphdr(elf, static_cast<int>(index), &segment) != nullptr && segment.p_type == PT_INTERP) return true;
  }
  return false;
}

std::string kind_of(Elf* elf, int type, bool has_code) {
  if (type == ET_REL) return "object";
  if (!has_code) return "debug information";
  return type == ET_EXEC || has_interpreter(elf) ? "program" : "library";
}

}  // namespace

core::Result<DebugFile> inspect(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return core::Error{"not_found",
                       "cannot read '" + path + "': " + std::strerror(errno)};  // NOLINT(concurrency-mt-unsafe)
  }
  elf_version(EV_CURRENT);
  const std::unique_ptr<Elf, EndElf> elf(elf_begin(descriptor, ELF_C_READ, nullptr));
  GElf_Ehdr header{};
  const bool is_elf = elf && elf_kind(elf.get()) == ELF_K_ELF && gelf_getehdr(elf.get(), &header) != nullptr;
  if (!is_elf) {
    close(descriptor);
    return core::Error{"not_elf", "'" + path + "' is no program, library or file of debug information (ELF)"};
  }
  DebugFile file;
  file.path = path;
  file.architecture = architecture_name(header.e_machine);
  std::size_t names = 0;
  elf_getshdrstrndx(elf.get(), &names);
  bool has_code = false;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf.get(), section)) != nullptr;) {
    read_section(elf.get(), section, names, file, has_code);
  }
  file.kind = kind_of(elf.get(), header.e_type, has_code);
  close(descriptor);
  return file;
}

}  // namespace trapline::tools
