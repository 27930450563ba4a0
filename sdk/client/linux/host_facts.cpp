#include "sdk/client/host_facts.h"

#include <array>
#include <clocale>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sdk/client/small_file.h"
#include "sdk/core/json_writer.h"
#include "sdk/core/timestamp.h"

namespace trapline::sdk {
namespace {

constexpr std::int64_t kMilli = 1'000;

std::string os_context(const utsname& names) {
  core::JsonWriter json;
  json.begin_object();
  json.key("name").text(names.sysname).key("version").text(names.release);
  json.key("build").text(names.version).key("kernel_version").text(names.release);
  json.optional_text("distribution_name", value_in("/etc/os-release", "ID=", '='));
  json.optional_text("distribution_version", value_in("/etc/os-release", "VERSION_ID=", '='));
  json.optional_text("distribution_pretty_name", value_in("/etc/os-release", "PRETTY_NAME=", '='));
  return json.end_object().take();
}

std::string device_context(const utsname& names) {
  core::JsonWriter json;
  json.begin_object().key("arch").text(names.machine);
  json.optional_text("cpu_description", value_in("/proc/cpuinfo", "model name", ':'));
  json.key("processor_count").number(sysconf(_SC_NPROCESSORS_ONLN));
  struct sysinfo memory {};
  if (sysinfo(&memory) == 0) {
    const auto bytes = [&](unsigned long units) { return static_cast<std::int64_t>(units) * memory.mem_unit; };
    json.key("memory_size").number(bytes(memory.totalram)).key("free_memory").number(bytes(memory.freeram));
    const std::int64_t boot = (std::time(nullptr) - memory.uptime) * kMilli;
    json.key("boot_time").text(core::format_timestamp(boot));
  }
  return json.end_object().take();
}

/// When the process began: field 22 of /proc/self/stat, in clock ticks since the machine did (proc(5)).
std::optional<core::UnixMillis> process_start() {
  const std::string stat = first_line("/proc/self/stat");
  const std::size_t after_name = stat.rfind(')');  // the name may hold anything
  if (after_name == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(after_name + 1));
  std::string field;
  constexpr int kStartField = 22 - 2;
  for (int number = 0; number < kStartField; ++number) fields >> field;
  const auto ticks = to_number(field);
  const auto boot = to_number(value_in("/proc/stat", "btime", ' '));
  if (!ticks || !boot) return std::nullopt;
  return *boot * kMilli + *ticks * kMilli / sysconf(_SC_CLK_TCK);
}

std::string app_context() {
  core::JsonWriter json;
  json.begin_object();
  if (const auto start = process_start()) json.key("app_start_time").text(core::format_timestamp(*start));
  std::error_code error;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", error);
  json.optional_text("app_name", executable.filename().string()).optional_text("executable", executable.string());
  json.key("process_id").number(getpid());
  return json.end_object().take();
}

std::string culture_context() {
  core::JsonWriter json;
  json.begin_object();
  // NOLINTBEGIN(concurrency-mt-unsafe): read once, while the program starts
  const char* locale = std::setlocale(LC_ALL, nullptr);
  if (locale != nullptr) json.key("locale").text(locale);
  if (const char* language = std::getenv("LANG")) json.optional_text("language", language);
  // NOLINTEND(concurrency-mt-unsafe)
  std::string zone = first_line("/etc/timezone");
  if (zone.empty()) {
    std::error_code error;
    const std::string link = std::filesystem::read_symlink("/etc/localtime", error).string();
    constexpr std::string_view kFolder = "zoneinfo/";
    const std::size_t at = link.find(kFolder);
    if (at != std::string::npos) zone = link.substr(at + kFolder.size());
  }
  json.optional_text("timezone", zone);
  return json.end_object().take();
}

/// Limits of the cgroup (version 2, then 1), as containers have them. Empty when there are none.
std::string container_context() {
  const std::string own = first_line("/proc/self/cgroup");
  const std::filesystem::path top = "/sys/fs/cgroup";
  const std::filesystem::path folder = top.string() + own.substr(std::min(own.size(), own.rfind(':') + 1));
  const auto limit = [&](const std::string& name, const std::string& old_path) {
    for (const std::filesystem::path& path : {folder / name, top / name, std::filesystem::path(old_path)}) {
      std::string line = first_line(path);
      if (!line.empty()) return line;
    }
    return std::string();
  };
  core::JsonWriter json;
  json.begin_object();
  bool has_limit = false;
  constexpr std::int64_t kNoLimit = std::int64_t{1} << 60;  // version 1 says "none" by a number near 2^63
  const auto memory = to_number(limit("memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"));
  if (memory && *memory < kNoLimit) {
    json.key("memory_limit").number(*memory);
    has_limit = true;
  }
  // "quota period" in microseconds, or "max period"
  const std::string cpu = limit("cpu.max", "");
  const auto quota = to_number(cpu);
  const auto period = to_number(cpu.substr(std::min(cpu.size(), cpu.find(' ') + 1)));
  if (quota && period && *period > 0) {
    json.key("cpu_limit_percent").number(*quota * 100 / *period);
    has_limit = true;
  }
  return has_limit ? json.end_object().take() : std::string();
}

}  // namespace

core::ProcessFacts read_host_facts() {
  core::ProcessFacts facts;
  utsname names{};
  if (uname(&names) != 0) return facts;
  facts.server_name = names.nodename;
  facts.contexts = {{"os", os_context(names)},
                    {"device", device_context(names)},
                    {"app", app_context()},
                    {"runtime", runtime_context()},
                    {"culture", culture_context()}};
  std::string container = container_context();
  if (!container.empty()) facts.contexts.emplace_back("container", std::move(container));
  return facts;
}

}  // namespace trapline::sdk
