#include "collector/storage/archive/s3_objects.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>
#include <utility>

#include <curl/curl.h>

#include "collector/storage/archive/content_hash.h"
#include "collector/storage/archive/s3_xml.h"
#include "sdk/core/random.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;
using core::Status;

constexpr long kConnectTimeoutMs = 10'000;
/// A request that moves fewer bytes than that in a second, for so long, has hung.
constexpr long kLeastBytesPerSecond = 4'096;
constexpr long kMostIdleSeconds = 30;
constexpr int kMostTriesOfRequest = 4;
/// Of a server's own words in a message.
constexpr std::size_t kLongestCode = 64;
constexpr std::chrono::milliseconds kFirstRequestPause{250};
constexpr std::chrono::milliseconds kCancelPoll{50};

/// Nobody takes that object for an old one.
constexpr core::UnixMillis kUnknownTime = std::numeric_limits<core::UnixMillis>::max();

bool may_pass(long status) { return status == 0 || status == 429 || status >= 500; }

/// "host:port" of "http://host:port".
std::string host_of(const std::string& endpoint) { return endpoint.substr(endpoint.find("://") + 3); }

std::size_t keep_answer(const char* data, std::size_t /*one*/, std::size_t size, void* body) {
  auto& kept = *static_cast<std::string*>(body);
  if (kept.size() + size > ObjectStore::kMostBytes) return 0;  // libcurl takes it for an error
  kept.append(data, size);
  return size;
}

int ask_whether_cancelled(void* is_cancelled, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return (*static_cast<const std::function<bool()>*>(is_cancelled))() ? 1 : 0;
}

/// In a query all but letters, digits and "-._~" is written in hex, in a signature's canonical form as well.
std::string query_value(std::string_view text) {
  std::string value;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '.' || c == '_' || c == '~';
    if (is_plain) {
      value += c;
      continue;
    }
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    value += '%';
    value += kDigits[static_cast<unsigned char>(c) >> 4U];
    value += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return value;
}

}  // namespace

