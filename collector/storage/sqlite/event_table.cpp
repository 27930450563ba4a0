#include "collector/storage/sqlite/event_table.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <new>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace trapline::collector::sqlite {
namespace {

constexpr const char* kDeclaration =
    "CREATE TABLE event (id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, hash_id INTEGER NOT NULL, "
    "event_id BLOB NOT NULL, data BLOB NOT NULL, summary TEXT)";
enum Column : int { kRowId = -1, kId, kProject, kHash, kEventId, kData, kSummary };
constexpr const char* kColumns[] = {"id", "project_id", "hash_id", "event_id", "data", "summary"};
constexpr int kColumnCount = static_cast<int>(std::size(kColumns));

/// How a question is answered, as SQLite keeps it between planning and asking: a number. All answers come in the order
/// of ids.
struct Plan {
  enum Way : unsigned { kAll, kByProject, kByHash, kByEventId };
  Way way = kAll;
  bool is_one = false;  ///< the id itself is given
  bool has_lower = false;
  bool is_lower_strict = false;
  bool has_upper = false;
  bool is_upper_strict = false;
  bool is_descending = false;
  unsigned columns = 0;  ///< those that are asked for, a bit each

  [[nodiscard]] int to_number() const {
    return static_cast<int>(static_cast<unsigned>(way) | unsigned{is_one} << 2U | unsigned{has_lower} << 3U |
                            unsigned{is_lower_strict} << 4U | unsigned{has_upper} << 5U |
                            unsigned{is_upper_strict} << 6U | unsigned{is_descending} << 7U | columns << 8U);
  }
  static Plan of_number(int number) {
    const auto bits = static_cast<unsigned>(number);
    const auto has = [&](unsigned bit) { return (bits >> bit & 1U) != 0; };
    return {static_cast<Way>(bits & 3U), has(2), has(3), has(4), has(5), has(6), has(7), bits >> 8U};
  }

  /// ?1 and ?2 are the bounds of ids, both included, ?3 and ?4 what the way asks for.
  [[nodiscard]] std::string sql() const {
    std::string sql = "SELECT ";
    for (int column = 0; column < kColumnCount; ++column) {
      const bool is_wanted = column == kId || (columns >> static_cast<unsigned>(column) & 1U) != 0;
      if (column > 0) sql += ", ";
      sql += is_wanted ? kColumns[column] : "NULL";
    }
    sql += " FROM event WHERE ";
    // The ids' index is of no use beside the one of event ids.
    sql += way == kByEventId ? "+id BETWEEN ?1 AND ?2" : "id BETWEEN ?1 AND ?2";
    if (way == kByProject) sql += " AND project_id = ?3";
    if (way == kByHash) sql += " AND hash_id = ?3";
    if (way == kByEventId) sql += " AND project_id = ?3 AND event_id = ?4";
    return sql + (is_descending ? " ORDER BY id DESC" : " ORDER BY id");
  }
};

struct EventTable : sqlite3_vtab {
  EventDays* days = nullptr;
  std::unordered_map<int, std::string> questions;  ///< the SQL of plans, by their numbers

  const std::string& sql_of(const Plan& plan) {
    std::string& sql = questions[plan.to_number()];
    if (sql.empty()) sql = plan.sql();
    return sql;
  }
};

EventTable& table_of(sqlite3_vtab* table) { return *static_cast<EventTable*>(table); }

/// What is thrown inside becomes what SQLite understands.
template <class Work>
int guarded(sqlite3_vtab* table, Work work) {
  try {
    work();
    return SQLITE_OK;
  } catch (const SqliteError& error) {
    sqlite3_free(table->zErrMsg);
    table->zErrMsg = sqlite3_mprintf("%s", error.what());
    return error.code();
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  } catch (const std::exception& error) {
    sqlite3_free(table->zErrMsg);
    table->zErrMsg = sqlite3_mprintf("%s", error.what());
    return SQLITE_ERROR;
  }
}

class EventCursor : public sqlite3_vtab_cursor {
 public:
  explicit EventCursor(EventTable& table) : sqlite3_vtab_cursor{}, table_(table), days_(*table.days) {}

