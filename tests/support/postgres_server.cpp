#include "tests/support/postgres_server.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace trapline::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kDeadline{60};

/// Debian keeps the server's programs out of the PATH, by version.
std::string find_program(const std::string& name) {
  fs::path newest;
  std::error_code none;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", none)) {
    const fs::path program = version.path() / "bin" / name;
    if (fs::exists(program) && program > newest) newest = program;
  }
  return newest.empty() ? name : newest.string();
}

/// The server refuses to run as root.
const passwd* server_user() { return geteuid() == 0 ? getpwnam("postgres") : nullptr; }

/// Starts a program that ends with this process.
pid_t start_program(const std::vector<std::string>& command, const std::string& log) {
  const passwd* user = server_user();
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  setpgid(0, 0);
  if (user != nullptr && (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) _exit(126);
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (getppid() != parent) _exit(125);
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(file, STDOUT_FILENO);
  dup2(file, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments.front(), arguments.data());
  _exit(127);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

PostgresServer::PostgresServer(bool is_durable, const std::string& folder)
    : data_(folder.empty() ? folder_.path("data") : folder + "/data"), is_durable_(is_durable) {
  if (const passwd* user = server_user(); user != nullptr) {
    for (const std::string& own : {folder_.path(""), folder.empty() ? folder_.path("") : folder}) {
      if (chown(own.c_str(), user->pw_uid, user->pw_gid) != 0) throw std::runtime_error("chown failed");
    }
  }
  const pid_t pid = start_program(
      {find_program("initdb"), "-D", data_, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"},
      folder_.path("log"));
  if (wait_for(pid) != 0) {
    throw std::runtime_error("initdb failed: is PostgreSQL's server installed (sh cmake/bootstrap.sh test)?");
  }
  start();
}

PostgresServer::~PostgresServer() { end(SIGQUIT); }

void PostgresServer::start() {
  std::vector<std::string> command{
      find_program("postgres"), "-D", data_, "-k", folder_.path(""), "-c", "listen_addresses=", "-c",
      "shared_buffers=32MB"};
  if (!is_durable_) command.insert(command.end(), {"-c", "fsync=off", "-c", "full_page_writes=off"});
  pid_ = start_program(command, folder_.path("log"));
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  while (PQping(url().c_str()) != PQPING_OK) {
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error("PostgreSQL does not start");
    // As long as a process of a killed one before it lives, it ends at once.
    if (waitpid(pid_, nullptr, WNOHANG) != 0) pid_ = start_program(command, folder_.path("log"));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // polling, until the deadline
  }
}

void PostgresServer::kill() { end(SIGKILL); }
void PostgresServer::stop() { end(SIGINT); }

void PostgresServer::end(int signal) {
  if (pid_ <= 0) return;
  // A killed postmaster's processes would live on.
  ::kill(signal == SIGKILL ? -pid_ : pid_, signal);
  wait_for(pid_);
  pid_ = -1;
}

std::string PostgresServer::url() const {
  std::string folder = folder_.path("");
  while (folder.ends_with('/')) folder.pop_back();
  return "postgres://postgres@/postgres?host=" + folder;
}

std::vector<std::string> PostgresServer::texts(const std::string& sql) const {
  PGconn* connection = PQconnectdb(url().c_str());
  PGresult* result = PQexec(connection, sql.c_str());
  std::vector<std::string> rows;
  for (int row = 0; row < PQntuples(result); ++row) rows.emplace_back(PQgetvalue(result, row, 0));
  const std::string error = PQerrorMessage(connection);
  PQclear(result);
  PQfinish(connection);
  if (!error.empty()) throw std::runtime_error(error);
  return rows;
}

std::string PostgresServer::url_of_schema(const std::string& schema) const {
  PGconn* connection = PQconnectdb(url().c_str());
  PQclear(PQexec(connection, ("CREATE SCHEMA IF NOT EXISTS " + schema).c_str()));
  PQfinish(connection);
  return url() + "&options=-csearch_path%3D" + schema;
}

}  // namespace trapline::tests
