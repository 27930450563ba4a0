/// How fast the collector is: starts one, sends it events and waits until all of them are issues in its store.
///
///   bench_collector PROGRAM FOLDER BATCH EVENTS CONNECTIONS [RATE [DATABASE]]
///
/// PROGRAM is trapline-collector; FOLDER is made for its data and must not exist. BATCH is the number of events in a
/// request (1: single events), sent over so many keep-alive connections, gzip -6. RATE is requests a second in all;
/// left out or 0: as fast as they are answered. DATABASE is the URL of
/// an empty one; left out: a SQLite file. The bodies are made before the clock starts, so the generator costs little
/// beside what sending costs. Latencies are those of the whole request, from the instant it was due when there is a
/// rate. Figures as in report.h, one a line.

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <httplib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/bench/load_events.h"
#include "tests/bench/report.h"

namespace {

using trapline::bench::nanos;
namespace fs = std::filesystem;

struct Options {
  std::string program;
  std::string folder;
  std::size_t batch = 100;
  std::size_t events = 0;
  std::size_t connections = 0;
  double rate = 0;
  std::string database;
};

struct Running {
  pid_t pid = -1;
  int port = 0;
  std::string key;
  double start_ms = 0;
};

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "bench_collector: " << why << "\n";
  std::exit(EXIT_FAILURE);
}

/// The field of a log line, which is JSON.
std::string log_field(const std::string& line, const std::string& name) {
  const std::string start = "\"" + name + "\":\"";
  const std::size_t at = line.find(start);
  if (at == std::string::npos) return "";
  return line.substr(at + start.size(), line.find('"', at + start.size()) - at - start.size());
}

Running start(const Options& options, std::string key) {
  const std::string log = options.folder + ".log";
  const std::int64_t begin = nanos();
  Running running;
  running.key = std::move(key);
  running.pid = fork();
  if (running.pid == 0) {
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, STDERR_FILENO);
    const char* further = options.database.empty() ? nullptr : "--database";
    execl(options.program.c_str(), options.program.c_str(), "serve", "--data", options.folder.c_str(), "--listen",
          "127.0.0.1:0", further, options.database.c_str(), nullptr);
    _exit(127);
  }
  while (running.port == 0) {
    if (nanos() - begin > 30'000'000'000) give_up("the collector did not start, see " + log);
    std::ifstream lines(log);
    for (std::string line; std::getline(lines, line);) {
      const std::string dsn = log_field(line, "dsn");
      if (!dsn.empty()) running.key = dsn.substr(dsn.find("//") + 2, 32);
      const std::string url = log_field(line, "url");
      if (!url.empty()) running.port = std::atoi(url.substr(url.rfind(':') + 1).c_str());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // polling, until the deadline
  }
  running.start_ms = static_cast<double>(nanos() - begin) / 1e6;
  return running;
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  deflateInit2(&stream, 6, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

struct Bodies {
  std::vector<std::string> bodies;
  std::size_t json_bytes = 0;
};

Bodies make_bodies(const Options& options) {
  const trapline::bench::LoadEvents events;
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  Bodies made;
  made.bodies.resize((options.events + options.batch - 1) / options.batch);
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> bytes{0};
  const auto work = [&] {
    for (std::size_t index = next++; index < made.bodies.size(); index = next++) {
      std::string body;
      const std::size_t end = std::min(options.events, (index + 1) * options.batch);
      for (std::size_t number = index * options.batch; number < end; ++number) {
        body += events.event(number, now) + (options.batch > 1 ? "\n" : "");
      }
      bytes += body.size();
      made.bodies[index] = gzip(body);
    }
  };
  std::thread other(work);
  work();
  other.join();
  made.json_bytes = bytes;
  return made;
}

double metric(httplib::Client& client, const std::string& name) {
  const auto answer = client.Get("/metrics");
  if (!answer) give_up("the collector does not answer /metrics");
  const std::size_t at = answer->body.find("\n" + name + " ");
  return at == std::string::npos ? 0 : std::atof(answer->body.c_str() + at + name.size() + 2);
}

/// Peak resident memory so far in MiB, from /proc/PID/status; or what it is now.
double resident_mib(pid_t pid, const std::string& field) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(field, 0) == 0) return std::atof(line.c_str() + field.size() + 1) / 1024.0;
  }
  return 0;
}

/// Of the files whose path below the folder has the name in it.
double bytes_in(const std::string& folder, const std::string& name) {
  double bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().lexically_relative(folder).string().find(name) != std::string::npos)
      bytes += static_cast<double>(entry.file_size());
  }
  return bytes;
}

struct Sent {
  std::vector<std::int64_t> latencies;
  std::size_t refused = 0;
};

