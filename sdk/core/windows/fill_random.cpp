#include <cstdlib>

#include <windows.h>
#include <bcrypt.h>

#include "sdk/core/random.h"

namespace trapline::core {

void fill_random(std::span<std::byte> bytes) {
  const NTSTATUS status = BCryptGenRandom(nullptr, reinterpret_cast<PUCHAR>(bytes.data()),
                                          static_cast<ULONG>(bytes.size()), BCRYPT_USE_SYSTEM_PREFERRED_RNG);
  if (status < 0) std::abort();
}

}  // namespace trapline::core