  void begin(const Plan& plan, sqlite3_value** arguments) {
    rows_ = {};
    file_ = {};
    plan_ = plan;
    sql_ = table_.sql_of(plan);
    days_left_.clear();
    lower_ = 0;
    upper_ = std::numeric_limits<std::int64_t>::max();
    bool is_empty = false;
    const auto next = [&] {
      sqlite3_value* value = *arguments++;
      is_empty = is_empty || sqlite3_value_type(value) == SQLITE_NULL;
      return value;
    };
    given_.clear();
    for (unsigned count = plan.way == Plan::kByEventId ? 2 : unsigned{plan.way != Plan::kAll}; count > 0; --count) {
      given_.push_back(sqlite3_value_dup(next()));
    }
    if (plan.is_one) lower_ = upper_ = sqlite3_value_int64(next());
    if (plan.has_lower) raise_lower(sqlite3_value_int64(next()), is_empty);
    if (plan.has_upper) lower_upper(sqlite3_value_int64(next()), is_empty);
    if (!is_empty && lower_ <= upper_) find_days();
    go_on();
  }

  void go_on() {
    while (true) {
      if (rows_ && step()) return;
      rows_ = {};
      file_ = {};
      if (days_left_.empty()) return;
      open_next();
    }
  }

  [[nodiscard]] bool is_at_end() const { return !rows_; }
  [[nodiscard]] sqlite3_stmt* row() const { return rows_.get(); }

  ~EventCursor() { clear_given(); }
  EventCursor(const EventCursor&) = delete;
  EventCursor& operator=(const EventCursor&) = delete;

 private:
  void raise_lower(std::int64_t bound, bool& is_empty) {
    is_empty = is_empty || (plan_.is_lower_strict && bound == std::numeric_limits<std::int64_t>::max());
    lower_ = std::max(lower_, plan_.is_lower_strict && !is_empty ? bound + 1 : bound);
  }
  void lower_upper(std::int64_t bound, bool& is_empty) {
    is_empty = is_empty || (plan_.is_upper_strict && bound == std::numeric_limits<std::int64_t>::min());
    upper_ = std::min(upper_, plan_.is_upper_strict && !is_empty ? bound - 1 : bound);
  }

  void find_days() {
    const std::int64_t first = day_of_row(lower_);
    const std::int64_t last = day_of_row(upper_);
    days_left_ = first == last && plan_.is_one ? std::vector{first} : days_.list(first, last);
    // The next one is taken from the end.
    if (!plan_.is_descending) std::reverse(days_left_.begin(), days_left_.end());
  }

  void open_next() {
    day_ = days_left_.back();
    days_left_.pop_back();
    file_ = days_.read(day_, !plan_.is_one);
    if (!file_) return;
    const bool is_open = unless_damaged([&] { rows_ = file_->take(sql_); });
    if (!is_open) return;
    sqlite3_bind_int64(rows_.get(), 1, lower_);
    sqlite3_bind_int64(rows_.get(), 2, upper_);
    int parameter = 3;
    for (sqlite3_value* value : given_) sqlite3_bind_value(rows_.get(), parameter++, value);
  }

  bool step() {
    bool has_row = false;
    unless_damaged([&] { has_row = rows_.step(); });
    return has_row;
  }

  /// False when the day's file turns out to be damaged: then it is left out from now on.
  template <class Work>
  bool unless_damaged(Work work) {
    try {
      work();
      return true;
    } catch (const SqliteError& error) {
      if (!is_damage(error.code())) throw;
      days_.set_aside(day_, error.what());
      return false;
    }
  }

  void clear_given() {
    for (sqlite3_value* value : given_) sqlite3_value_free(value);
    given_.clear();
  }