struct S3Objects::Connection {
  Connection() {
    static const CURLcode kReady = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (kReady == CURLE_OK) handle = curl_easy_init();
  }
  ~Connection() {
    if (handle != nullptr) curl_easy_cleanup(handle);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  template <class Value>
  void set(CURLoption option, Value value) const {
    curl_easy_setopt(handle, option, value);
  }

  CURL* handle = nullptr;
};

S3Objects::S3Objects(BucketAddress address, BucketCredentials credentials, std::function<bool()> is_cancelled)
    : address_(std::move(address)),
      credentials_(std::move(credentials)),
      is_cancelled_(std::move(is_cancelled)),
      connection_(std::make_unique<Connection>()) {}

S3Objects::~S3Objects() = default;

std::string S3Objects::place() const {
  return "s3://" + address_.bucket + (address_.prefix.empty() ? "" : "/" + address_.prefix) + " at " +
         address_.endpoint;
}

/// Names, buckets and prefixes need no escaping (is_object_name()), so that what is signed is what is sent.
std::string S3Objects::path_of(std::string_view name) const {
  return "/" + address_.bucket + "/" + address_.prefix + std::string(name);
}

S3Objects::Answer S3Objects::ask_once(const Request& request) {
  Answer answer;
  if (connection_->handle == nullptr) {
    answer.error = "libcurl could not be set up";
    return answer;
  }
  const Connection& curl = *connection_;
  curl_easy_reset(curl.handle);  // options, not the connection
  const std::string url = address_.endpoint + request.path;
  const std::string signing = "aws:amz:" + address_.region + ":s3";
  curl_slist* headers = nullptr;
  const auto add = [&](const std::string& header) { headers = curl_slist_append(headers, header.c_str()); };
  // Named here since libcurl up to 8.4 leaves the port out of what it signs.
  add("Host: " + host_of(address_.endpoint));
  add("x-amz-content-sha256: " + sha256_hex(request.body));
  if (!credentials_.session_token.empty()) add("x-amz-security-token: " + credentials_.session_token);
  if (request.first_bytes > 0) add("Range: bytes=0-" + std::to_string(request.first_bytes - 1));
  add("Expect:");  // no waiting for "100 Continue"
  if (request.method == "PUT") {
    add("Content-Type: application/octet-stream");
    curl.set(CURLOPT_POSTFIELDS, request.body.data());
    curl.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  if (request.method == "HEAD") {
    curl.set(CURLOPT_NOBODY, 1L);
  } else {
    curl.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  curl.set(CURLOPT_URL, url.c_str());
  curl.set(CURLOPT_HTTPHEADER, headers);
  curl.set(CURLOPT_AWS_SIGV4, signing.c_str());
  curl.set(CURLOPT_USERNAME, credentials_.access_key.c_str());
  curl.set(CURLOPT_PASSWORD, credentials_.secret_key.c_str());
  curl.set(CURLOPT_PATH_AS_IS, 1L);
  curl.set(CURLOPT_PROTOCOLS_STR, "http,https");
  curl.set(CURLOPT_NOSIGNAL, 1L);
  curl.set(CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl.set(CURLOPT_LOW_SPEED_LIMIT, kLeastBytesPerSecond);
  curl.set(CURLOPT_LOW_SPEED_TIME, kMostIdleSeconds);
  curl.set(CURLOPT_WRITEFUNCTION, keep_answer);
  curl.set(CURLOPT_WRITEDATA, &answer.body);
  curl.set(CURLOPT_NOPROGRESS, 0L);
  curl.set(CURLOPT_XFERINFOFUNCTION, ask_whether_cancelled);
  curl.set(CURLOPT_XFERINFODATA, &is_cancelled_);
  const CURLcode code = curl_easy_perform(curl.handle);
  curl_slist_free_all(headers);
  if (code == CURLE_OK) {
    curl_easy_getinfo(curl.handle, CURLINFO_RESPONSE_CODE, &answer.status);
  } else {
    answer.error = curl_easy_strerror(code);
    answer.body.clear();
  }
  return answer;
}

/// Twice as long each time, and not all clients at the same instant. False: cancelled meanwhile.
bool S3Objects::wait(int tries) const {
  const auto pause = kFirstRequestPause * (1 << tries) * (0.5 + core::random_fraction());
  const auto end = std::chrono::steady_clock::now() + pause;
  while (std::chrono::steady_clock::now() < end) {
    if (is_cancelled_()) return false;
    std::this_thread::sleep_for(kCancelPoll);
  }
  return true;
}

/// What the server answered, also that it refuses; an error when it is not to be had.
Result<S3Objects::Answer> S3Objects::ask(const Request& request) {
  for (int tries = 0;; ++tries) {
    if (is_cancelled_()) return Error{"archive_unavailable", "broken off: " + place()};
    Answer answer = ask_once(request);
    if (!may_pass(answer.status)) return answer;
    if (tries + 1 == kMostTriesOfRequest || !wait(tries)) return error_of(request, answer);
  }
}

Error S3Objects::error_of(const Request& request, const Answer& answer) const {
  const std::string where = "the bucket " + place() + ": ";
  if (answer.status == 0) return {"archive_unavailable", where + "no answer: " + answer.error};
  const std::string code = xml_text(answer.body, "Code").substr(0, kLongestCode);
  const std::string told = "it answered " + std::to_string(answer.status) + (code.empty() ? "" : " " + code) + " to " +
                           request.method + " " + request.path.substr(0, request.path.find('?'));
  if (code == "NoSuchBucket") return {"archive_missing", where + "there is no bucket of that name: make it"};
  if (answer.status == 401 || answer.status == 403 || code == "AuthorizationHeaderMalformed") {
    return {"archive_refused", where + told +
                                   ": are AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the region right, and may this "
                                   "key do that? A clock that is wrong by minutes has the same effect"};
  }
  if (answer.status == 507 || code == "QuotaExceeded" || code == "XMinioStorageFull") {
    return {"archive_full", where + told + ": give it room"};
  }
  return {may_pass(answer.status) ? "archive_unavailable" : "archive_refused", where + told};
}

Status S3Objects::put(std::string_view name, std::string_view bytes) {
  if (!is_object_name(name)) return Error{"invalid_archive", "'" + std::string(name) + "' is no name of an object"};
  const Request request{"PUT", path_of(name), bytes, 0};
  const auto answer = ask(request);
  if (!answer) return answer.error();
  return answer->status == 200 ? Status{} : Status{error_of(request, *answer)};
}

Result<std::optional<std::string>> S3Objects::get(std::string_view name) { return fetch(name, 0); }

Result<std::optional<std::string>> S3Objects::get_first(std::string_view name, std::size_t bytes) {
  return fetch(name, bytes);
}

/// All of it when `first_bytes` is 0.
Result<std::optional<std::string>> S3Objects::fetch(std::string_view name, std::size_t first_bytes) {
  if (!is_object_name(name)) return Error{"invalid_archive", "'" + std::string(name) + "' is no name of an object"};
  const Request request{"GET", path_of(name), {}, first_bytes};
  auto answer = ask(request);
  if (!answer) return answer.error();
  const bool is_part = first_bytes > 0;
  // A server that does not know ranges sends all of it.
  if (answer->status == 200 || (is_part && answer->status == 206)) {
    if (is_part) answer->body.resize(std::min(answer->body.size(), first_bytes));
    return std::optional(std::move(answer->body));
  }
  if (is_part && answer->status == 416) return std::optional(std::string());  // it has none
  if (answer->status == 404 && xml_text(answer->body, "Code") != "NoSuchBucket") return std::optional<std::string>();
  return error_of(request, *answer);
}

Result<bool> S3Objects::exists(std::string_view name) {
  if (!is_object_name(name)) return Error{"invalid_archive", "'" + std::string(name) + "' is no name of an object"};
  const Request request{"HEAD", path_of(name), {}, 0};
  const auto answer = ask(request);
  if (!answer) return answer.error();
  if (answer->status == 200 || answer->status == 404) return answer->status == 200;
  return error_of(request, *answer);
}

Result<std::vector<ObjectStore::Entry>> S3Objects::list_entries(std::string_view prefix) {
  std::vector<Entry> entries;
  const std::string whole_prefix = address_.prefix + std::string(prefix);
  std::string after;
  while (true) {
    // Sorted, as a signature wants them.
    std::string path = "/" + address_.bucket + "?list-type=2&prefix=" + query_value(whole_prefix);
    if (!after.empty()) path += "&start-after=" + query_value(after);
    const Request request{"GET", std::move(path), {}, 0};
    const auto answer = ask(request);
    if (!answer) return answer.error();
    if (answer->status != 200) return error_of(request, *answer);
    const auto keys = xml_texts(answer->body, "Key");
    const auto times = xml_texts(answer->body, "LastModified");
    for (std::size_t index = 0; index < keys.size(); ++index) {
      if (!keys[index].starts_with(whole_prefix)) continue;
      std::string name = keys[index].substr(address_.prefix.size());
      const auto time = index < times.size() ? core::parse_timestamp(times[index]) : std::nullopt;
      if (is_object_name(name)) entries.push_back({std::move(name), time.value_or(kUnknownTime)});
    }
    if (xml_text(answer->body, "IsTruncated") != "true" || keys.empty() || keys.back() == after) break;
    after = keys.back();
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

Status S3Objects::remove(std::string_view name) {
  if (!is_object_name(name)) return Error{"invalid_archive", "'" + std::string(name) + "' is no name of an object"};
  const Request request{"DELETE", path_of(name), {}, 0};
  const auto answer = ask(request);
  if (!answer) return answer.error();
  const bool is_gone = answer->status == 200 || answer->status == 204 ||
                       (answer->status == 404 && xml_text(answer->body, "Code") != "NoSuchBucket");
  return is_gone ? Status{} : Status{error_of(request, *answer)};
}

}  // namespace trapline::collector
