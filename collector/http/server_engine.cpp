#include "collector/http/server_engine.h"

#include <algorithm>
#include <utility>

namespace trapline::collector {

/// One request and what becomes of it.
struct HttpServer::Engine::Exchange {
  HttpRequest request;
  const RequestHead* head = nullptr;
  std::size_t max_body_bytes = 0;  ///< for this request
  bool body_is_read = false;
  /// The one that this thread serves: the library's handlers get only the library's view of a request.
  static thread_local Exchange* current;
};

thread_local HttpServer::Engine::Exchange* HttpServer::Engine::Exchange::current = nullptr;

/// A request's part of the memory for bodies: grown while one is read, given back at the end.
class HttpServer::Engine::BodyShare {
 public:
  BodyShare(std::atomic<std::size_t>& total, std::size_t max_total) : total_(total), max_total_(max_total) {}
  ~BodyShare() { total_.fetch_sub(bytes_, std::memory_order_relaxed); }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;

  /// False when all bodies together would have too much. Relaxed: only the sum matters, it publishes nothing.
  bool grow(std::size_t bytes) {
    if (total_.fetch_add(bytes, std::memory_order_relaxed) + bytes > max_total_) {
      total_.fetch_sub(bytes, std::memory_order_relaxed);
      return false;
    }
    bytes_ += bytes;
    return true;
  }

 private:
  std::atomic<std::size_t>& total_;
  const std::size_t max_total_;
  std::size_t bytes_ = 0;
};

namespace {

HttpRequest to_request(const RequestHead& head, const std::string& remote_address) {
  HttpRequest request;
  request.method = head.method;
  const std::size_t query_at = head.target.find('?');
  request.path = head.target.substr(0, query_at);
  if (query_at != std::string::npos) {
    request.query = QueryParameters::parse(std::string_view(head.target).substr(query_at + 1));
  }
  request.headers = head.headers;
  request.remote_address = remote_address;
  return request;
}

/// What a sender merely announces is not worth more than this much memory.
constexpr std::size_t kBodyReserve = std::size_t{64} << 10;

/// Methods whose bodies mean something; what others bring along is not read.
bool takes_body(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

void write_into(httplib::Response& target, HttpResponse response) {
  target.status = response.status;
  target.body = std::move(response.body);
  if (!response.content_type.empty()) target.set_header("Content-Type", response.content_type);
  for (const auto& [name, value] : response.headers) target.set_header(name, value);
}

}  // namespace

HttpServer::Engine::Engine(HttpApplication& application, std::size_t max_body_bytes_at_once)
    : application_(application), max_body_bytes_at_once_(max_body_bytes_at_once) {
  set_pre_routing_handler([this](const httplib::Request&, httplib::Response& response) {
    return answer_without_body(*Exchange::current, response);
  });
  const auto with_body = [this](const httplib::Request&, httplib::Response& response,
                                const httplib::ContentReader& reader) {
    answer_with_body(*Exchange::current, response, reader);
  };
  Post("/", with_body).Put("/", with_body).Patch("/", with_body);
}

HttpServer::Engine::Outcome HttpServer::Engine::process(ConnectionStream& stream, const RequestHead& head,
                                                        const std::string& remote_address) {
  Exchange exchange{.request = to_request(head, remote_address), .head = &head};
  exchange.max_body_bytes = application_.max_body_bytes(exchange.request);

  RequestHead framing = head;
  const bool is_too_long = head.content_length.value_or(0) > exchange.max_body_bytes;
  const bool will_close = !head.keep_alive || is_too_long || (head.has_body() && !takes_body(head.method));
  framing.keep_alive = !will_close;
  framing.expects_continue = head.expects_continue && !is_too_long;
  stream.put_in_front(framing_head(framing));

  Exchange::current = &exchange;
  bool library_says_close = false;
  const bool is_answered = process_request(stream, will_close, library_says_close, nullptr);
  Exchange::current = nullptr;
  if (!exchange.body_is_read) return Outcome::kUnreadBody;
  return is_answered && !will_close && stream.front_is_read() ? Outcome::kReusable : Outcome::kEnd;
}

void HttpServer::Engine::refuse(ConnectionStream& stream, const HeadProblem& problem) {
  // The library only answers requests it has parsed, and this is none.
  const HttpResponse response = application_.refuse({}, problem.status, problem.code, problem.message);
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " Refused\r\nConnection: close\r\n";
  text += "Content-Type: " + response.content_type + "\r\n";
  text += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  for (const auto& [name, value] : response.headers) text += name + ": " + value + "\r\n";
  static_cast<void>(stream.write_all(text + "\r\n" + response.body));
}

httplib::Server::HandlerResponse HttpServer::Engine::answer_without_body(Exchange& exchange,
                                                                         httplib::Response& response) {
  const RequestHead& head = *exchange.head;
  if (head.has_body() && takes_body(head.method)) {
    if (head.content_length.value_or(0) <= exchange.max_body_bytes) return HandlerResponse::Unhandled;
    write_into(response, too_large(exchange));
    return HandlerResponse::Handled;
  }
  exchange.body_is_read = !head.has_body();
  write_into(response, application_.handle(exchange.request));
  return HandlerResponse::Handled;
}

void HttpServer::Engine::answer_with_body(Exchange& exchange, httplib::Response& response,
                                          const httplib::ContentReader& reader) {
  HttpResponse answer = read_and_handle(exchange, reader);
  if (!exchange.body_is_read) answer.set_header("Connection", "close");
  write_into(response, std::move(answer));
}

HttpResponse HttpServer::Engine::read_and_handle(Exchange& exchange, const httplib::ContentReader& reader) {
  enum class Problem { kNone, kTooLarge, kNoMemory };
  Problem problem = Problem::kNone;
  BodyShare share(body_bytes_at_once_, max_body_bytes_at_once_);
  std::string& body = exchange.request.body;
  body.reserve(std::min<std::size_t>(exchange.head->content_length.value_or(0), kBodyReserve));
  exchange.body_is_read = reader([&](const char* bytes, std::size_t count) {
    if (body.size() + count > exchange.max_body_bytes) {
      problem = Problem::kTooLarge;
    } else if (!share.grow(count)) {
      problem = Problem::kNoMemory;
    } else {
      body.append(bytes, count);
    }
    return problem == Problem::kNone;
  });
  if (problem == Problem::kTooLarge) return too_large(exchange);
  if (problem == Problem::kNoMemory) {
    HttpResponse response = application_.refuse(exchange.request, 503, "busy",
                                                "too many large requests at the moment; try again in a few seconds");
    response.set_header("Retry-After", "2");
    return response;
  }
  if (!exchange.body_is_read) {
    return application_.refuse(exchange.request, 400, "incomplete_body",
                               "the body ended early, came too slowly, or has broken chunked framing");
  }
  return application_.handle(exchange.request);
}

HttpResponse HttpServer::Engine::too_large(const Exchange& exchange) {
  return application_.refuse(exchange.request, 413, "body_too_large",
                             "the body is over the limit of " + std::to_string(exchange.max_body_bytes) + " bytes");
}

}  // namespace trapline::collector