  EventTable& table_;
  EventDays& days_;
  Plan plan_;
  std::string_view sql_;
  std::int64_t lower_ = 0;
  std::int64_t upper_ = 0;
  std::vector<sqlite3_value*> given_;
  std::vector<std::int64_t> days_left_;
  std::int64_t day_ = 0;
  EventDays::Reading file_;  // outlives the statement
  DayFile::Loan rows_;
};

EventCursor& cursor_of(sqlite3_vtab_cursor* cursor) { return *static_cast<EventCursor*>(cursor); }

int connect(sqlite3* database, void* days, int, const char* const*, sqlite3_vtab** made, char**) {
  const int code = sqlite3_declare_vtab(database, kDeclaration);
  if (code != SQLITE_OK) return code;
  auto* table = new (std::nothrow) EventTable();
  if (table == nullptr) return SQLITE_NOMEM;
  table->days = static_cast<EventDays*>(days);
  *made = table;
  return SQLITE_OK;
}

int disconnect(sqlite3_vtab* table) {
  delete &table_of(table);
  return SQLITE_OK;
}

/// The conditions of a question that the days' indexes can answer, by their places in SQLite's list; -1: there is none.
struct Conditions {
  int project = -1;
  int hash = -1;
  int event_id = -1;
  int one = -1;
  int lower = -1;
  int upper = -1;

  explicit Conditions(const sqlite3_index_info& info) {
    for (int index = 0; index < info.nConstraint; ++index) {
      const auto& constraint = info.aConstraint[index];
      if (constraint.usable != 0) take(constraint.iColumn, constraint.op, index);
    }
  }

