# Installs libtrapline so that other projects find it: headers, both libraries, a CMake package, a pkg-config file.
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/trapline)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/sdk/include/trapline DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS trapline trapline_static EXPORT trapline-targets)
# The helper and what it runs belong beside each other; the library looks for them there.
if(platform_has_crash_helper)
  install(TARGETS trapline-crash-helper trapline-crash-deliver)
endif()
if(TRAPLINE_BUILD_TOOLS)
  install(TARGETS trapline-symbols)
endif()
install(EXPORT trapline-targets NAMESPACE trapline:: DESTINATION ${package_folder})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/trapline-config.cmake.in
  ${PROJECT_BINARY_DIR}/trapline-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/trapline-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/trapline-config.cmake ${PROJECT_BINARY_DIR}/trapline-config-version.cmake
  DESTINATION ${package_folder})

# What the static library needs besides itself; the shared one brings it along.
set(private_packages "re2 zlib")
file(RELATIVE_PATH prefix_from_pkgconfig /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/trapline.pc.in ${PROJECT_BINARY_DIR}/trapline.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/trapline.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
