#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "tests/support/temporary_folder.h"

namespace trapline::tests {

/// A real PostgreSQL server of this process, in a folder and behind a socket of its own. It ends with this process.
class PostgresServer {
 public:
  /// `is_durable`: every commit reaches the disk, as users have it. Else a killed server loses nothing either, as long
  /// as the machine runs; and tests are faster.
  /// `folder`: where its data is to be, an empty one; else in a temporary one.
  explicit PostgresServer(bool is_durable = false, const std::string& folder = "");
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  /// Starts the server and waits until it answers.
  void start();
  /// Ends it and all of its processes at once, as a power cut does.
  void kill();
  /// Ends it as an administrator does who does not wait for the clients.
  void stop();

  /// The database "postgres", or of it the schema, which is made when it is not there.
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::string url_of_schema(const std::string& schema) const;

  /// The first column of every row.
  [[nodiscard]] std::vector<std::string> texts(const std::string& sql) const;

 private:
  void end(int signal);

  TemporaryFolder folder_;
  std::string data_;
  bool is_durable_;
  pid_t pid_ = -1;
};

}  // namespace trapline::tests
