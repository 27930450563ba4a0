#include "collector/ingest/item_writer.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;

namespace {

Status append_transaction(Spool& spool, const std::string& name = "GET /") {
  const std::string body = "{}\n{\"type\":\"transaction\"}\n{\"transaction\":\"" + name + "\"}\n";
  SpooledRequest request;
  request.form = {.door = Door::kEnvelope};
  request.project_id = 1;
  request.parts = read_parts(request.form, body, {}).value().parts;
  return spool.append(std::move(request), body);
}

template <class Condition>
bool becomes(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  return condition();
}

}  // namespace

TEST_CASE("items wait in the spool while the disk is nearly full") {
  trapline::tests::TemporaryFolder folder;
  std::atomic<std::uint64_t> free_bytes{100};
  const auto spool =
      Spool::open(folder.path("s"),
                  {.min_free_bytes = 50, .free_bytes = [&](const std::string&) { return free_bytes.load(); }})
          .value();
  trapline::tests::TestDatabase database;
  const auto store = open_store(database.url()).value();
  REQUIRE(store->create_project("one", std::string(32, 'a')));
  REQUIRE(append_transaction(*spool));
  free_bytes = 0;
  REQUIRE(becomes([&] { return !spool->check_disk(); }));  // it looks once a second
  std::atomic<bool> is_told{false};
  ItemWriter writer(*spool, *store, {}, [&](const std::string&) { is_told = true; });
  writer.start();
  CHECK(becomes([&] { return is_told.load(); }));
  CHECK(writer.written() == 0);
  free_bytes = 100;
  CHECK(becomes([&] { return writer.written() == 1; }));
  CHECK(store->find_items({1, ItemKind::kTransaction})->items.size() == 1);
}

TEST_CASE("an item that the database refuses is let go and told of, and the others are stored") {
  trapline::tests::TemporaryFolder folder;
  const auto spool = Spool::open(folder.path("s"), {}).value();
  trapline::tests::TestDatabase database;
  const auto store = open_store(database.url()).value();
  REQUIRE(store->create_project("one", std::string(32, 'a')));
  const auto connection = database.connect();
  connection->execute(trapline::tests::is_on_postgres()
                          ? "ALTER TABLE transaction_summary ADD CONSTRAINT refuses CHECK (name <> 'refused')"
                          : "CREATE TRIGGER refuses BEFORE INSERT ON transaction_summary WHEN NEW.name = 'refused' "
                            "BEGIN SELECT RAISE(ABORT, 'refused'); END");
  for (const char* name : {"a", "b", "refused", "c", "d"}) REQUIRE(append_transaction(*spool, name));
  std::atomic<int> refused{0};
  ItemWriter writer(*spool, *store, {}, {}, [&](const StoredItem& item, const std::string& reason) {
    CHECK(std::get<Transaction>(item.content).name == "refused");
    CHECK(reason.find("refuse") != std::string::npos);
    ++refused;
  });
  writer.start();
  CHECK(becomes([&] { return writer.written() == 5; }));
  CHECK(refused == 1);
  CHECK(writer.refused() == 1);
  CHECK(store->find_items({1, ItemKind::kTransaction})->items.size() == 4);
  CHECK(becomes([&] { return spool->counts().waiting_items == 0; }));
}
