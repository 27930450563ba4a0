# What libtrapline has of its own for Linux. The headers are those of the rooms.
set(core_platform core/linux/coarse_clock.cpp core/linux/this_thread.cpp core/posix/file_identity.cpp
    core/posix/fill_random.cpp core/posix/loaded_library.cpp core/posix/process_id.cpp)
set(recorder_platform recorder/linux/file_blocks.cpp recorder/linux/single_pages.cpp recorder/posix/file_calls.cpp
    recorder/posix/recorder_file.cpp)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(processor x86_64)
else()
  set(processor aarch64)
endif()
set(minidump crash/helper/minidump.cpp crash/helper/stopped_process.cpp crash/helper/${processor}/dump_machine.cpp)
set(unwinder stack/${processor}/fast_unwind.cpp)
set(machine crash/posix/${processor}/crash_machine.cpp stack/${processor}/context_walk.cpp
    stack/${processor}/unwind_machine.cpp stack/dwarf/rule_cache.cpp stack/dwarf/unwind_rule.cpp)

# Of libcurl, libdw and SQLite only the headers are used: they are loaded when they are needed, since linking them would
# cost every program 5 ms at its start.
if(TRAPLINE_WITH_LIBDW)
  set(symbolizer stack/symbolizer_libdw.cpp)
else()
  set(symbolizer stack/symbolizer_without_libdw.cpp)
endif()

set(thread_start crash/posix/thread_start.cpp)
if(TRAPLINE_SANITIZE MATCHES "thread")
  set(thread_start crash/posix/no_thread_start.cpp)
endif()

# What runs inside a crash handler: tests/crash/symbols_test.sh looks at what these files call.
set(handler_platform
  crash/posix/crash_response.cpp crash/posix/crash_signal.cpp crash/posix/crash_site.cpp crash/posix/crash_writer.cpp
  crash/posix/helper_client.cpp crash/posix/known_file.cpp crash/posix/last_words.cpp
  crash/posix/orphan_recorder.cpp crash/posix/proc_file.cpp crash/posix/safe_memory.cpp crash/posix/thread_stacks.cpp
  stack/linux/context_walk.cpp ${machine})

set(thread_scope_copy client/thread_scope_copy.cpp)

set(platform
  stack/linux/module_list.cpp stack/linux/stack_bounds.cpp stack/linux/system_modules.cpp
  stack/posix/symbolizer_dladdr.cpp stack/posix/throw_hook.cpp
  ${symbolizer} ${unwinder}
  delivery/curl_transport.cpp delivery/plain_transport.cpp delivery/posix/hmac.cpp delivery/posix/make_transport.cpp
  crash/linux/late_modules.cpp
  crash/posix/alternate_stack.cpp crash/posix/crash_helper.cpp crash/posix/crash_text.cpp crash/posix/end_signal.cpp
  crash/posix/is_in_function.cpp crash/posix/signal_handler.cpp ${thread_start}
  client/linux/default_data_folder.cpp client/linux/host_facts.cpp client/linux/life_signs.cpp
  client/linux/wake_up.cpp client/posix/fork_handlers.cpp client/posix/private_folder.cpp
  client/posix/quiet_thread.cpp)

# Templates of the C++ library come out as weak symbols whatever their visibility: the script keeps them in.
set(platform_link_depends ${CMAKE_CURRENT_SOURCE_DIR}/exported_symbols.map)
# Not unloaded by dlclose(): its threads run in it.
set(platform_shared_link_options "LINKER:--version-script=${platform_link_depends}" "LINKER:-z,nodelete"
    "LINKER:-z,now")
set(platform_has_crash_helper ON)
