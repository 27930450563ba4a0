# What libtrapline has of its own for macOS. The headers are those of the rooms.
set(core_platform core/macos/coarse_clock.cpp core/macos/fill_random.cpp core/macos/this_thread.cpp
    core/posix/file_identity.cpp core/posix/loaded_library.cpp core/posix/process_id.cpp)
set(recorder_platform recorder/macos/file_blocks.cpp recorder/posix/file_calls.cpp recorder/posix/recorder_file.cpp)

# One processor at a time: two builds are joined by lipo(1).
set(processor ${CMAKE_SYSTEM_PROCESSOR})
if(CMAKE_OSX_ARCHITECTURES)
  set(processor ${CMAKE_OSX_ARCHITECTURES})
endif()
if(NOT processor MATCHES "^(arm64|x86_64)$")
  message(FATAL_ERROR "libtrapline is built for arm64 or for x86_64, not for '${processor}'; lipo joins two builds")
endif()

# What runs while all other threads stand still: no lock and no memory of the C library's.
set(handler_platform
  crash/macos/${processor}/machine.cpp crash/macos/crash_note.cpp crash/macos/crash_signal.cpp
  crash/macos/crash_site.cpp crash/macos/crash_writer.cpp crash/macos/exception_message.cpp crash/macos/exception_ports.cpp
  crash/macos/exception_thread.cpp crash/macos/fault.cpp crash/macos/image_lines.cpp crash/macos/thread_list.cpp
  crash/macos/thread_stacks.cpp stack/macos/frame_walk.cpp stack/macos/macho_image.cpp stack/macos/safe_memory.cpp)
set(thread_scope_copy client/macos/thread_scope_copy.cpp)

set(platform
  stack/macos/fast_unwind.cpp stack/macos/module_list.cpp stack/macos/stack_bounds.cpp stack/macos/system_modules.cpp
  stack/macos/symbolizer.cpp stack/macos/throw_hook.cpp
  delivery/curl_transport.cpp delivery/macos/hmac.cpp delivery/macos/make_transport.cpp
  crash/macos/alternate_stack.cpp crash/macos/crash_handler.cpp crash/macos/crash_helper.cpp
  crash/macos/crash_text.cpp crash/macos/late_modules.cpp crash/macos/thread_start.cpp crash/posix/end_signal.cpp
  crash/posix/is_in_function.cpp
  client/macos/default_data_folder.cpp client/macos/host_facts.cpp client/macos/life_signs.cpp
  client/macos/system_value.cpp client/macos/wake_up.cpp client/posix/fork_handlers.cpp
  client/posix/private_folder.cpp client/posix/quiet_thread.cpp)

set(platform_link_depends ${CMAKE_CURRENT_SOURCE_DIR}/exported_symbols_macos.txt)
set(platform_shared_link_options "LINKER:-exported_symbols_list,${platform_link_depends}")
