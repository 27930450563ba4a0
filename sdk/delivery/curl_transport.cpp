#include "sdk/delivery/curl_transport.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <curl/curl.h>

#include "sdk/core/loaded_library.h"

namespace trapline::sdk {
namespace {

constexpr long kConnectTimeoutMs = 5'000;
constexpr long kTotalTimeoutMs = 30'000;
constexpr std::size_t kMostAnswerBytes = std::size_t{1} << 20;

/// The functions of libcurl that are used. Options of both kinds are set through one pointer each, as the variadic
/// originals cannot be checked here.
struct CurlLibrary {
  decltype(&::curl_global_init) global_init = nullptr;
  decltype(&::curl_easy_init) easy_init = nullptr;
  decltype(&::curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&::curl_easy_reset) easy_reset = nullptr;
  CURLcode (*easy_setopt)(CURL*, CURLoption, ...) = nullptr;
  decltype(&::curl_easy_perform) easy_perform = nullptr;
  CURLcode (*easy_getinfo)(CURL*, CURLINFO, ...) = nullptr;
  decltype(&::curl_easy_strerror) easy_strerror = nullptr;
  decltype(&::curl_slist_append) slist_append = nullptr;
  decltype(&::curl_slist_free_all) slist_free_all = nullptr;
};

/// nullptr when it is not installed.
const CurlLibrary* load_curl() {
  const std::lock_guard loading(core::loading_mutex());
  static const CurlLibrary* const kLoaded = []() -> const CurlLibrary* {
    static CurlLibrary curl;
    // Whichever of its builds is there: they differ in the TLS library.
    for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl-nss.so.4", "libcurl.4.dylib"}) {
      core::LoadedLibrary library({name});
      library.find(curl.global_init, "curl_global_init");
      library.find(curl.easy_init, "curl_easy_init");
      library.find(curl.easy_cleanup, "curl_easy_cleanup");
      library.find(curl.easy_reset, "curl_easy_reset");
      library.find(curl.easy_setopt, "curl_easy_setopt");
      library.find(curl.easy_perform, "curl_easy_perform");
      library.find(curl.easy_getinfo, "curl_easy_getinfo");
      library.find(curl.easy_strerror, "curl_easy_strerror");
      library.find(curl.slist_append, "curl_slist_append");
      library.find(curl.slist_free_all, "curl_slist_free_all");
      if (library.is_complete() && curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) return &curl;
    }
    return nullptr;
  }();
  return kLoaded;
}

std::size_t keep_body(char* data, std::size_t, std::size_t size, void* answer) {
  std::string& body = static_cast<HttpAnswer*>(answer)->body;
  body.append(data, std::min(size, kMostAnswerBytes - body.size()));
  return size;
}

std::size_t keep_header(char* data, std::size_t, std::size_t size, void* argument) {
  HttpAnswer& answer = *static_cast<HttpAnswer*>(argument);
  const std::string_view line(data, size);
  if (!read_header(line, "retry-after", answer.retry_after)) {
    read_header(line, "x-sentry-rate-limits", answer.rate_limits);
  }
  return size;
}

int ask_to_abort(void* should_abort, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return (*static_cast<const std::function<bool()>*>(should_abort))() ? 1 : 0;
}

class CurlTransport final : public Transport {
 public:
  explicit CurlTransport(TransportOptions options) : options_(std::move(options)) {}
  ~CurlTransport() override {
    if (handle_ != nullptr) curl_->easy_cleanup(handle_);
  }
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;

  HttpAnswer post(const std::string& url, const std::vector<std::string>& headers, const std::string& body,
                  const std::function<bool()>& should_abort) override {
    HttpAnswer answer;
    if (curl_ == nullptr) curl_ = load_curl();
    if (curl_ == nullptr) {
      answer.error = "libcurl (libcurl.so.4) is needed for HTTPS and proxies and is not installed";
      return answer;
    }
    if (handle_ == nullptr) handle_ = curl_->easy_init();
    if (handle_ == nullptr) {
      answer.error = "libcurl could not be set up";
      return answer;
    }
    curl_->easy_reset(handle_);                                  // options, not the connection
    curl_slist* list = curl_->slist_append(nullptr, "Expect:");  // no waiting for "100 Continue"
    for (const std::string& header : headers) list = curl_->slist_append(list, header.c_str());
    set_options(url, body);
    set(CURLOPT_HTTPHEADER, list);
    set(CURLOPT_WRITEDATA, &answer);
    set(CURLOPT_HEADERDATA, &answer);
    set(CURLOPT_XFERINFODATA, &should_abort);
    const CURLcode code = curl_->easy_perform(handle_);
    curl_->slist_free_all(list);
    if (code != CURLE_OK) return {0, "", "", curl_->easy_strerror(code), ""};
    long status = 0;
    curl_->easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    return answer;
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_->easy_setopt(handle_, option, value);
  }

  void set_options(const std::string& url, const std::string& body) {
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_POSTFIELDS, body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_NOSIGNAL, 1L);  // no SIGALRM in a program that is not ours
    set(CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
    set(CURLOPT_TIMEOUT_MS, kTotalTimeoutMs);
    set(CURLOPT_WRITEFUNCTION, keep_body);
    set(CURLOPT_HEADERFUNCTION, keep_header);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, ask_to_abort);
    if (!options_.proxy.empty()) set(CURLOPT_PROXY, options_.proxy.c_str());
    if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());
  }

  const TransportOptions options_;
  const CurlLibrary* curl_ = nullptr;
  CURL* handle_ = nullptr;
};

}  // namespace

std::unique_ptr<Transport> make_curl_transport(const TransportOptions& options) {
  return std::make_unique<CurlTransport>(options);
}

}  // namespace trapline::sdk
