/// trapline-symbols on real programs: what it finds, splits and sends is what reads their stacks.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "tests/crash/crash_run.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using namespace trapline::tests;

namespace {

struct Output {
  int status = 0;
  std::string text;  ///< standard output and standard error
};

Output run_tool(const std::string& arguments) {
  std::FILE* const pipe = popen((std::string(TRAPLINE_SYMBOLS) + " " + arguments + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  Output output;
  std::array<char, 4096> part{};
  while (const std::size_t got = std::fread(part.data(), 1, part.size(), pipe)) output.text.append(part.data(), got);
  output.status = WEXITSTATUS(pclose(pipe));
  return output;
}

/// A copy of crash_program, in a folder of its own.
struct Copied {
  TemporaryFolder folder;
  std::string program = folder.path("shop");
  Copied() { std::filesystem::copy_file(TRAPLINE_CRASH_PROGRAM, program); }
};

/// What a collector is sent.
class DebugFileReceiver {
 public:
  DebugFileReceiver() {
    server_.Post(R"(/api/v1/projects/7/debug-files/([0-9a-f]+))", [this](const httplib::Request& request,
                                                                         httplib::Response& response) {
      const std::lock_guard lock(mutex_);
      build_id = request.matches[1];
      token = request.get_header_value("Authorization");
      name = request.get_header_value("X-Trapline-File");
      body = request.body;  // inflated by the server's library
      response.status = answer;
      response.set_content(R"({"error":{"code":"forbidden","message":"the token may not write"}})", "application/json");
    });
    port = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~DebugFileReceiver() {
    server_.stop();
    thread_.join();
  }
  DebugFileReceiver(const DebugFileReceiver&) = delete;
  DebugFileReceiver& operator=(const DebugFileReceiver&) = delete;

  [[nodiscard]] std::string options() const {
    return "--url http://127.0.0.1:" + std::to_string(port) + "/ --token secret --project 7 ";
  }

  int port = 0;
  int answer = 201;
  std::string build_id;
  std::string token;
  std::string name;
  std::string body;

 private:
  httplib::Server server_;
  std::mutex mutex_;
  std::thread thread_;
};

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("list tells the build id of a program and what it holds") {
  const Output output = run_tool("list --json " TRAPLINE_CRASH_PROGRAM);
  CHECK(output.status == 0);
  const json file = json::parse(output.text);
  CHECK(file["kind"] == "program");
  CHECK(file["build_id"].get<std::string>().size() == 40);
  CHECK(file["has_debug_information"] == true);
  CHECK(file["has_unwind_tables"] == true);
  CHECK(json::parse(run_tool("list --json " TRAPLINE_CRASH_PLUGIN).text)["kind"] == "library");
}

TEST_CASE("what is no program is refused by name") {
  const TemporaryFolder folder;
  std::ofstream(folder.path("text")) << "plain text";
  const Output output = run_tool("list " + folder.path("text"));
  CHECK(output.status == 1);
  CHECK(output.text.find("is no program") != std::string::npos);
  CHECK(run_tool("list " + folder.path("nothing")).text.find("cannot read") != std::string::npos);
  CHECK(run_tool("split " + folder.path("text")).status == 1);
}

TEST_CASE("a program whose debug information was split off still has its stacks read by line") {
  const Copied copied;
  const auto size = std::filesystem::file_size(copied.program);
  const Output output = run_tool("split " + copied.program);
  CHECK(output.status == 0);
  CHECK(output.text == copied.program + ".debug\n");
  CHECK(std::filesystem::file_size(copied.program) < size / 3);
  const json stripped = json::parse(run_tool("list --json " + copied.program).text);
  const json debug = json::parse(run_tool("list --json " + copied.program + ".debug").text);
  CHECK(stripped["has_debug_information"] == false);
  CHECK(stripped["debug_link"] == "shop.debug");
  CHECK(debug["kind"] == "debug information");
  CHECK(debug["build_id"] == stripped["build_id"]);

  RecordingReceiver receiver;
  const Program program{copied.program, receiver.dsn(), copied.folder.path("data")};
  CHECK(WTERMSIG(program.run("null-write").status) == SIGSEGV);
  CHECK(program.run("deliver").status == 0);
  const auto events = receiver.events();
  REQUIRE(events.size() == 1);
  const json frame = events[0]["exception"]["values"][0]["stacktrace"]["frames"].back();
  CHECK(frame["function"] == "app::write_to_null()");
  CHECK(frame["filename"] == "faults.h");
  // A second time there is nothing to split.
  CHECK(run_tool("split " + copied.program).text.find("has no debug information") != std::string::npos);
}

TEST_CASE("upload sends a file whole, under its build id") {
  const Copied copied;
  DebugFileReceiver receiver;
  const Output output = run_tool("upload " + receiver.options() + copied.folder.path(""));
  CHECK(output.text == "1 uploaded, 0 known already\n");
  CHECK(output.status == 0);
  CHECK(receiver.build_id == json::parse(run_tool("list --json " + copied.program).text)["build_id"]);
  CHECK(receiver.token == "Bearer secret");
  CHECK(receiver.name == "shop");
  CHECK(receiver.body == content_of(copied.program));
  receiver.answer = 200;
  CHECK(run_tool("upload " + receiver.options() + copied.program).text == "0 uploaded, 1 known already\n");
}

TEST_CASE("an upload that is refused, or that nobody takes, says why") {
  DebugFileReceiver receiver;
  receiver.answer = 403;
  const Output refused = run_tool("upload " + receiver.options() + TRAPLINE_CRASH_PROGRAM);
  CHECK(refused.status == 1);
  CHECK(refused.text.find("the collector answered 403") != std::string::npos);
  CHECK(refused.text.find("the token may not write") != std::string::npos);
  const Output alone = run_tool("upload --url http://127.0.0.1:1 --token x --project 7 " TRAPLINE_CRASH_PROGRAM);
  CHECK(alone.status == 1);
  CHECK(alone.text.find("was not uploaded") != std::string::npos);
}
