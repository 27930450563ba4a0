#include "collector/accounts/passwords.h"

#include <array>
#include <semaphore>

#include <sodium.h>

namespace trapline::collector {
namespace {

/// Each hash takes 64 MiB, and anyone may ask for one by trying to sign in: two at a time, and as many more waiting as
/// are done within a second.
constexpr int kAtOnce = 2;
constexpr int kWaitingOrRunning = 16;

/// A place among those that compute a hash, held as long as the object lives.
class HashingPlace {
 public:
  HashingPlace() : is_admitted_(admission().try_acquire()) {
    if (is_admitted_) running().acquire();
  }
  ~HashingPlace() {
    if (!is_admitted_) return;
    running().release();
    admission().release();
  }
  HashingPlace(const HashingPlace&) = delete;
  HashingPlace& operator=(const HashingPlace&) = delete;

  [[nodiscard]] bool is_admitted() const { return is_admitted_; }

 private:
  static std::counting_semaphore<kWaitingOrRunning>& admission() {
    static std::counting_semaphore<kWaitingOrRunning> places(kWaitingOrRunning);
    return places;
  }
  static std::counting_semaphore<kAtOnce>& running() {
    static std::counting_semaphore<kAtOnce> places(kAtOnce);
    return places;
  }

  bool is_admitted_;
};

core::Error busy() {
  return {"busy", "too many passwords are being checked at the moment: try again in a few seconds"};
}

core::Result<std::string> hash_in_place(std::string_view password) {
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  const int failed = crypto_pwhash_str(hash.data(), password.data(), password.size(),
                                       crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE);
  if (failed != 0) {
    return core::Error{"out_of_memory", "there is not enough memory to hash a password (64 MiB are needed)"};
  }
  return std::string(hash.data());
}

}  // namespace

core::Result<std::string> hash_password(std::string_view password) {
  const HashingPlace place;
  if (!place.is_admitted()) return busy();
  return hash_in_place(password);
}

core::Result<bool> verify_password(std::string_view password, const std::string& hash) {
  const HashingPlace place;
  if (!place.is_admitted()) return busy();
  if (!hash.empty()) return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
  const auto same_work = hash_in_place(password);
  if (!same_work) return same_work.error();
  return false;
}

}  // namespace trapline::collector
