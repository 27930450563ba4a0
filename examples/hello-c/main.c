/**
 * Reports errors of a C program: a message, and an error with its cause.
 *
 *     TRAPLINE_DSN=http://<key>@127.0.0.1:8790/1 ./hello-c
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trapline/trapline.h>

/** Opens a file that is not there, and reports why that failed with what it was for. */
static int load_config(const char* path) {
  FILE* file = fopen(path, "r");
  if (file != NULL) {
    fclose(file);
    return 0;
  }
  const trapline_exception chain[] = {
      {"ConfigError", "the configuration cannot be loaded", 0},
      {"SystemError", strerror(errno), 0},
  };
  char event_id[TRAPLINE_EVENT_ID_SIZE] = "";
  trapline_capture_exception(chain, sizeof chain / sizeof chain[0], event_id);
  printf("A file is missing: event %s\n", event_id);
  return -1;
}

int main(void) {
  trapline_options options = TRAPLINE_OPTIONS_INIT;
  options.dsn = getenv("TRAPLINE_DSN");
  options.release = "hello-c@1.0.0";
  options.environment = "example";
  if (trapline_init(&options) != TRAPLINE_OK) {
    fprintf(stderr, "hello-c: %s\nSet TRAPLINE_DSN to the DSN of a project.\n", trapline_last_error());
    return 2;
  }
  const trapline_user user = {"7", NULL, "yann", NULL};
  trapline_set_user(&user);
  trapline_set_tag("component", "config");
  const trapline_breadcrumb breadcrumb = {"default", "start", "reading the configuration", TRAPLINE_LEVEL_INFO, NULL};
  trapline_add_breadcrumb(&breadcrumb);

  if (load_config("/nowhere/hello-c.conf") != 0) {
    char event_id[TRAPLINE_EVENT_ID_SIZE] = "";
    trapline_capture_message(TRAPLINE_LEVEL_WARNING, "going on with the built-in configuration", event_id);
    printf("It goes on without: event %s\n", event_id);
  }

  if (trapline_shutdown(5000) != TRAPLINE_OK) {
    fprintf(stderr, "hello-c: %s\n", trapline_last_error());
    return 1;
  }
  printf("All events were sent.\n");
  return 0;
}
