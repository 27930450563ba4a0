#include "sdk/delivery/signature.h"

#include <array>
#include <cstddef>
#include <span>

#include "sdk/core/hex.h"
#include "sdk/core/loaded_library.h"
#include "sdk/core/random.h"

namespace trapline::sdk {
namespace {

/// libsodium's documented sizes and signatures; its headers are not needed for three functions.
constexpr std::size_t kMacBytes = 32;
constexpr std::size_t kStateBytes = 1'024;  // crypto_auth_hmacsha256_statebytes() is 208

struct SodiumLibrary {
  int (*init)(void*, const unsigned char*, std::size_t) = nullptr;
  int (*update)(void*, const unsigned char*, unsigned long long) = nullptr;
  int (*final)(void*, unsigned char*) = nullptr;
};

const SodiumLibrary* load_sodium() {
  const std::lock_guard loading(core::loading_mutex());
  static const SodiumLibrary* const kLoaded = []() -> const SodiumLibrary* {
    static SodiumLibrary sodium;
    for (const char* name : {"libsodium.so.23", "libsodium.so.26", "libsodium.so"}) {
      core::LoadedLibrary library(name);
      library.find(sodium.init, "crypto_auth_hmacsha256_init");
      library.find(sodium.update, "crypto_auth_hmacsha256_update");
      library.find(sodium.final, "crypto_auth_hmacsha256_final");
      if (library.is_complete()) return &sodium;
    }
    return nullptr;
  }();
  return kLoaded;
}

}  // namespace

std::string signature_header(std::string_view secret, std::string_view body, std::int64_t unix_seconds) {
  const SodiumLibrary* const sodium = load_sodium();
  if (sodium == nullptr) return {};
  const std::string time = std::to_string(unix_seconds);
  const std::string nonce = core::random_hex(16);
  alignas(64) std::array<unsigned char, kStateBytes> state{};
  const auto bytes = [](std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); };
  sodium->init(state.data(), bytes(secret), secret.size());
  for (const std::string_view part :
       {std::string_view(time), std::string_view("."), std::string_view(nonce), std::string_view("."), body}) {
    sodium->update(state.data(), bytes(part), part.size());
  }
  std::array<unsigned char, kMacBytes> mac{};
  sodium->final(state.data(), mac.data());
  return "X-Trapline-Signature: t=" + time + ",n=" + nonce + ",v1=" + core::to_hex(std::as_bytes(std::span(mac)));
}

}  // namespace trapline::sdk
