# What libtrapline has of its own for Windows (64-bit Intel and AMD). The headers are those of the rooms.
set(core_platform core/windows/coarse_clock.cpp core/windows/file_identity.cpp core/windows/fill_random.cpp
    core/windows/loaded_library.cpp core/windows/process_id.cpp core/windows/system_threads.cpp
    core/windows/this_thread.cpp core/windows/thread_name.cpp core/windows/wide_text.cpp)
set(recorder_platform recorder/windows/recorder_file.cpp)
set(handler_platform
  crash/windows/crash_site.cpp crash/windows/crash_thread.cpp crash/windows/crash_writer.cpp
  crash/windows/exception_registers.cpp crash/windows/guarded.cpp crash/windows/module_maps.cpp
  crash/windows/thread_stacks.cpp stack/windows/library_function.cpp stack/windows/stack_walk.cpp)
set(thread_scope_copy client/thread_scope_copy.cpp)
set(platform
  stack/windows/coff_symbols.cpp stack/windows/fast_unwind.cpp stack/windows/module_list.cpp
  stack/windows/pe_image.cpp stack/windows/stack_bounds.cpp stack/windows/symbolizer.cpp
  stack/windows/system_modules.cpp stack/windows/throw_hook.cpp
  delivery/windows/hmac.cpp delivery/windows/make_transport.cpp delivery/windows/winhttp_transport.cpp
  crash/windows/alternate_stack.cpp crash/windows/crash_helper.cpp crash/windows/crash_text.cpp
  crash/windows/end_signal.cpp crash/windows/exception_handler.cpp crash/windows/thread_start.cpp
  client/windows/fork_handlers.cpp client/windows/host_facts.cpp client/windows/life_signs.cpp
  client/windows/private_folder.cpp client/windows/quiet_thread.cpp client/windows/wake_up.cpp)
set(platform_libraries bcrypt psapi ntdll synchronization winhttp)
