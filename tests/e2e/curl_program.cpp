/// Makes one request with libcurl, recorded by trapline/curl.hpp. Usage: curl_program URL

#include <cstdlib>

#include <curl/curl.h>
#include <trapline/curl.hpp>
#include <trapline/trapline.hpp>

int main(int, char** arguments) {
  trapline::Options options;
  options.dsn = std::getenv("TRAPLINE_DSN");
  if (!trapline::init(options)) return 2;
  CURL* const handle = curl_easy_init();
  curl_easy_setopt(handle, CURLOPT_URL, arguments[1]);
  trapline::perform(handle, /*capture_failures=*/true);
  curl_easy_cleanup(handle);
  return trapline::shutdown(std::chrono::seconds(20)).ok() ? 0 : 1;
}
