/* The library is loaded by dlopen(), used, and closed again while its threads run: they must not lose their code. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */

#include <dlfcn.h>
#include <stdio.h>
#include <time.h>
#include <trapline/trapline.h>

typedef trapline_status (*init_function)(const trapline_options*);
typedef trapline_status (*capture_function)(trapline_level, const char*, char*);

int main(int count, char** arguments) {
  void* library = count > 1 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (library == NULL) return 1;
  init_function init;
  capture_function capture;
  *(void**)&init = dlsym(library, "trapline_init");
  *(void**)&capture = dlsym(library, "trapline_capture_message");
  trapline_options options = TRAPLINE_OPTIONS_INIT;
  options.dsn = "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:1/1";
  if (init == NULL || capture == NULL || init(&options) != TRAPLINE_OK) return 2;
  if (capture(TRAPLINE_LEVEL_INFO, "hello", NULL) != TRAPLINE_OK) return 3;
  dlclose(library);
  struct timespec moment = {0, 100 * 1000 * 1000}; /* for the worker to run on */
  nanosleep(&moment, NULL);
  printf("closed\n");
  return 0;
}
