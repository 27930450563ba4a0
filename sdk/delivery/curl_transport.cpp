#include "sdk/delivery/curl_transport.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <curl/curl.h>

namespace trapline::sdk {
namespace {

constexpr long kConnectTimeoutMs = 5'000;
constexpr long kTotalTimeoutMs = 30'000;
constexpr std::size_t kMostAnswerBytes = std::size_t{1} << 20;

struct FreeHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::size_t keep_body(char* data, std::size_t, std::size_t size, void* answer) {
  std::string& body = static_cast<HttpAnswer*>(answer)->body;
  body.append(data, std::min(size, kMostAnswerBytes - body.size()));
  return size;
}

std::size_t keep_retry_after(char* data, std::size_t, std::size_t size, void* answer) {
  constexpr std::string_view kName = "retry-after:";
  const std::string_view line(data, size);
  const bool is_it =
      line.size() > kName.size() && std::equal(kName.begin(), kName.end(), line.begin(), [](char left, char right) {
        return left == std::tolower(static_cast<unsigned char>(right));
      });
  if (!is_it) return size;
  std::string_view value = line.substr(kName.size());
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  static_cast<HttpAnswer*>(answer)->retry_after = value.substr(0, value.find_last_not_of(" \t\r\n") + 1);
  return size;
}

int ask_to_abort(void* should_abort, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return (*static_cast<const std::function<bool()>*>(should_abort))() ? 1 : 0;
}

class CurlTransport final : public Transport {
 public:
  HttpAnswer post(const std::string& url, const std::vector<std::string>& headers, const std::string& body,
                  const std::function<bool()>& should_abort) override {
    HttpAnswer answer;
    if (!handle_) {
      answer.error = "libcurl could not be set up";
      return answer;
    }
    CURL* handle = handle_.get();
    curl_easy_reset(handle);  // options, not the connection
    std::unique_ptr<curl_slist, FreeList> list;
    for (const std::string& header : headers) {
      list.reset(curl_slist_append(list.release(), header.c_str()));
    }
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list.get());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);  // no SIGALRM in a program that is not ours
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, kTotalTimeoutMs);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, keep_retry_after);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &answer);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, ask_to_abort);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &should_abort);
    const CURLcode code = curl_easy_perform(handle);
    if (code != CURLE_OK) {
      answer = HttpAnswer{};
      answer.error = curl_easy_strerror(code);
      return answer;
    }
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    return answer;
  }

 private:
  std::unique_ptr<CURL, FreeHandle> handle_{curl_easy_init()};
};

}  // namespace

std::unique_ptr<Transport> make_curl_transport() { return std::make_unique<CurlTransport>(); }

}  // namespace trapline::sdk
