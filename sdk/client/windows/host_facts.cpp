#include "sdk/client/host_facts.h"

#include <array>
#include <filesystem>

#include <windows.h>
#include <winternl.h>

#include "sdk/core/json_writer.h"
#include "sdk/core/timestamp.h"
#include "sdk/core/windows/wide_text.h"

namespace trapline::sdk {
namespace {

/// GetVersionEx() lies to programs that name no version in their manifest.
std::string os_context() {
  using GetVersion = NTSTATUS(WINAPI*)(OSVERSIONINFOW*);
  const auto get = reinterpret_cast<GetVersion>(
      reinterpret_cast<void*>(GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "RtlGetVersion")));
  OSVERSIONINFOW version{};
  version.dwOSVersionInfoSize = sizeof version;
  core::JsonWriter json;
  json.begin_object().key("name").text("Windows");
  if (get != nullptr && get(&version) >= 0) {
    json.key("version").text(std::to_string(version.dwMajorVersion) + "." + std::to_string(version.dwMinorVersion) +
                             "." + std::to_string(version.dwBuildNumber));
    json.key("build").text(std::to_string(version.dwBuildNumber));
  }
  return json.end_object().take();
}

std::string device_context() {
  SYSTEM_INFO system{};
  GetNativeSystemInfo(&system);
  core::JsonWriter json;
  json.begin_object();
  switch (system.wProcessorArchitecture) {
    case PROCESSOR_ARCHITECTURE_AMD64:
      json.key("arch").text("x86_64");
      break;
    case PROCESSOR_ARCHITECTURE_ARM64:
      json.key("arch").text("arm64");
      break;
    default:
      break;
  }
  json.key("processor_count").number(static_cast<std::int64_t>(system.dwNumberOfProcessors));
  MEMORYSTATUSEX memory{};
  memory.dwLength = sizeof memory;
  if (GlobalMemoryStatusEx(&memory) != 0) {
    json.key("memory_size").number(static_cast<std::int64_t>(memory.ullTotalPhys));
    json.key("free_memory").number(static_cast<std::int64_t>(memory.ullAvailPhys));
  }
  const core::UnixMillis now = core::system_clock().unix_millis();
  json.key("boot_time").text(core::format_timestamp(now - static_cast<std::int64_t>(GetTickCount64())));
  return json.end_object().take();
}

/// The system counts 100 ns from 1601 on.
core::UnixMillis unix_millis(const FILETIME& time) {
  constexpr std::int64_t kUnitsAMilli = 10'000;
  constexpr std::int64_t kMillisTo1970 = 11'644'473'600'000;
  const std::uint64_t units = (std::uint64_t{time.dwHighDateTime} << 32U) | time.dwLowDateTime;
  return static_cast<std::int64_t>(units) / kUnitsAMilli - kMillisTo1970;
}

std::string app_context() {
  core::JsonWriter json;
  json.begin_object();
  FILETIME started{};
  FILETIME unused{};
  if (GetProcessTimes(GetCurrentProcess(), &started, &unused, &unused, &unused) != 0)
    json.key("app_start_time").text(core::format_timestamp(unix_millis(started)));
  std::array<wchar_t, 32'768> path{};
  const DWORD length = GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size()));
  const std::filesystem::path program(std::wstring(path.data(), length));
  json.optional_text("app_name", core::narrow(program.filename().wstring()));
  json.optional_text("executable", core::narrow(program.wstring()));
  json.key("process_id").number(static_cast<std::int64_t>(GetCurrentProcessId()));
  return json.end_object().take();
}

std::string culture_context() {
  core::JsonWriter json;
  json.begin_object();
  std::array<wchar_t, LOCALE_NAME_MAX_LENGTH> locale{};
  if (GetUserDefaultLocaleName(locale.data(), static_cast<int>(locale.size())) > 0)
    json.key("locale").text(core::narrow(locale.data()));
  DYNAMIC_TIME_ZONE_INFORMATION zone{};
  if (GetDynamicTimeZoneInformation(&zone) != TIME_ZONE_ID_INVALID)
    json.optional_text("timezone", core::narrow(zone.TimeZoneKeyName));
  return json.end_object().take();
}

std::string host_name() {
  std::array<wchar_t, 256> name{};
  auto units = static_cast<DWORD>(name.size());
  const bool is_known = GetComputerNameExW(ComputerNameDnsHostname, name.data(), &units) != 0;
  return is_known ? core::narrow({name.data(), units}) : std::string();
}

}  // namespace

core::ProcessFacts read_host_facts() {
  core::ProcessFacts facts;
  facts.server_name = host_name();
  facts.contexts = {{"os", os_context()},
                    {"device", device_context()},
                    {"app", app_context()},
                    {"runtime", runtime_context()},
                    {"culture", culture_context()}};
  return facts;
}

}  // namespace trapline::sdk
