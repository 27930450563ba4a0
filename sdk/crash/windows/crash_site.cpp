#include "sdk/crash/windows/crash_site.h"

#include <windows.h>

#include "sdk/core/windows/thread_name.h"
#include "sdk/crash/crash_note.h"
#include "sdk/stack/windows/library_function.h"

namespace trapline::sdk {
namespace {

constinit CrashSite the_site;

}  // namespace

CrashSite& crash_site() { return the_site; }

void allow_crash_reports(bool is_allowed) { the_site.is_allowed.store(is_allowed); }
void set_thread_scopes_copier(CopyThreadScopes copy) { the_site.copy_thread_scopes.store(copy); }

char* own_crash_memory() { return the_site.is_allowed.load() ? the_site.memory.load() : nullptr; }

void identify_thread(CrashBlock& block) {
  block.thread_id = GetCurrentThreadId();
  block.pid = GetCurrentProcessId();
  block.thread_name = core::thread_name(GetCurrentThread());
}

bool is_in_function(std::uintptr_t address, std::string_view name) { return is_in_library_function(address, name); }

}  // namespace trapline::sdk
