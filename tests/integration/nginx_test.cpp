/// The recommended nginx front (collector/deploy/nginx.conf) before a real collector, as it is but for its ports and
/// files.

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/collector_process.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::run_collector;
using trapline::tests::TemporaryFolder;

namespace {

constexpr const char* kNginx = "/usr/sbin/nginx";

pid_t start(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child != 0) return child;
  execvp(argv[0], argv.data());
  _exit(127);
}

int wait_for_exit(pid_t pid) {
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// One that was free a moment ago.
int find_free_port() {
  const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(file, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(file);
  return ntohs(address.sin_port);
}

void replace(std::string& text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  REQUIRE_MESSAGE(at != std::string::npos, "the configuration has no " << what);
  text.replace(at, what.size(), with);
}

class Nginx {
 public:
  Nginx(const TemporaryFolder& folder, int collector_port) : port_(find_free_port()) {
    const std::string own = folder.path("nginx");
    std::filesystem::create_directory(own);
    REQUIRE(wait_for_exit(start({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                                 "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", own + "/key.pem", "-out",
                                 own + "/cert.pem", "-batch"})) == 0);
    std::ifstream file(std::string(TRAPLINE_SOURCE_DIR) + "/collector/deploy/nginx.conf");
    std::string site{std::istreambuf_iterator<char>(file), {}};
    replace(site, "\n  server 127.0.0.1:8790;", "\n  server 127.0.0.1:" + std::to_string(collector_port) + ";");
    replace(site, "listen 443 ssl http2;", "listen 127.0.0.1:" + std::to_string(port_) + " ssl http2;");
    replace(site, "  listen [::]:443 ssl http2;\n", "");
    replace(site, "/etc/letsencrypt/live/trapline.example.com/fullchain.pem", own + "/cert.pem");
    replace(site, "/etc/letsencrypt/live/trapline.example.com/privkey.pem", own + "/key.pem");
    std::ofstream(own + "/site.conf") << site;
    std::ofstream main(own + "/nginx.conf");
    main << "daemon off; master_process off; pid " << own << "/pid; error_log " << own << "/error.log;\n"
         << "events {}\nhttp {\n  access_log off;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      main << "  " << kind << "_temp_path " << own << "/" << kind << ";\n";
    }
    main << "  include " << own << "/site.conf;\n}\n";
    main.close();
    pid_ = start({kNginx, "-p", own, "-e", own + "/error.log", "-c", own + "/nginx.conf"});
    wait_until_it_answers();
  }
  ~Nginx() {
    kill(pid_, SIGTERM);
    wait_for_exit(pid_);
  }
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  /// Whose connections come from `address`, one of this machine's.
  [[nodiscard]] std::unique_ptr<httplib::SSLClient> client(const std::string& address = "127.0.0.1") const {
    auto client = std::make_unique<httplib::SSLClient>("127.0.0.1", port_);
    client->enable_server_certificate_verification(false);
    client->set_interface(address);
    client->set_read_timeout(30);
    return client;
  }

 private:
  void wait_until_it_answers() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!client()->Get("/healthz")) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      REQUIRE(waitpid(pid_, nullptr, WNOHANG) == 0);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // polling, until the deadline
    }
  }

  int port_;
  pid_t pid_ = -1;
};

bool has_nginx() {
  if (access(kNginx, X_OK) == 0) return true;
  std::puts("SKIPPED: there is no nginx on this machine");
  return false;
}

}  // namespace

TEST_CASE("behind the recommended nginx an envelope is taken in, and its sender's address is seen") {
  if (!has_nginx()) return;
  const TemporaryFolder folder;
  CollectorProcess collector(folder.path("data"), {"--trusted-proxies", "127.0.0.1"});
  const Nginx nginx(folder, collector.port());
  const std::string path = "/api/1/envelope/?sentry_key=" + collector.key();
  const std::string envelope = "{}\n{\"type\":\"event\"}\n{\"message\":\"through nginx\"}\n";
  const auto send = [&](const std::string& from, const std::string& claims) {
    const auto answer =
        nginx.client(from)->Post(path, {{"X-Forwarded-For", claims}}, envelope, "application/x-sentry-envelope");
    REQUIRE(answer);
    return answer->status;
  };
  CHECK(send("127.0.0.1", "203.0.113.9") == 200);
  CHECK(collector.wait_for_events(1)[0]["value"] == "through nginx");
  // Only one address may send: whatever a client claims, it is the one nginx sees.
  CHECK(run_collector({"project", "set", "default", "--allowed-ips", "127.0.0.2", "--data", folder.path("data")})
            .exit_status == 0);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (send("127.0.0.3", "127.0.0.2") != 403) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // polling, until the change is noticed
  }
  CHECK(send("127.0.0.2", "203.0.113.9") == 200);
  CHECK(nginx.client("127.0.0.2")->Get("/metrics")->status == 403);
  CHECK(nginx.client("127.0.0.1")->Get("/metrics")->status == 200);
}

TEST_CASE("behind the recommended nginx, what it refuses itself is told as the collector tells it") {
  if (!has_nginx()) return;
  const TemporaryFolder folder;
  auto collector = std::make_unique<CollectorProcess>(folder.path("data"));
  const Nginx nginx(folder, collector->port());
  const std::string path = "/v1/events?sentry_key=" + collector->key();
  const auto send = [&](std::size_t bytes) {
    auto answer = nginx.client()->Post(path, std::string(bytes, ' '), "application/json");
    REQUIRE(answer);
    CHECK(answer->get_header_value("Access-Control-Allow-Origin") == "*");
    return answer;
  };
  // Over the collector's limit it is the collector's to say so, over nginx's nginx's.
  for (const std::size_t bytes : {(std::size_t{20} << 20) + 1, std::size_t{22} << 20}) {
    const auto answer = send(bytes);
    CHECK(answer->status == 413);
    CHECK(json::parse(answer->body)["error"]["code"] == "body_too_large");
  }
  collector.reset();
  const auto away = send(2);
  CHECK(away->status == 503);
  CHECK(away->get_header_value("Retry-After") == "10");
  CHECK(json::parse(away->body)["error"]["code"] == "busy");
}
