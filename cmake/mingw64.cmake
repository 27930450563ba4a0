# Cross-compiles for 64-bit Windows with Debian's mingw-w64, and runs what was built under wine:
#   sh cmake/cross_libraries.sh mingw64 && cmake --preset windows && cmake --build --preset windows
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
get_filename_component(TRAPLINE_CROSS ${CMAKE_CURRENT_LIST_DIR}/../build/cross/mingw64 ABSOLUTE)
set(CMAKE_FIND_ROOT_PATH ${TRAPLINE_CROSS} /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_PREFIX_PATH ${TRAPLINE_CROSS})
set(ENV{PKG_CONFIG_LIBDIR} ${TRAPLINE_CROSS}/lib/pkgconfig)
# Programs start without the compiler's libraries beside them, also those that CMake tries.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -Wl,--build-id")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-static -Wl,--build-id")
set(CMAKE_CROSSCOMPILING_EMULATOR wine)
