#include "tests/support/bucket_server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <sstream>

#include <httplib.h>
#include <sodium.h>

namespace trapline::tests {
namespace {

/// Fewer than S3's 1,000, so that a few objects take several pages.
constexpr std::size_t kKeysOnPage = 3;
constexpr double kMostSecondsOff = 900;

using Hash = std::array<unsigned char, crypto_hash_sha256_BYTES>;

std::string hex(const Hash& hash) {
  std::string text(2 * hash.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
  text.pop_back();
  return text;
}

std::string sha256(std::string_view text) {
  Hash hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return hex(hash);
}

Hash hmac(std::string_view key, std::string_view text) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  Hash hash{};
  crypto_auth_hmacsha256_final(&state, hash.data());
  return hash;
}

std::string_view as_key(const Hash& hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  return parts;
}

/// "Signature=…" of an Authorization header.
std::string field_of(const std::string& header, const std::string& name) {
  const std::size_t at = header.find(name + "=");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 1;
  return header.substr(begin, header.find_first_of(", ", begin) - begin);
}

std::string sorted_query(const std::string& target) {
  const std::size_t mark = target.find('?');
  if (mark == std::string::npos) return {};
  std::vector<std::string> parameters = split(target.substr(mark + 1), '&');
  for (std::string& parameter : parameters) {
    if (parameter.find('=') == std::string::npos) parameter += '=';
  }
  std::sort(parameters.begin(), parameters.end());
  std::string query;
  for (const std::string& parameter : parameters) query += (query.empty() ? "" : "&") + parameter;
  return query;
}

void refuse(httplib::Response& response, int status, const std::string& code) {
  response.status = status;
  response.set_content("<?xml version=\"1.0\"?><Error><Code>" + code + "</Code></Error>", "application/xml");
}

std::string time_text(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
  return text;
}

}  // namespace

BucketServer::BucketServer() : server_(std::make_unique<httplib::Server>()) {
  const auto handle = [this](const httplib::Request& request, httplib::Response& response) {
    if (is_let_in(request, response)) answer_object(request, response);
  };
  server_->set_payload_max_length(std::size_t{256} << 20);
  server_->Put(".*", handle);
  server_->Get(".*", handle);
  server_->Delete(".*", handle);
  port_ = server_->bind_to_any_port("127.0.0.1");
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  while (!server_->is_running()) std::this_thread::yield();
}

BucketServer::~BucketServer() {
  is_stopping_ = true;
  server_->stop();
  thread_.join();
}

std::string BucketServer::endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }

void BucketServer::fail_next(int count, int status) {
  const std::lock_guard lock(mutex_);
  failures_left_ = count;
  failure_ = status;
}

void BucketServer::require_session_token(std::string token) {
  const std::lock_guard lock(mutex_);
  session_token_ = std::move(token);
}

std::map<std::string, std::string> BucketServer::objects() const {
  const std::lock_guard lock(mutex_);
  return objects_;
}

bool BucketServer::is_let_in(const httplib::Request& request, httplib::Response& response) {
  ++requests_;
  {
    const std::lock_guard lock(mutex_);
    if (failures_left_ > 0) {
      --failures_left_;
      refuse(response, failure_, "SlowDown");
      return false;
    }
    if (request.get_header_value("x-amz-security-token") != session_token_) {
      refuse(response, 403, "InvalidToken");
      return false;
    }
  }
  const std::string fault = fault_of(request);
  if (fault.empty()) return true;
  ++wrong_signatures_;
  refuse(response, 403, fault);
  return false;
}

