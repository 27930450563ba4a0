# Compiles and links for macOS on a machine that is none, against the system's library alone (no frameworks). The compiler and
# the libraries come from:
#   sh cmake/cross_libraries.sh macos-arm64      (or macos-x86_64, with -DTRAPLINE_CROSS_TARGET=macos-x86_64)
# On a Mac nothing of this is needed: its own compiler builds the same files.
set(TRAPLINE_CROSS_TARGET macos-arm64 CACHE STRING "macos-arm64 or macos-x86_64")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TRAPLINE_CROSS_TARGET)
set(cross_folder ${CMAKE_CURRENT_LIST_DIR}/../build/cross/${TRAPLINE_CROSS_TARGET})
get_filename_component(cross_folder ${cross_folder} ABSOLUTE)
if(NOT EXISTS ${cross_folder}/bin/clang++)
  message(FATAL_ERROR "no compiler in ${cross_folder}: sh cmake/cross_libraries.sh ${TRAPLINE_CROSS_TARGET} makes it")
endif()

set(CMAKE_SYSTEM_NAME Darwin)
string(REPLACE macos- "" CMAKE_SYSTEM_PROCESSOR ${TRAPLINE_CROSS_TARGET})
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # the first link builds the C++ library, which takes minutes
set(CMAKE_OSX_SYSROOT "" CACHE STRING "")
set(CMAKE_C_COMPILER ${cross_folder}/bin/clang)
set(CMAKE_CXX_COMPILER ${cross_folder}/bin/clang++)
set(CMAKE_ASM_COMPILER ${cross_folder}/bin/clang)
set(CMAKE_AR ${cross_folder}/bin/ar CACHE FILEPATH "")
set(CMAKE_RANLIB ${cross_folder}/bin/ranlib CACHE FILEPATH "")

set(ENV{PKG_CONFIG_LIBDIR} ${cross_folder}/lib/pkgconfig)
set(CMAKE_FIND_ROOT_PATH ${cross_folder})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
