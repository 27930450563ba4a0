# What every target of this project has in common, as functions instead of global flags.

# trapline_defaults(TARGET): language level, warnings, sanitizers, hidden visibility, and include paths from the root, so
# that every include names its room ("sdk/core/result.h").
function(trapline_defaults target)
  set_target_properties(${target} PROPERTIES
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    C_STANDARD 99 C_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                                           -fno-omit-frame-pointer)
  if(TRAPLINE_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(TRAPLINE_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${TRAPLINE_SANITIZE} -fno-sanitize-recover=undefined)
    target_link_options(${target} PRIVATE -fsanitize=${TRAPLINE_SANITIZE})
  endif()
endfunction()

# trapline_product(TARGET): the defaults, and clang-tidy where the preset asks for it. Sources that are compiled together
# are checked together, in a quarter of the time, and then are headers to it.
function(trapline_product target)
  trapline_defaults(${target})
  if(TRAPLINE_CLANG_TIDY)
    find_program(TRAPLINE_CLANG_TIDY_PROGRAM clang-tidy)
    if(TRAPLINE_CLANG_TIDY_PROGRAM)
      set(clang_tidy "${TRAPLINE_CLANG_TIDY_PROGRAM};--quiet;--warnings-as-errors=*")
      if(CMAKE_UNITY_BUILD)
        list(APPEND clang_tidy "--header-filter=(sdk|collector)/.*\\.(h|hpp|cpp)$" "--checks=-bugprone-suspicious-include")
      endif()
      set_target_properties(${target} PROPERTIES CXX_CLANG_TIDY "${clang_tidy}")
    else()
      message(WARNING "clang-tidy is not installed: product code is compiled without it (sh cmake/bootstrap.sh installs it)")
    endif()
  endif()
endfunction()

# trapline_room(NAME SOURCES … LINKS …): one folder of the house as a static library.
function(trapline_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} STATIC ${ROOM_SOURCES})
  trapline_product(${name})
  target_link_libraries(${name} PUBLIC ${ROOM_LINKS})
endfunction()
