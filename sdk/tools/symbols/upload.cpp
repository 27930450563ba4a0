#include "sdk/tools/symbols/upload.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include <curl/curl.h>
#include <zlib.h>

namespace trapline::tools {
namespace {

constexpr std::size_t kPart = std::size_t{64} << 10;
constexpr std::size_t kLongestAnswer = 4'096;
constexpr int kGzip = 16 + MAX_WBITS;

struct EndCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// Compresses a file while it is read: none is too large for it.
class CompressedFile {
 public:
  CompressedFile(const std::string& path, const UploadProgress& progress)
      : file_(path, std::ios::binary), all_(std::filesystem::file_size(path)), progress_(progress), part_(kPart) {
    is_good_ = file_.good() && deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~CompressedFile() { deflateEnd(&stream_); }
  CompressedFile(const CompressedFile&) = delete;
  CompressedFile& operator=(const CompressedFile&) = delete;

  [[nodiscard]] bool is_good() const { return is_good_; }

  /// Up to `room` bytes; 0 at the end.
  std::size_t read(char* to, std::size_t room) {
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = static_cast<uInt>(room);
    while (stream_.avail_out == room && !has_ended_) {
      if (stream_.avail_in == 0 && file_.good()) fill();
      has_ended_ = deflate(&stream_, file_.good() ? Z_NO_FLUSH : Z_FINISH) == Z_STREAM_END;
    }
    return room - stream_.avail_out;
  }

 private:
  void fill() {
    file_.read(part_.data(), static_cast<std::streamsize>(part_.size()));
    const auto got = static_cast<std::size_t>(file_.gcount());
    done_ += got;
    stream_.next_in = reinterpret_cast<Bytef*>(part_.data());
    stream_.avail_in = static_cast<uInt>(got);
    if (progress_) progress_(done_, all_);
  }

  std::ifstream file_;
  std::uint64_t all_;
  std::uint64_t done_ = 0;
  const UploadProgress& progress_;
  std::vector<char> part_;
  z_stream stream_{};
  bool is_good_ = false;
  bool has_ended_ = false;
};

std::size_t read_part(char* to, std::size_t size, std::size_t count, void* file) {
  return static_cast<CompressedFile*>(file)->read(to, size * count);
}

std::size_t take_answer(char* from, std::size_t size, std::size_t count, void* text) {
  auto& answer = *static_cast<std::string*>(text);
  answer.append(from, std::min(size * count, kLongestAnswer - std::min(answer.size(), kLongestAnswer)));
  return size * count;
}

}  // namespace

core::Result<bool> upload(const DebugFile& file, const UploadTarget& target, const UploadProgress& progress) {
  const auto failed = [&](const std::string& why) {
    return core::Error{"upload_failed", "'" + file.path + "' was not uploaded: " + why};
  };
  CompressedFile body(file.path, progress);
  const std::unique_ptr<CURL, EndCurl> curl(curl_easy_init());
  if (!curl || !body.is_good()) return failed("it cannot be read");
  std::string url = target.url;
  while (url.ends_with('/')) url.pop_back();
  url += "/api/v1/projects/" + target.project + "/debug-files/" + file.build_id;
  curl_slist* lines = nullptr;
  for (const std::string& line : {"Authorization: Bearer " + target.token, std::string("Content-Encoding: gzip"),
                                  std::string("Content-Type: application/octet-stream"),
                                  "X-Trapline-File: " + std::filesystem::path(file.path).filename().string(),
                                  std::string("Transfer-Encoding: chunked"), std::string("Expect:")}) {
    lines = curl_slist_append(lines, line.c_str());
  }
  const std::unique_ptr<curl_slist, FreeList> headers(lines);
  std::string answer;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_POST, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_READFUNCTION, read_part);
  curl_easy_setopt(curl.get(), CURLOPT_READDATA, &body);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, take_answer);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  constexpr long kConnectSeconds = 20;
  constexpr long kSlowSeconds = 60;
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, kSlowSeconds);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) return failed(curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  constexpr long kOk = 200;
  constexpr long kCreated = 201;
  if (status == kOk || status == kCreated) return status == kCreated;
  return failed("the collector answered " + std::to_string(status) + (answer.empty() ? "" : ": " + answer));
}

}  // namespace trapline::tools
