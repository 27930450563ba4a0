# Installs the build into a folder of its own, then configures, builds and runs outside projects against it: by
# find_package, and by pkg-config. Called by ctest with BUILD, SOURCE, SANITIZE, GENERATOR, C_COMPILER, CXX_COMPILER.
set(work ${BUILD}/package-test)
set(prefix ${work}/prefix)
file(REMOVE_RECURSE ${work})

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
run(${CMAKE_COMMAND} -S ${SOURCE}/outside -B ${work}/outside -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${prefix}
    -DSANITIZE=${SANITIZE} -DCMAKE_C_COMPILER=${C_COMPILER} -DCMAKE_CXX_COMPILER=${CXX_COMPILER})
run(${CMAKE_COMMAND} --build ${work}/outside)
# What the programs leave undelivered stays here.
set(ENV{TRAPLINE_FOLDER} ${work}/data)
foreach(program IN ITEMS c_shared c_static cpp_shared cpp_static plain static_order_shared static_order_static)
  run(${work}/outside/${program})
endforeach()

file(GLOB_RECURSE pc_file ${prefix}/trapline.pc)
get_filename_component(pc_folder ${pc_file} DIRECTORY)
set(ENV{PKG_CONFIG_PATH} ${pc_folder})
execute_process(COMMAND pkg-config --cflags --libs trapline OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND pkg-config --variable=libdir trapline OUTPUT_VARIABLE libdir OUTPUT_STRIP_TRAILING_WHITESPACE)
separate_arguments(flags UNIX_COMMAND "${flags}")
set(sanitizer)
if(SANITIZE)
  set(sanitizer -fsanitize=${SANITIZE})
endif()
run(${C_COMPILER} -std=c99 ${SOURCE}/outside/main.c -o ${work}/by_pkg_config ${flags} -Wl,-rpath,${libdir} ${sanitizer})
run(${work}/by_pkg_config)

if(NOT SANITIZE)  # a sanitizer's library must be loaded first, so its programs cannot load this one later
  run(${work}/outside/unload ${libdir}/libtrapline.so)
endif()

# Nothing but the interface is visible.
execute_process(COMMAND nm --dynamic --defined-only --format=posix ${libdir}/libtrapline.so
                OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "\n" ";" symbols "${symbols}")
foreach(symbol IN LISTS symbols)
  if(symbol AND NOT symbol MATCHES "^(trapline_|__cxa_throw |__cxa_init_primary_exception |pthread_create )")
    message(FATAL_ERROR "libtrapline.so exports '${symbol}', which is not part of its interface")
  endif()
endforeach()
