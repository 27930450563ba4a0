#include <trapline/trapline.h>

int main(void) { return trapline_version() == NULL; }
