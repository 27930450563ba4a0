#include "sdk/delivery/windows/winhttp_transport.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include <windows.h>
#include <winhttp.h>

#include "sdk/core/windows/wide_text.h"

namespace trapline::sdk {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int kConnectTimeoutMs = 5'000;
constexpr std::chrono::milliseconds kTotalTimeout{30'000};
constexpr DWORD kAskEveryMs = 50;
constexpr std::size_t kMostAnswerBytes = std::size_t{1} << 20;

/// A handle of WinHTTP's, closed at the end.
class HttpHandle {
 public:
  explicit HttpHandle(HINTERNET handle = nullptr) : handle_(handle) {}
  HttpHandle(HttpHandle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  HttpHandle& operator=(HttpHandle&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~HttpHandle() { close(); }

  [[nodiscard]] HINTERNET get() const { return handle_; }
  void close() {
    if (handle_ != nullptr) WinHttpCloseHandle(std::exchange(handle_, nullptr));
  }

 private:
  HINTERNET handle_;
};

/// What the system's threads tell of a request. It is held by the request, too, until that says that it is closed.
struct Progress {
  HANDLE changed = CreateEventW(nullptr, FALSE, FALSE, nullptr);
  HANDLE closed = CreateEventW(nullptr, TRUE, FALSE, nullptr);
  std::atomic<DWORD> status{0};
  std::atomic<DWORD> error{0};
  std::atomic<DWORD> bytes{0};  ///< that were read

  Progress() = default;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    CloseHandle(changed);
    CloseHandle(closed);
  }
};

void CALLBACK on_progress(HINTERNET, DWORD_PTR context, DWORD status, void* information, DWORD bytes) {
  auto* const progress = reinterpret_cast<Progress*>(context);  // NOLINT(performance-no-int-to-ptr)
  if (progress == nullptr) return;
  switch (status) {
    case WINHTTP_CALLBACK_STATUS_REQUEST_ERROR:
      progress->error.store(static_cast<const WINHTTP_ASYNC_RESULT*>(information)->dwError);
      break;
    case WINHTTP_CALLBACK_STATUS_READ_COMPLETE:
      progress->bytes.store(bytes);
      break;
    case WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE:
    case WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE:
      break;
    case WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING:
      SetEvent(progress->closed);
      return;
    default:
      return;
  }
  progress->status.store(status);
  SetEvent(progress->changed);
}

std::string words_for(DWORD error) {
  switch (error) {
    case ERROR_WINHTTP_CANNOT_CONNECT:
      return "cannot connect";
    case ERROR_WINHTTP_NAME_NOT_RESOLVED:
      return "the host's name is not known";
    case ERROR_WINHTTP_TIMEOUT:
      return "no answer in time";
    case ERROR_WINHTTP_CONNECTION_ERROR:
      return "the connection was lost";
    case ERROR_WINHTTP_SECURE_FAILURE:
      return "the server's certificate is not trusted";
    case ERROR_WINHTTP_INVALID_SERVER_RESPONSE:
      return "the answer is no HTTP";
    default:
      return "WinHTTP's error " + std::to_string(error);
  }
}

/// One POST.
class Request {
 public:
  Request(HINTERNET handle, const std::function<bool()>& should_abort)
      : handle_(handle), should_abort_(should_abort), give_up_at_(Steady::now() + kTotalTimeout) {
    auto context = reinterpret_cast<DWORD_PTR>(&progress_);
    WinHttpSetOption(handle, WINHTTP_OPTION_CONTEXT_VALUE, &context, sizeof context);
    DWORD never = WINHTTP_OPTION_REDIRECT_POLICY_NEVER;
    WinHttpSetOption(handle, WINHTTP_OPTION_REDIRECT_POLICY, &never, sizeof never);
  }
  /// The system's threads may use `progress_` until it says that it has let go of it.
  ~Request() {
    handle_.close();
    WaitForSingleObject(progress_.closed, INFINITE);
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  HttpAnswer run(const std::vector<std::string>& headers, const std::string& body) {
    std::wstring lines;
    for (const std::string& header : headers) lines += core::widen(header) + L"\r\n";
    const auto bytes = static_cast<DWORD>(body.size());
    // The functions only read what they send.
    const bool is_begun =
        WinHttpSendRequest(handle_.get(), lines.c_str(), static_cast<DWORD>(lines.size()),
                           const_cast<char*>(body.data()), bytes, bytes, reinterpret_cast<DWORD_PTR>(&progress_)) != 0;
    if (!is_begun || !wait_for(WINHTTP_CALLBACK_STATUS_SENDREQUEST_COMPLETE)) return failed();
    if (WinHttpReceiveResponse(handle_.get(), nullptr) == 0 || !wait_for(WINHTTP_CALLBACK_STATUS_HEADERS_AVAILABLE))
      return failed();
    HttpAnswer answer;
    DWORD status = 0;
    DWORD size = sizeof status;
    WinHttpQueryHeaders(handle_.get(), WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER, nullptr, &status, &size,
                        nullptr);
    answer.retry_after = header(L"Retry-After");
    answer.rate_limits = header(L"X-Sentry-Rate-Limits");
    if (!read_body(answer.body)) return failed();
    answer.status = static_cast<int>(status);
    return answer;
  }

 private:
  bool wait_for(DWORD status) {
    while (true) {
      const bool has_changed = WaitForSingleObject(progress_.changed, kAskEveryMs) == WAIT_OBJECT_0;
      if (progress_.error.load() != 0) return false;
      if (has_changed && progress_.status.load() == status) return true;
      if (should_abort_()) return give_up("aborted");
      if (Steady::now() >= give_up_at_) return give_up("no answer in time");
    }
  }
  bool give_up(const char* why) {
    reason_ = why;
    return false;
  }

  /// Reads to the end, so that the connection can be used again; keeps the beginning.
  bool read_body(std::string& body) {
    std::array<char, 8192> part{};
    while (true) {
      if (WinHttpReadData(handle_.get(), part.data(), static_cast<DWORD>(part.size()), nullptr) == 0 ||
          !wait_for(WINHTTP_CALLBACK_STATUS_READ_COMPLETE)) {
        return false;
      }
      const std::size_t got = progress_.bytes.load();
      if (got == 0) return true;
      body.append(part.data(), std::min(got, kMostAnswerBytes - body.size()));
    }
  }

  [[nodiscard]] std::string header(const wchar_t* name) const {
    std::array<wchar_t, 512> value{};
    auto size = static_cast<DWORD>(value.size() * sizeof(wchar_t));
    const bool is_there =
        WinHttpQueryHeaders(handle_.get(), WINHTTP_QUERY_CUSTOM, name, value.data(), &size, nullptr) != 0;
    return is_there ? core::narrow({value.data(), size / sizeof(wchar_t)}) : std::string();
  }

  [[nodiscard]] HttpAnswer failed() const {
    HttpAnswer answer;
    const DWORD error = progress_.error.load();
    answer.error = !reason_.empty() ? reason_ : words_for(error != 0 ? error : GetLastError());
    return answer;
  }

  Progress progress_;
  HttpHandle handle_;
  const std::function<bool()>& should_abort_;
  const Steady::time_point give_up_at_;
  std::string reason_;
};

class WinHttpTransport final : public Transport {
 public:
  explicit WinHttpTransport(TransportOptions options) : options_(std::move(options)) {}

  HttpAnswer post(const std::string& url, const std::vector<std::string>& headers, const std::string& body,
                  const std::function<bool()>& should_abort) override {
    if (!options_.ca_file.empty())
      return no_answer("ca_file cannot be used on Windows: put the certificate into the machine's store");
    if (session_.get() == nullptr && !open()) return no_answer("WinHTTP cannot be used: " + words_for(GetLastError()));
    const std::wstring address = core::widen(url);
    URL_COMPONENTSW parts{};
    parts.dwStructSize = sizeof parts;
    parts.dwHostNameLength = parts.dwUrlPathLength = parts.dwExtraInfoLength = static_cast<DWORD>(-1);
    if (WinHttpCrackUrl(address.c_str(), 0, 0, &parts) == 0) return no_answer("'" + url + "' is no URL");
    const std::wstring host(parts.lpszHostName, parts.dwHostNameLength);
    const std::wstring path(parts.lpszUrlPath, parts.dwUrlPathLength + parts.dwExtraInfoLength);
    if (connection_.get() == nullptr || host != host_ || parts.nPort != port_) {
      connection_ = HttpHandle(WinHttpConnect(session_.get(), host.c_str(), parts.nPort, 0));
      host_ = host;
      port_ = parts.nPort;
    }
    const DWORD secure = parts.nScheme == INTERNET_SCHEME_HTTPS ? WINHTTP_FLAG_SECURE : 0;
    HINTERNET handle = WinHttpOpenRequest(connection_.get(), L"POST", path.c_str(), nullptr, WINHTTP_NO_REFERER,
                                          WINHTTP_DEFAULT_ACCEPT_TYPES, secure | WINHTTP_FLAG_ESCAPE_DISABLE);
    if (handle == nullptr) return no_answer(words_for(GetLastError()));
    return Request(handle, should_abort).run(headers, body);
  }

 private:
  static HttpAnswer no_answer(std::string why) {
    HttpAnswer answer;
    answer.error = std::move(why);
    return answer;
  }

  bool open() {
    const std::wstring proxy = core::widen(options_.proxy);
    const DWORD kind = proxy.empty() ? WINHTTP_ACCESS_TYPE_AUTOMATIC_PROXY : WINHTTP_ACCESS_TYPE_NAMED_PROXY;
    const auto open_as = [&](DWORD access) {
      return WinHttpOpen(L"trapline", access, proxy.empty() ? WINHTTP_NO_PROXY_NAME : proxy.c_str(),
                         WINHTTP_NO_PROXY_BYPASS, WINHTTP_FLAG_ASYNC);
    };
    session_ = HttpHandle(open_as(kind));
    // Before Windows 8.1.
    if (session_.get() == nullptr && proxy.empty()) session_ = HttpHandle(open_as(WINHTTP_ACCESS_TYPE_DEFAULT_PROXY));
    if (session_.get() == nullptr) return false;
    const int total = static_cast<int>(kTotalTimeout.count());
    WinHttpSetTimeouts(session_.get(), kConnectTimeoutMs, kConnectTimeoutMs, total, total);
    WinHttpSetStatusCallback(session_.get(), on_progress,
                             WINHTTP_CALLBACK_FLAG_ALL_COMPLETIONS | WINHTTP_CALLBACK_FLAG_HANDLES, 0);
    return true;
  }

  const TransportOptions options_;
  HttpHandle session_;
  HttpHandle connection_;
  std::wstring host_;
  INTERNET_PORT port_ = 0;
};

}  // namespace

std::unique_ptr<Transport> make_winhttp_transport(const TransportOptions& options) {
  return std::make_unique<WinHttpTransport>(options);
}

}  // namespace trapline::sdk
