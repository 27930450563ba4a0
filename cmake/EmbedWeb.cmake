# trapline_embed_web(TARGET): builds the dashboard (collector/web) and compiles its files into TARGET as web_assets().
# Without TRAPLINE_BUILD_WEB the table is empty, and the collector says so in the browser.
function(trapline_embed_web target)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/web_assets.cpp)
  if(NOT TRAPLINE_BUILD_WEB)
    file(GENERATE OUTPUT ${generated} CONTENT
      "#include \"collector/http/web_assets.h\"\nstd::span<const trapline::collector::WebAsset> trapline::collector::web_assets() { return {}; }\n")
    target_sources(${target} PRIVATE ${generated})
    return()
  endif()
  find_program(NPM npm REQUIRED)
  # One build serves every preset: it stands beside their folders.
  set(output ${PROJECT_SOURCE_DIR}/build/web)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/collector/web/src/* ${PROJECT_SOURCE_DIR}/collector/web/public/*)
  file(GLOB settings CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/collector/web/*.json ${PROJECT_SOURCE_DIR}/collector/web/*.ts
       ${PROJECT_SOURCE_DIR}/collector/web/*.html)
  add_custom_command(
    OUTPUT ${generated} ${CMAKE_CURRENT_BINARY_DIR}/web_assets.S
    COMMAND sh ${PROJECT_SOURCE_DIR}/cmake/build_web.sh ${output}
    COMMAND ${CMAKE_COMMAND} -DDIST=${output}/dist -DOUTPUT=${CMAKE_CURRENT_BINARY_DIR}
            -P ${PROJECT_SOURCE_DIR}/cmake/generate_web_assets.cmake
    DEPENDS ${sources} ${settings} ${PROJECT_SOURCE_DIR}/collector/http/openapi.json
            ${PROJECT_SOURCE_DIR}/cmake/build_web.sh ${PROJECT_SOURCE_DIR}/cmake/generate_web_assets.cmake
    COMMENT "Building the dashboard"
    VERBATIM)
  target_sources(${target} PRIVATE ${generated} ${CMAKE_CURRENT_BINARY_DIR}/web_assets.S)
  set_source_files_properties(${CMAKE_CURRENT_BINARY_DIR}/web_assets.S PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endfunction()