Sent send_all(const Options& options, const Running& running, const Bodies& bodies) {
  std::atomic<std::size_t> next{0};
  std::vector<Sent> parts(options.connections);
  std::vector<std::thread> threads;
  const std::int64_t begin = nanos();
  for (Sent& part : parts) {
    threads.emplace_back([&] {
      httplib::Client client("127.0.0.1", running.port);
      client.set_keep_alive(true);
      client.set_tcp_nodelay(true);
      client.set_read_timeout(60);
      const httplib::Headers headers = {{"Authorization", "Trapline " + running.key}, {"Content-Encoding", "gzip"}};
      const char* type = options.batch > 1 ? "application/x-ndjson" : "application/json";
      for (std::size_t index = next++; index < bodies.bodies.size(); index = next++) {
        std::int64_t due = nanos();
        if (options.rate > 0) {
          due = begin + static_cast<std::int64_t>(static_cast<double>(index) * 1e9 / options.rate);
          std::this_thread::sleep_for(std::chrono::nanoseconds(due - nanos()));  // the rate is what is asked for
        }
        const auto answer = client.Post("/v1/events", headers, bodies.bodies[index], type);
        if (!answer || answer->status != 202) ++part.refused;
        part.latencies.push_back(nanos() - due);
      }
    });
  }
  Sent all;
  for (std::size_t index = 0; index < threads.size(); ++index) {
    threads[index].join();
    all.latencies.insert(all.latencies.end(), parts[index].latencies.begin(), parts[index].latencies.end());
    all.refused += parts[index].refused;
  }
  return all;
}

}  // namespace

int main(int count, char** arguments) {
  using trapline::bench::report;
  if (count < 6) give_up("usage: bench_collector PROGRAM FOLDER BATCH EVENTS CONNECTIONS [RATE]");
  Options options;
  options.program = arguments[1];
  options.folder = arguments[2];
  options.batch = std::strtoul(arguments[3], nullptr, 10);
  options.events = std::strtoul(arguments[4], nullptr, 10);
  options.connections = std::strtoul(arguments[5], nullptr, 10);
  if (count > 6) options.rate = std::atof(arguments[6]);
  if (count > 7) options.database = arguments[7];
  const std::string name =
      "collector, " +
      (options.batch > 1 ? "batches of " + std::to_string(options.batch) : std::string("single events")) +
      (options.rate > 0 ? " at " + std::to_string(static_cast<int>(options.rate)) + "/s" : "") + ": ";

  const Bodies bodies = make_bodies(options);
  Running running = start(options, "");
  httplib::Client client("127.0.0.1", running.port);
  client.set_keep_alive(true);
  client.set_tcp_nodelay(true);
  client.set_read_timeout(60);
  report(name + "JSON bytes an event", static_cast<double>(bodies.json_bytes) / static_cast<double>(options.events),
         "bytes", 12'000);
  report(name + "memory when idle", resident_mib(running.pid, "VmRSS:"), "MiB", 25);
  const double cpu_before = metric(client, "process_cpu_seconds_total");
  const std::int64_t begin = nanos();
  Sent sent = send_all(options, running, bodies);
  const std::int64_t accepted_at = nanos();
  double digested = 0;
  while (digested < static_cast<double>(options.events - sent.refused * options.batch)) {
    digested = metric(client, "trapline_events_digested_total");
    if (nanos() - accepted_at > 120'000'000'000) give_up("only " + std::to_string(digested) + " events were digested");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // polling, until the deadline
  }
  const std::int64_t digested_at = nanos();
  const double cpu = metric(client, "process_cpu_seconds_total") - cpu_before;
  const auto events = static_cast<double>(options.events);
  const auto per_second = [&](std::int64_t end) { return events * 1e9 / static_cast<double>(end - begin); };
  const bool is_full_speed = options.rate <= 0;
  report(name + "accepted", per_second(accepted_at), "events/s",
         is_full_speed ? (options.batch > 1 ? -10'000 : -4'000) : -1);
  report(name + "digested, drain included", per_second(digested_at), "events/s",
         is_full_speed && options.batch > 1 ? -10'000 : -1);
  report(name + "answer p50", trapline::bench::percentile(sent.latencies, 0.5) / 1000, "ms",
         is_full_speed ? 10'000 : 50);
  report(name + "answer p99", trapline::bench::percentile(sent.latencies, 0.99) / 1000, "ms",
         is_full_speed ? 10'000 : 50);
  report(name + "requests refused", static_cast<double>(sent.refused), "requests", 0);
  report(name + "collector's CPU an event", cpu * 1e6 / events, "us", 100);
  report(name + "peak memory", resident_mib(running.pid, "VmHWM:"), "MiB", 150);

  // What is on disk is counted when the write-ahead log is folded in, as it is on a clean end.
  kill(running.pid, SIGTERM);
  waitpid(running.pid, nullptr, 0);
  if (options.database.empty()) {
    report(name + "store on disk an event", bytes_in(options.folder, "trapline") / events, "bytes", 1228);
  }
  // Starting flushes small files, and would wait for the load's own gigabytes on their way to the disk.
  sync();
  std::vector<std::int64_t> starts_us;
  for (int round = 0; round < 5; ++round) {
    running = start(options, running.key);
    starts_us.push_back(static_cast<std::int64_t>(running.start_ms * 1e6));
    kill(running.pid, SIGTERM);
    waitpid(running.pid, nullptr, 0);
  }
  report(name + "start with these events, median of five", trapline::bench::percentile(starts_us, 0.5) / 1000, "ms",
         100);
  return EXIT_SUCCESS;
}
