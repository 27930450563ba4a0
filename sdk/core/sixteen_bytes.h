#pragma once

/// Of 16 bytes, which are what is asked for (Places; as bits, the lowest for the first byte). The same class for each
/// kind of processor.

#if defined(__x86_64__)
#include "sdk/core/x86_64/sixteen_bytes.h"
#elif defined(__aarch64__)
#include "sdk/core/aarch64/sixteen_bytes.h"
#else
#include "sdk/core/portable/sixteen_bytes.h"
#endif
