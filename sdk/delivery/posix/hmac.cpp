#include "sdk/delivery/hmac.h"

#include "sdk/core/loaded_library.h"

namespace trapline::sdk {
namespace {

/// libsodium's documented sizes and signatures; its headers are not needed for three functions.
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
    core::LoadedLibrary library({"libsodium.so.23", "libsodium.so.26", "libsodium.so"});
    library.find(sodium.init, "crypto_auth_hmacsha256_init");
    library.find(sodium.update, "crypto_auth_hmacsha256_update");
    library.find(sodium.final, "crypto_auth_hmacsha256_final");
    return library.is_complete() ? &sodium : nullptr;
  }();
  return kLoaded;
}

}  // namespace

std::optional<std::array<std::byte, 32>> hmac_sha256(std::string_view secret, std::span<const std::string_view> parts) {
  const SodiumLibrary* const sodium = load_sodium();
  if (sodium == nullptr) return std::nullopt;
  alignas(64) std::array<unsigned char, kStateBytes> state{};
  const auto bytes = [](std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); };
  sodium->init(state.data(), bytes(secret), secret.size());
  for (const std::string_view part : parts) sodium->update(state.data(), bytes(part), part.size());
  std::array<std::byte, 32> mac{};
  sodium->final(state.data(), reinterpret_cast<unsigned char*>(mac.data()));
  return mac;
}

}  // namespace trapline::sdk
