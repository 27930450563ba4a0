#ifndef TRAPLINE_CURL_HPP
#define TRAPLINE_CURL_HPP

/// Records the requests that a program makes with libcurl: include it where requests are made, and call
/// trapline::perform(handle) instead of curl_easy_perform(handle). Header-only; the program links libcurl itself.

#include <curl/curl.h>
#include <trapline/trapline.h>

namespace trapline {

/// Performs the request and records it (trapline_record_http()): method, URL, status, duration, and libcurl's error.
/// With `capture_failures`, a status of 500 and above, or no answer, is also captured as an event. Answers what libcurl
/// did.
inline CURLcode perform(CURL* handle, bool capture_failures = false) {
  const CURLcode code = curl_easy_perform(handle);
  trapline_http_request request{};
  const char* url = nullptr;
  curl_easy_getinfo(handle, CURLINFO_EFFECTIVE_URL, &url);
  request.url = url != nullptr ? url : "";
  const char* method = nullptr;
#if LIBCURL_VERSION_NUM >= 0x074800
  curl_easy_getinfo(handle, CURLINFO_EFFECTIVE_METHOD, &method);
#endif
  request.method = method;
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  request.status = code == CURLE_OK ? static_cast<int>(status) : 0;
  double seconds = 0;
  curl_easy_getinfo(handle, CURLINFO_TOTAL_TIME, &seconds);
  request.duration_ms = seconds * 1000;
  request.error = code == CURLE_OK ? nullptr : curl_easy_strerror(code);
  request.capture_failures = capture_failures ? 1 : 0;
  trapline_record_http(&request, nullptr);
  return code;
}

}  // namespace trapline

#endif
