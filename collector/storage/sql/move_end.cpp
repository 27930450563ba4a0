#include "collector/storage/sql/move_end.h"

namespace trapline::collector::sql {

std::string quoted(std::string_view name) { return '"' + std::string(name) + '"'; }

std::string quoted_list(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + sql::quoted(name);
  return list;
}

}  // namespace trapline::collector::sql
