#include "tests/integration/collector_process.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <stdexcept>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace trapline::tests {
namespace {

constexpr std::chrono::seconds kDeadline{30};

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    close_read();
    close_write();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_read() { close_end(read_end); }
  void close_write() { close_end(write_end); }

 private:
  static void close_end(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
};

/// Starts the collector with the given descriptors; -1 leaves one as it is.
pid_t spawn(const std::vector<std::string>& arguments, int input, int output, int error) {
  std::vector<char*> argv = {const_cast<char*>(TRAPLINE_COLLECTOR)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child != 0) return child;
  if (input >= 0) dup2(input, STDIN_FILENO);
  if (output >= 0) dup2(output, STDOUT_FILENO);
  if (error >= 0) dup2(error, STDERR_FILENO);
  execv(TRAPLINE_COLLECTOR, argv.data());
  _exit(127);
}

int wait_for_exit(pid_t pid) {
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string read_all(int file) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0; (count = read(file, buffer.data(), buffer.size())) > 0;) text.append(buffer.data(), count);
  return text;
}

}  // namespace

Finished run_collector(const std::vector<std::string>& arguments, const std::string& input) {
  Pipe to_child;
  Pipe from_child;
  const pid_t child = spawn(arguments, to_child.read_end, from_child.write_end, from_child.write_end);
  to_child.close_read();
  from_child.close_write();
  CHECK(write(to_child.write_end, input.data(), input.size()) == static_cast<ssize_t>(input.size()));
  to_child.close_write();
  Finished finished;
  finished.output = read_all(from_child.read_end);
  finished.exit_status = wait_for_exit(child);
  return finished;
}

Finished run_collector_for(std::chrono::milliseconds time, const std::vector<std::string>& arguments) {
  Pipe from_child;
  const pid_t child = spawn(arguments, -1, from_child.write_end, from_child.write_end);
  from_child.close_write();
  const auto deadline = std::chrono::steady_clock::now() + time;
  Finished finished;
  // Its output ends when it does.
  std::array<char, 4096> buffer{};
  for (bool is_killed = false;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd output{from_child.read_end, POLLIN, 0};
    if (!is_killed && poll(&output, 1, static_cast<int>(std::max<std::int64_t>(0, left.count()))) == 0) {
      kill(child, SIGKILL);
      is_killed = true;
    }
    const ssize_t count = read(from_child.read_end, buffer.data(), buffer.size());
    if (count <= 0) break;
    finished.output.append(buffer.data(), static_cast<std::size_t>(count));
  }
  finished.exit_status = wait_for_exit(child);
  return finished;
}

CollectorProcess::CollectorProcess(std::string data_folder, std::vector<std::string> further_arguments)
    : data_folder_(std::move(data_folder)), further_arguments_(std::move(further_arguments)) {
  const std::string log = data_folder_ + ".log";
  const int log_file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  REQUIRE(log_file >= 0);
  std::vector<std::string> arguments = {"serve", "--data", data_folder_, "--listen", "127.0.0.1:0"};
  arguments.insert(arguments.end(), further_arguments_.begin(), further_arguments_.end());
  pid_ = spawn(arguments, -1, -1, log_file);
  close(log_file);
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!log_fields_.contains("url")) {
    REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, "the collector did not start, see " << log);
    REQUIRE_MESSAGE(waitpid(pid_, nullptr, WNOHANG) == 0, "the collector ended at its start, see " << log);
    std::ifstream lines(log);
    for (std::string line; std::getline(lines, line);) {
      const auto fields = nlohmann::json::parse(line, nullptr, false);
      if (!fields.is_object()) continue;
      for (const auto& [name, value] : fields.items()) log_fields_[name] = value.get<std::string>();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // polling, until the deadline
  }
  const std::string& url = log_fields_.at("url");
  port_ = std::stoi(url.substr(url.rfind(':') + 1));
}

CollectorProcess::~CollectorProcess() {
  if (pid_ > 0) end(SIGTERM);
}

void CollectorProcess::send_signal(int signal) const { kill(pid_, signal); }

bool CollectorProcess::is_running() const {
  siginfo_t ended{};
  return waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0;
}

int CollectorProcess::end(int signal) {
  send_signal(signal);
  const int status = wait_for_exit(pid_);
  pid_ = -1;
  return status;
}

std::unique_ptr<httplib::Client> CollectorProcess::client() const {
  auto client = std::make_unique<httplib::Client>("127.0.0.1", port_);
  client->set_keep_alive(true);
  client->set_tcp_nodelay(true);
  client->set_read_timeout(30);
  return client;
}

std::string CollectorProcess::key() const {
  const std::string& dsn = log_fields_.at("dsn");
  return dsn.substr(dsn.find("//") + 2, 32);
}

std::string CollectorProcess::token() {
  if (token_.empty()) {
    std::vector<std::string> arguments = {"token", "create", "--name", "test", "--data", data_folder_};
    const auto database = std::find(further_arguments_.begin(), further_arguments_.end(), "--database");
    if (database != further_arguments_.end()) arguments.insert(arguments.end(), database, database + 2);
    token_ = run_collector(arguments).output;
    while (token_.ends_with('\n')) token_.pop_back();
  }
  return token_;
}

nlohmann::json CollectorProcess::get(const std::string& path) {
  const auto answer = client()->Get("/api/v1" + path, {{"Authorization", "Bearer " + token()}});
  REQUIRE(answer);
  CHECK_MESSAGE(answer->status == 200, path << " answered " << answer->body);
  return nlohmann::json::parse(answer->body);
}

nlohmann::json CollectorProcess::wait_for_events(std::size_t count) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (true) {
    nlohmann::json events = get("/events?limit=100")["items"];
    if (events.size() >= count) return events;
    REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, "only " << events.size() << " events arrived");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // polling, until the deadline
  }
}

void CollectorProcess::wait_until_digested() const {
  const auto deadline = std::chrono::steady_clock::now() + 2 * kDeadline;
  while (client()->Get("/metrics")->body.find("\ntrapline_spool_events 0\n") == std::string::npos) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // polling, until the deadline
  }
}

}  // namespace trapline::tests
