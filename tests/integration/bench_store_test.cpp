/// The benchmark of questions at size, small: that it asks all it is to ask, on both engines. Its figures say nothing
/// here.

#ifdef TRAPLINE_BENCH_STORE

#include <array>
#include <cstdio>
#include <sstream>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/postgres_server.h"
#include "tests/support/temporary_folder.h"

namespace {

struct Figures {
  int exit_status = -1;
  int questions = 0;
};

Figures measure(const std::string& url) {
  const std::string command = std::string(TRAPLINE_BENCH_STORE) + " '" + url + "' 1500 150 1 2>/dev/null";
  std::FILE* const output = popen(command.c_str(), "r");
  REQUIRE(output != nullptr);
  std::string text;
  std::array<char, 4096> piece{};
  while (const std::size_t bytes = std::fread(piece.data(), 1, piece.size(), output)) text.append(piece.data(), bytes);
  Figures figures;
  figures.exit_status = pclose(output);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line); ++figures.questions) {
    const auto figure = nlohmann::json::parse(line);
    CHECK_MESSAGE(figure["value"].get<double>() > 0, line);
    CHECK(figure["unit"] == "ms");
  }
  return figures;
}

}  // namespace

TEST_CASE("the benchmark of questions at size asks them all on both engines") {
  const trapline::tests::TemporaryFolder folder;
  const Figures on_sqlite = measure("sqlite:" + folder.path("store.db"));
  CHECK(on_sqlite.exit_status == 0);
  CHECK(on_sqlite.questions >= 90);
  trapline::tests::PostgresServer server;
  const Figures on_postgres = measure(server.url());
  CHECK(on_postgres.exit_status == 0);
  CHECK(on_postgres.questions >= 90);
}

#endif
