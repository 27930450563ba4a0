#include "collector/storage/sql/report_key.h"

#include <array>
#include <span>

#include "collector/storage/sql/encryption_keys.h"
#include "sdk/core/random.h"

namespace trapline::collector::sql {

std::string find_report_key(Connection& connection, const Sealer& sealer) {
  Statement row = connection.prepare("SELECT bytes FROM report_key WHERE id = 1");
  if (!row.step()) return {};
  std::string opened;
  return std::string(sealer.open(row.text(0), report_key_place(), opened));
}

std::string make_report_key(Connection& writer, const Sealer& sealer, UnixMillis now) {
  constexpr std::size_t kKeyBytes = 32;
  Transaction transaction(writer);
  if (std::string known = find_report_key(writer, sealer); !known.empty()) return known;
  std::array<std::byte, kKeyBytes> bytes{};
  core::fill_random(bytes);
  std::string key(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  note_key(writer, sealer, now);
  const std::string sealed = sealer.seal(key, report_key_place());
  Statement insert = writer.prepare("INSERT INTO report_key (id, bytes) VALUES (1, ?)");
  insert.bind_blob(sealed);
  insert.run();
  transaction.commit();
  return key;
}

}  // namespace trapline::collector::sql
