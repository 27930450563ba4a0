#include "collector/encryption_keys.h"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

#include <sys/stat.h>

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;

constexpr const char* kVariable = "TRAPLINE_ENCRYPTION_KEY";

Result<std::vector<EncryptionKey>> parse(const std::string& text, const std::string& source) {
  auto keys = EncryptionKey::parse_all(text);
  if (!keys) return Error{"invalid_config", source + ": " + keys.error().message};
  if (keys->empty()) return Error{"invalid_config", source + ": there is no encryption key in it"};
  return keys;
}

Result<std::vector<EncryptionKey>> read_key_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{"invalid_config", "the file with encryption keys cannot be read: " + path};
  struct stat facts {};
  if (stat(path.c_str(), &facts) == 0 && (facts.st_mode & (S_IRGRP | S_IROTH)) != 0) {
    std::cerr << "trapline-collector: others may read the encryption keys in " << path
              << ": chmod 600 keeps them out\n";
  }
  return parse(std::string(std::istreambuf_iterator<char>(file), {}), path);
}

}  // namespace

Result<std::vector<EncryptionKey>> load_encryption_keys(const std::string& file) {
  std::vector<EncryptionKey> keys;
  const char* variable = std::getenv(kVariable);  // NOLINT(concurrency-mt-unsafe): at the start only
  if (variable != nullptr && *variable != '\0') {
    auto given = parse(variable, kVariable);
    if (!given) return given.error();
    keys = std::move(*given);
  }
  if (file.empty()) return keys;
  const auto of_file = read_key_file(file);
  if (!of_file) return of_file.error();
  keys.insert(keys.end(), of_file->begin(), of_file->end());
  return keys;
}

}  // namespace trapline::collector
