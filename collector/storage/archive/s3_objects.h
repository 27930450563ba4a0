#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/archive/object_store.h"

namespace trapline::collector {

struct BucketAddress {
  std::string endpoint;  ///< "https://host" or "http://host:port", nothing behind it
  std::string region;
  std::string bucket;
  std::string prefix;  ///< before each name: empty, or with a '/' at its end
};

/// Objects of a bucket of a server that speaks S3, in path style. Requests are signed by libcurl
/// (CURLOPT_AWS_SIGV4) with the hash of what they carry. What may pass (5xx, 429, no answer) is tried again a few
/// times.
class S3Objects final : public ObjectStore {
 public:
  S3Objects(BucketAddress address, BucketCredentials credentials, std::function<bool()> is_cancelled);
  ~S3Objects() override;
  S3Objects(const S3Objects&) = delete;
  S3Objects& operator=(const S3Objects&) = delete;

  core::Status put(std::string_view name, std::string_view bytes) override;
  core::Result<std::optional<std::string>> get(std::string_view name) override;
  core::Result<std::optional<std::string>> get_first(std::string_view name, std::size_t bytes) override;
  core::Result<bool> exists(std::string_view name) override;
  core::Result<std::vector<Entry>> list_entries(std::string_view prefix) override;
  core::Status remove(std::string_view name) override;
  [[nodiscard]] std::string place() const override;

 private:
  struct Request {
    std::string method;
    std::string path;  ///< of the URL, with what stands behind '?'
    std::string_view body;
    std::size_t first_bytes = 0;  ///< so many of the object; 0: all
  };
  struct Answer {
    long status = 0;  ///< 0: there was none
    std::string body;
    std::string error;  ///< why there was none
  };
  struct Connection;

  [[nodiscard]] std::string path_of(std::string_view name) const;
  core::Result<std::optional<std::string>> fetch(std::string_view name, std::size_t first_bytes);
  core::Result<Answer> ask(const Request& request);
  Answer ask_once(const Request& request);
  bool wait(int tries) const;
  [[nodiscard]] core::Error error_of(const Request& request, const Answer& answer) const;

  const BucketAddress address_;
  const BucketCredentials credentials_;
  const std::function<bool()> is_cancelled_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace trapline::collector
