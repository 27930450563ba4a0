# trapline_embed_web(TARGET): builds the dashboard (collector/web) and puts its files into TARGET as web_assets().
# Without TRAPLINE_BUILD_WEB the table is empty, and the collector says so in the browser.
function(trapline_embed_web target)
  set(table ${CMAKE_CURRENT_BINARY_DIR}/web_assets.cpp)
  if(NOT TRAPLINE_BUILD_WEB)
    file(GENERATE OUTPUT ${table} CONTENT [[
#include "collector/http/web_assets.h"
std::span<const trapline::collector::WebAsset> trapline::collector::web_assets() { return {}; }
]])
    target_sources(${target} PRIVATE ${table})
    return()
  endif()

  find_program(NPM npm)
  if(NOT NPM)
    message(FATAL_ERROR "npm is needed to build the dashboard: sh cmake/bootstrap.sh installs it, or configure with "
                        "-DTRAPLINE_BUILD_WEB=OFF for a collector without one")
  endif()
  set(web ${PROJECT_SOURCE_DIR}/collector/web)
  set(bytes ${CMAKE_CURRENT_BINARY_DIR}/web_assets.S)
  set(output ${PROJECT_SOURCE_DIR}/build/web)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${web}/src/* ${web}/public/*)
  list(FILTER sources EXCLUDE REGEX "schema\\.d\\.ts$")
  add_custom_command(
    OUTPUT ${table} ${bytes}
    COMMAND sh ${PROJECT_SOURCE_DIR}/cmake/build_web.sh ${output}
    COMMAND ${CMAKE_COMMAND} -DDIST=${output}/dist -DOUTPUT=${CMAKE_CURRENT_BINARY_DIR}
            -P ${PROJECT_SOURCE_DIR}/cmake/generate_web_assets.cmake
    DEPENDS ${sources} ${web}/index.html ${web}/package-lock.json ${web}/tsconfig.json ${web}/vite.config.ts
            ${PROJECT_SOURCE_DIR}/collector/http/openapi.json ${PROJECT_SOURCE_DIR}/cmake/build_web.sh
            ${PROJECT_SOURCE_DIR}/cmake/generate_web_assets.cmake
    COMMENT "Building the dashboard"
    VERBATIM)
  # In an object library of its own, as it is generated: our warnings, style checks and sanitizers are not for it.
  add_library(${target}_web_bytes OBJECT ${bytes} ${table})
  target_include_directories(${target}_web_bytes PRIVATE ${PROJECT_SOURCE_DIR})
  set_target_properties(${target}_web_bytes PROPERTIES CXX_STANDARD 20 POSITION_INDEPENDENT_CODE ON)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_web_bytes>)
endfunction()
