#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <httplib.h>
#include <nlohmann/json.hpp>
#include <sys/types.h>

namespace trapline::tests {

/// What a program that ran to its end left.
struct Finished {
  int exit_status = -1;  ///< -1: it ended by a signal
  std::string output;    ///< standard output and error together
};

/// Runs trapline-collector with the arguments and the text on its standard input.
Finished run_collector(const std::vector<std::string>& arguments, const std::string& input = "");

/// The same, killed when it has not ended after so long.
Finished run_collector_for(std::chrono::milliseconds time, const std::vector<std::string>& arguments);

/// A real trapline-collector on a free port. Ended by SIGTERM if it still runs.
class CollectorProcess {
 public:
  explicit CollectorProcess(std::string data_folder, std::vector<std::string> further_arguments = {});
  ~CollectorProcess();
  CollectorProcess(const CollectorProcess&) = delete;
  CollectorProcess& operator=(const CollectorProcess&) = delete;

  /// Ends it with the signal and answers its exit status, -1 when it ended by the signal itself.
  int end(int signal);
  /// Only sends it; end() still has to be called.
  void send_signal(int signal) const;
  [[nodiscard]] bool is_running() const;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] const std::string& log_field(const std::string& name) const { return log_fields_.at(name); }
  [[nodiscard]] bool has_log_field(const std::string& name) const { return log_fields_.contains(name); }
  [[nodiscard]] std::unique_ptr<httplib::Client> client() const;

  /// The key of the project `default`, and a token for the API.
  [[nodiscard]] std::string key() const;
  std::string token();
  /// One that was made before, in a database that is no file of the data folder.
  void use_token(std::string token) { token_ = std::move(token); }

  /// GET under /api/v1 with the token.
  nlohmann::json get(const std::string& path);

  /// Waits until the API lists so many events in all.
  nlohmann::json wait_for_events(std::size_t count);

  /// Waits until no event waits in the spool.
  void wait_until_digested() const;

 private:
  std::string data_folder_;
  std::vector<std::string> further_arguments_;
  std::string token_;
  pid_t pid_ = -1;
  int port_ = 0;
  std::map<std::string, std::string> log_fields_;
};

}  // namespace trapline::tests
