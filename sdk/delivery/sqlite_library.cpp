#include "sdk/delivery/sqlite_library.h"

#include "sdk/core/loaded_library.h"

namespace trapline::sdk {

const SqliteLibrary* load_sqlite() {
  const std::lock_guard loading(core::loading_mutex());
  static const SqliteLibrary* const kLoaded = []() -> const SqliteLibrary* {
    static SqliteLibrary sqlite;
    core::LoadedLibrary library({"libsqlite3.so.0", "libsqlite3.dylib", "winsqlite3.dll", "sqlite3.dll"});
    library.find(sqlite.open_v2, "sqlite3_open_v2");
    library.find(sqlite.close_v2, "sqlite3_close_v2");
    library.find(sqlite.db_config, "sqlite3_db_config");
    library.find(sqlite.exec, "sqlite3_exec");
    library.find(sqlite.errmsg, "sqlite3_errmsg");
    library.find(sqlite.busy_timeout, "sqlite3_busy_timeout");
    library.find(sqlite.prepare_v3, "sqlite3_prepare_v3");
    library.find(sqlite.finalize, "sqlite3_finalize");
    library.find(sqlite.step, "sqlite3_step");
    library.find(sqlite.reset, "sqlite3_reset");
    library.find(sqlite.clear_bindings, "sqlite3_clear_bindings");
    library.find(sqlite.bind_int64, "sqlite3_bind_int64");
    library.find(sqlite.bind_text, "sqlite3_bind_text");
    library.find(sqlite.column_int64, "sqlite3_column_int64");
    library.find(sqlite.column_blob, "sqlite3_column_blob");
    library.find(sqlite.column_bytes, "sqlite3_column_bytes");
    library.find(sqlite.changes, "sqlite3_changes");
    library.find(sqlite.last_insert_rowid, "sqlite3_last_insert_rowid");
    return library.is_complete() ? &sqlite : nullptr;
  }();
  return kLoaded;
}

}  // namespace trapline::sdk
