#include "sdk/client/host_facts.h"

#include <array>
#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>

#include <mach-o/dyld.h>
#include <mach/mach.h>
#include <sys/sysctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sdk/client/macos/system_value.h"
#include "sdk/core/json_writer.h"
#include "sdk/core/timestamp.h"

namespace trapline::sdk {
namespace {

core::UnixMillis to_millis(const timeval& time) { return std::int64_t{time.tv_sec} * 1'000 + time.tv_usec / 1'000; }

std::string os_context(const utsname& names) {
  core::JsonWriter json;
  json.begin_object().key("name").text("macOS");
  json.optional_text("version", system_text("kern.osproductversion"));
  json.optional_text("build", system_text("kern.osversion"));
  json.key("kernel_version").text(names.release);
  return json.end_object().take();
}

std::optional<std::int64_t> free_memory() {
  vm_statistics64_data_t counters{};
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  const mach_port_t host = mach_host_self();
  const kern_return_t result =
      host_statistics64(host, HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&counters), &count);
  mach_port_deallocate(mach_task_self(), host);
  if (result != KERN_SUCCESS) return std::nullopt;
  return static_cast<std::int64_t>(counters.free_count) * sysconf(_SC_PAGESIZE);
}

std::string device_context(const utsname& names) {
  core::JsonWriter json;
  json.begin_object().key("arch").text(names.machine);
  json.optional_text("model", system_text("hw.model"));
  json.optional_text("cpu_description", system_text("machdep.cpu.brand_string"));
  json.key("processor_count").number(sysconf(_SC_NPROCESSORS_ONLN));
  if (const auto bytes = system_number("hw.memsize")) json.key("memory_size").number(*bytes);
  if (const auto bytes = free_memory()) json.key("free_memory").number(*bytes);
  timeval boot{};
  std::size_t size = sizeof boot;
  if (sysctlbyname("kern.boottime", &boot, &size, nullptr, 0) == 0) {
    json.key("boot_time").text(core::format_timestamp(to_millis(boot)));
  }
  return json.end_object().take();
}

std::optional<core::UnixMillis> process_start() {
  std::array<int, 4> name = {CTL_KERN, KERN_PROC, KERN_PROC_PID, getpid()};
  kinfo_proc process{};
  std::size_t size = sizeof process;
  if (sysctl(name.data(), name.size(), &process, &size, nullptr, 0) != 0 || size == 0) return std::nullopt;
  return to_millis(
      process.kp_proc.p_starttime);  // NOLINT(cppcoreguidelines-pro-type-union-access): the system's struct
}

std::filesystem::path executable() {
  std::array<char, 4'096> path{};
  auto size = static_cast<std::uint32_t>(path.size());
  if (_NSGetExecutablePath(path.data(), &size) != 0) return {};
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path.data(), error);
  return error ? std::filesystem::path(path.data()) : real;
}

std::string app_context() {
  core::JsonWriter json;
  json.begin_object();
  if (const auto start = process_start()) json.key("app_start_time").text(core::format_timestamp(*start));
  const std::filesystem::path program = executable();
  json.optional_text("app_name", program.filename().string()).optional_text("executable", program.string());
  json.key("process_id").number(getpid());
  return json.end_object().take();
}

std::string culture_context() {
  core::JsonWriter json;
  json.begin_object();
  // NOLINTBEGIN(concurrency-mt-unsafe): read once, while the program starts
  const char* const locale = std::setlocale(LC_ALL, nullptr);
  if (locale != nullptr) json.key("locale").text(locale);
  if (const char* const language = std::getenv("LANG")) json.optional_text("language", language);
  // NOLINTEND(concurrency-mt-unsafe)
  std::error_code error;
  const std::string link = std::filesystem::read_symlink("/etc/localtime", error).string();
  constexpr std::string_view kFolder = "zoneinfo/";
  const std::size_t at = link.find(kFolder);
  if (at != std::string::npos) json.optional_text("timezone", link.substr(at + kFolder.size()));
  return json.end_object().take();
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
  return facts;
}

}  // namespace trapline::sdk