 private:
  void take(int column, int op, int index) {
    const bool is_equal = op == SQLITE_INDEX_CONSTRAINT_EQ;
    if (column == kProject && is_equal) project = index;
    if (column == kHash && is_equal) hash = index;
    if (column == kEventId && is_equal) event_id = index;
    if (column != kId && column != kRowId) return;
    if (is_equal) one = index;
    if (op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE) lower = index;
    if (op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE) upper = index;
  }
};

double rows_expected(const Plan& plan) {
  if (plan.is_one || plan.way == Plan::kByEventId) return 1;
  double rows = plan.way == Plan::kByHash ? 500 : plan.way == Plan::kByProject ? 200'000 : 1'000'000;
  if (plan.has_lower) rows /= 4;
  if (plan.has_upper) rows /= 4;
  return rows;
}

int plan_question(sqlite3_vtab*, sqlite3_index_info* info) {
  const Conditions conditions(*info);
  Plan plan;
  int arguments = 0;
  const auto use = [&](int index) {
    info->aConstraintUsage[index].argvIndex = ++arguments;
    info->aConstraintUsage[index].omit = 1;
  };
  if (conditions.one >= 0) {
    // One row, whatever else is asked of it.
    plan.is_one = true;
    use(conditions.one);
  } else {
    if (conditions.project >= 0 && conditions.event_id >= 0) {
      plan.way = Plan::kByEventId;
      use(conditions.project);
      use(conditions.event_id);
    } else if (conditions.hash >= 0) {
      plan.way = Plan::kByHash;
      use(conditions.hash);
    } else if (conditions.project >= 0) {
      plan.way = Plan::kByProject;
      use(conditions.project);
    }
    plan.has_lower = conditions.lower >= 0;
    plan.has_upper = conditions.upper >= 0;
    if (plan.has_lower) {
      plan.is_lower_strict = info->aConstraint[conditions.lower].op == SQLITE_INDEX_CONSTRAINT_GT;
      use(conditions.lower);
    }
    if (plan.has_upper) {
      plan.is_upper_strict = info->aConstraint[conditions.upper].op == SQLITE_INDEX_CONSTRAINT_LT;
      use(conditions.upper);
    }
  }
  if (info->nOrderBy == 1 && (info->aOrderBy[0].iColumn == kId || info->aOrderBy[0].iColumn == kRowId)) {
    plan.is_descending = info->aOrderBy[0].desc != 0;
    info->orderByConsumed = 1;
  }
  plan.columns = static_cast<unsigned>(info->colUsed & ((1U << static_cast<unsigned>(kColumnCount)) - 1));
  info->idxNum = plan.to_number();
  const double rows = rows_expected(plan);
  info->estimatedRows = static_cast<sqlite3_int64>(rows);
  info->estimatedCost = plan.way == Plan::kByEventId ? 50 : 10 + rows * 2;
  if (plan.is_one || plan.way == Plan::kByEventId) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
  return SQLITE_OK;
}

int open_cursor(sqlite3_vtab* table, sqlite3_vtab_cursor** made) {
  auto* cursor = new (std::nothrow) EventCursor(table_of(table));
  if (cursor == nullptr) return SQLITE_NOMEM;
  *made = cursor;
  return SQLITE_OK;
}

int close_cursor(sqlite3_vtab_cursor* cursor) {
  delete &cursor_of(cursor);
  return SQLITE_OK;
}

int ask(sqlite3_vtab_cursor* cursor, int number, const char*, int, sqlite3_value** arguments) {
  return guarded(cursor->pVtab, [&] { cursor_of(cursor).begin(Plan::of_number(number), arguments); });
}

int go_on(sqlite3_vtab_cursor* cursor) {
  return guarded(cursor->pVtab, [&] { cursor_of(cursor).go_on(); });
}

int is_at_end(sqlite3_vtab_cursor* cursor) { return cursor_of(cursor).is_at_end() ? 1 : 0; }

int read_column(sqlite3_vtab_cursor* cursor, sqlite3_context* context, int column) {
  sqlite3_result_value(context, sqlite3_column_value(cursor_of(cursor).row(), column));
  return SQLITE_OK;
}

int read_row_id(sqlite3_vtab_cursor* cursor, sqlite3_int64* id) {
  *id = sqlite3_column_int64(cursor_of(cursor).row(), kId);
  return SQLITE_OK;
}

/// A day whose file turns out to be damaged begins anew with the next transaction: this one fails.
template <class Work>
void watching_for_damage(EventDays& days, std::int64_t id, Work work) {
  try {
    work();
  } catch (const SqliteError& error) {
    if (is_damage(error.code())) days.set_aside(day_of_row(id), error.what());
    throw;
  }
}

int change(sqlite3_vtab* table, int count, sqlite3_value** values, sqlite3_int64* row_id) {
  return guarded(table, [&] {
    EventDays& days = *table_of(table).days;
    const bool is_insert = sqlite3_value_type(values[0]) == SQLITE_NULL;
    if (count == 1) {
      const std::int64_t id = sqlite3_value_int64(values[0]);
      return watching_for_damage(days, id, [&] { days.erase(id); });
    }
    sqlite3_value** columns = values + 2;
    EventDays::Row row{sqlite3_value_int64(columns[kId]),
                       columns[kProject],
                       columns[kHash],
                       columns[kEventId],
                       columns[kData],
                       columns[kSummary]};
    if (is_insert) {
      if (sqlite3_value_type(columns[kId]) == SQLITE_NULL) throw SqliteError(SQLITE_CONSTRAINT, "event.id is missing");
      watching_for_damage(days, row.id, [&] { days.insert(row); });
      *row_id = row.id;
      return;
    }
    if (sqlite3_value_int64(values[0]) != row.id) throw SqliteError(SQLITE_CONSTRAINT, "event.id does not change");
    watching_for_damage(days, row.id, [&] { days.update(row); });
  });
}

int begin_transaction(sqlite3_vtab*) { return SQLITE_OK; }
int sync_transaction(sqlite3_vtab* table) {
  return guarded(table, [&] { table_of(table).days->sync(); });
}
int end_transaction(sqlite3_vtab* table) {
  table_of(table).days->end();
  return SQLITE_OK;
}
int roll_back_transaction(sqlite3_vtab* table) {
  table_of(table).days->roll_back();
  return SQLITE_OK;
}

sqlite3_module make_module() {
  sqlite3_module module{};
  module.iVersion = 1;
  module.xCreate = connect;
  module.xConnect = connect;
  module.xBestIndex = plan_question;
  module.xDisconnect = disconnect;
  module.xDestroy = disconnect;
  module.xOpen = open_cursor;
  module.xClose = close_cursor;
  module.xFilter = ask;
  module.xNext = go_on;
  module.xEof = is_at_end;
  module.xColumn = read_column;
  module.xRowid = read_row_id;
  module.xUpdate = change;
  module.xBegin = begin_transaction;
  module.xSync = sync_transaction;
  module.xCommit = end_transaction;
  module.xRollback = roll_back_transaction;
  return module;
}

}  // namespace

void add_event_table(sqlite3* database, EventDays& days) {
  static const sqlite3_module kModule = make_module();
  const int code = sqlite3_create_module_v2(database, "event_days", &kModule, &days, nullptr);
  if (code != SQLITE_OK) throw SqliteError(code & 0xFF, sqlite3_errmsg(database));
}

}  // namespace trapline::collector::sqlite
