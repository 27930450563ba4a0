#include "collector/storage/sql/encryption_keys.h"

#include <exception>
#include <string>

#include "collector/storage/sql/issue_changes.h"

namespace trapline::collector::sql {
namespace {

constexpr std::string_view kProof = "trapline";

bool opens(const Sealer& sealer, KeyId id, std::string_view proof) {
  try {
    std::string opened;
    return sealer.open(proof, key_place(id), opened) == kProof;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

void require_keys(Connection& connection, const Sealer& sealer) {
  Statement keys = connection.prepare("SELECT id, proof FROM encryption_key ORDER BY created_at DESC");
  while (keys.step()) {
    const auto id = static_cast<KeyId>(keys.integer(0));
    if (sealer.has(id) && opens(sealer, id, keys.text(1))) continue;
    throw Refusal("missing_key", "the database has data that is sealed with the encryption key " + key_id_text(id) +
                                     ", which was not given: name its file with --encryption-key-file, or set "
                                     "TRAPLINE_ENCRYPTION_KEY");
  }
}

void note_key(Connection& connection, const Sealer& sealer, UnixMillis now) {
  if (!sealer.is_on()) return;
  const KeyId id = sealer.key_id();
  {
    Statement known = connection.prepare("SELECT 1 FROM encryption_key WHERE id = ? AND is_retiring = 0");
    known.bind(id);
    if (known.step()) return;
  }
  const std::string proof = sealer.seal(std::string(kProof), key_place(id));
  Statement insert = connection.prepare(
      "INSERT INTO encryption_key (id, created_at, proof) VALUES (?, ?, ?) "
      "ON CONFLICT (id) DO UPDATE SET is_retiring = 0");
  insert.bind(id, now);
  insert.bind_blob(proof);
  insert.run();
}

}  // namespace trapline::collector::sql
