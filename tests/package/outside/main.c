/* C99 against the installed library: a DSN that is none is refused with a message, everything else answers politely. */
#include <stdio.h>
#include <string.h>
#include <trapline/trapline.h>

int main(void) {
  trapline_options options = TRAPLINE_OPTIONS_INIT;
  options.dsn = "nonsense";
  if (trapline_init(&options) != TRAPLINE_INVALID_ARGUMENT || strlen(trapline_last_error()) == 0) return 1;
  options.dsn = "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:1/1";
  if (trapline_init(&options) != TRAPLINE_OK) return 2;
  if (trapline_capture_message(TRAPLINE_LEVEL_INFO, "hello", NULL) != TRAPLINE_OK) return 3;
  if (trapline_shutdown(0) != TRAPLINE_TIMEOUT) return 4;
  printf("trapline %s\n", trapline_version());
  return 0;
}
