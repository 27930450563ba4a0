#include "sdk/recorder/posix/single_pages.h"

#include <sys/mman.h>

namespace trapline::sdk {

void bring_in_single_pages(void* memory, std::size_t bytes) {
  // 13 us for the first page that is touched, instead of 1.6 ms.
  madvise(memory, bytes, MADV_NOHUGEPAGE);
  madvise(memory, bytes, MADV_RANDOM);
}

}  // namespace trapline::sdk
