#pragma once

#include <atomic>
#include <cstddef>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace trapline::tests {

/// As much of an S3 server as an archive takes, on a free port of 127.0.0.1, in path style: PUT, GET, HEAD, DELETE and
/// the second version of listing. It computes each request's signature by itself, after
/// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, and refuses what is signed otherwise,
/// what is signed at another time, and a body that is not what was signed.
class BucketServer {
 public:
  static constexpr std::string_view kAccessKey = "AKIDEXAMPLE";
  static constexpr std::string_view kSecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  static constexpr std::string_view kRegion = "eu-central-1";
  static constexpr std::string_view kBucket = "cold";

  BucketServer();
  ~BucketServer();
  BucketServer(const BucketServer&) = delete;
  BucketServer& operator=(const BucketServer&) = delete;

  [[nodiscard]] std::string endpoint() const;

  /// Answers the next requests with this status.
  void fail_next(int count, int status);
  /// With this token in each request; empty: without one.
  void require_session_token(std::string token);
  /// As if all objects had been put so many seconds earlier.
  void age(std::time_t seconds);
  /// As if it had been lost.
  void lose(const std::string& name);
  /// No place for further objects: 507.
  void set_full(bool is_full) { is_full_ = is_full; }
  /// A PUT waits as long as this is set.
  void hold_puts(bool holds) { holds_puts_ = holds; }
  [[nodiscard]] int puts_held() const { return puts_held_; }

  [[nodiscard]] std::map<std::string, std::string> objects() const;
  [[nodiscard]] int requests() const { return requests_; }
  [[nodiscard]] int wrong_signatures() const { return wrong_signatures_; }

 private:
  bool is_let_in(const httplib::Request& request, httplib::Response& response);
  [[nodiscard]] std::string fault_of(const httplib::Request& request) const;
  void answer_object(const httplib::Request& request, httplib::Response& response);
  void answer_list(const httplib::Request& request, httplib::Response& response) const;

  std::unique_ptr<httplib::Server> server_;
  int port_ = 0;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> objects_;  ///< guarded by mutex_, as the next four
  std::map<std::string, std::time_t> times_;    ///< of their last PUT
  std::string session_token_;
  int failures_left_ = 0;
  int failure_ = 500;
  std::atomic<bool> is_full_{false};
  std::atomic<bool> holds_puts_{false};
  std::atomic<bool> is_stopping_{false};
  std::atomic<int> puts_held_{0};
  std::atomic<int> requests_{0};
  std::atomic<int> wrong_signatures_{0};
};

}  // namespace trapline::tests