/// Empty when the request is signed as it should be.
std::string BucketServer::fault_of(const httplib::Request& request) const {
  const std::string authorization = request.get_header_value("Authorization");
  const std::string date = request.get_header_value("x-amz-date");
  const std::string body_hash = request.get_header_value("x-amz-content-sha256");
  const std::string scope = date.substr(0, 8) + "/" + std::string(kRegion) + "/s3/aws4_request";
  if (!authorization.starts_with("AWS4-HMAC-SHA256 ")) return "AccessDenied";
  if (field_of(authorization, "Credential") != std::string(kAccessKey) + "/" + scope) return "InvalidAccessKeyId";
  std::tm parts{};
  if (strptime(date.c_str(), "%Y%m%dT%H%M%SZ", &parts) == nullptr) return "AccessDenied";
  if (std::abs(std::difftime(timegm(&parts), std::time(nullptr))) > kMostSecondsOff) return "RequestTimeTooSkewed";
  if (body_hash != sha256(request.body)) return "XAmzContentSHA256Mismatch";

  const std::string signed_headers = field_of(authorization, "SignedHeaders");
  std::string headers;
  bool has_host = false;
  bool has_body_hash = false;
  for (const std::string& name : split(signed_headers, ';')) {
    headers += name + ":" + request.get_header_value(name) + "\n";
    has_host = has_host || name == "host";
    has_body_hash = has_body_hash || name == "x-amz-content-sha256";
  }
  if (!has_host || !has_body_hash) return "SignatureDoesNotMatch";
  const std::string canonical = request.method + "\n" + request.target.substr(0, request.target.find('?')) + "\n" +
                                sorted_query(request.target) + "\n" + headers + "\n" + signed_headers + "\n" +
                                body_hash;
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + sha256(canonical);
  const Hash day = hmac("AWS4" + std::string(kSecretKey), date.substr(0, 8));
  const Hash region = hmac(as_key(day), kRegion);
  const Hash service = hmac(as_key(region), "s3");
  const Hash key = hmac(as_key(service), "aws4_request");
  return field_of(authorization, "Signature") == hex(hmac(as_key(key), to_sign)) ? "" : "SignatureDoesNotMatch";
}

void BucketServer::age(std::time_t seconds) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, time] : times_) time -= seconds;
}

void BucketServer::lose(const std::string& name) {
  const std::lock_guard lock(mutex_);
  objects_.erase(name);
}

void BucketServer::answer_object(const httplib::Request& request, httplib::Response& response) {
  const std::string bucket = "/" + std::string(kBucket);
  if (request.path != bucket && !request.path.starts_with(bucket + "/")) {
    return refuse(response, 404, "NoSuchBucket");
  }
  if (request.path.size() <= bucket.size() + 1) return answer_list(request, response);
  const std::string key = request.path.substr(bucket.size() + 1);
  if (request.method == "PUT") {
    ++puts_held_;
    while (holds_puts_ && !is_stopping_) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    --puts_held_;
    if (is_full_) return refuse(response, 507, "InsufficientStorage");
  }
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (request.method == "PUT") {
    objects_[key] = request.body;
    times_[key] = std::time(nullptr);
    response.status = 200;
  } else if (request.method == "DELETE") {
    objects_.erase(key);
    response.status = 204;
  } else if (found == objects_.end()) {
    refuse(response, 404, "NoSuchKey");
  } else {
    response.set_content(found->second, "application/octet-stream");
  }
}

void BucketServer::answer_list(const httplib::Request& request, httplib::Response& response) const {
  const std::lock_guard lock(mutex_);
  const std::string prefix = request.get_param_value("prefix");
  std::string keys;
  std::size_t count = 0;
  bool is_truncated = false;
  for (auto object = objects_.upper_bound(request.get_param_value("start-after")); object != objects_.end(); ++object) {
    if (!object->first.starts_with(prefix)) continue;
    is_truncated = count == kKeysOnPage;
    if (is_truncated) break;
    keys += "<Contents><Key>" + object->first + "</Key><LastModified>" + time_text(times_.at(object->first)) +
            "</LastModified><Size>" + std::to_string(object->second.size()) + "</Size></Contents>";
    ++count;
  }
  response.set_content("<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>" +
                           std::string(is_truncated ? "true" : "false") + "</IsTruncated>" + keys +
                           "</ListBucketResult>",
                       "application/xml");
}

}  // namespace trapline::tests
