/// What each stage of digestion costs an event: CPU time of this thread, which another load on the machine does not
/// change much. Usage: bench_digest FOLDER [EVENTS]

#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include <libdeflate.h>
#include <simdjson.h>
#include <zlib.h>

#include "collector/digest/digest_event.h"
#include "collector/digest/event_reader.h"
#include "collector/storage/open_store.h"
#include "tests/bench/load_events.h"
#include "tests/bench/report.h"

namespace {

using namespace trapline::collector;

constexpr std::size_t kRun = 2'000;

double cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

/// Runs `work` for every index and reports its cost, the best of three rounds.
template <class Work>
void stage(const std::string& name, std::size_t count, double target, Work work) {
  double best = 1e18;
  for (int round = 0; round < 3; ++round) {
    const double begin = cpu_us();
    for (std::size_t index = 0; index < count; ++index) work(index);
    best = std::min(best, (cpu_us() - begin) / static_cast<double>(count));
  }
  trapline::bench::report("digest stage: " + name, best, "us", target);
}

std::string inflate(const std::string& packed, std::size_t size) {
  std::string text(size, '\0');
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  inflateInit2(&stream, kGzipWindow);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  ::inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  return text;
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

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 2) return EXIT_FAILURE;
  const std::size_t count = argument_count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 10'000;
  const trapline::bench::LoadEvents source;
  constexpr std::int64_t kNow = 1795223297698;
  std::vector<SpooledEvent> events(count);
  for (std::size_t index = 0; index < count; ++index) {
    SpooledEvent& event = events[index];
    event.sequence = static_cast<std::int64_t>(index);
    event.project_id = 1;
    event.payload = source.event(index, kNow);
    event.event_id = event.payload.substr(13, 32);
    event.received_at = kNow + static_cast<std::int64_t>(index / 100);
  }
  const std::size_t some = std::min<std::size_t>(count, kRun);
  {
    std::vector<std::string> packed;
    for (std::size_t index = 0; index < some; ++index) packed.push_back(gzip(events[index].payload));
    stage("gunzip (zlib), one event by itself", some, 20, [&](std::size_t index) {
      if (inflate(packed[index], events[index].payload.size()).empty()) std::abort();
    });
  }
  // How fast the machine is: libraries alone, on the same events. The design counts on 7 and 3.3 us for these.
  {
    std::vector<std::string> packed;
    for (std::size_t index = 0; index < some; ++index) packed.push_back(gzip(events[index].payload));
    libdeflate_decompressor* const inflater = libdeflate_alloc_decompressor();
    std::string text(std::size_t{64} << 10, '\0');
    stage("this machine: libdeflate", some, 7, [&](std::size_t index) {
      std::size_t size = 0;
      if (libdeflate_gzip_decompress(inflater, packed[index].data(), packed[index].size(), text.data(), text.size(),
                                     &size) != LIBDEFLATE_SUCCESS) {
        std::abort();
      }
    });
    libdeflate_free_decompressor(inflater);
    simdjson::dom::parser parser;
    stage("this machine: simdjson", some, 3.3, [&](std::size_t index) {
      if (parser.parse(events[index].payload).error() != simdjson::SUCCESS) std::abort();
    });
  }
  const DigestSettings settings = DigestSettings::defaults();
  stage("scrub", some, 40, [&](std::size_t index) {
    if (!settings.scrubber->scrub_event(events[index].payload)) std::abort();
  });
  stage("parse, read and normalise", some, 30, [&](std::size_t index) { read_event(events[index]); });
  double grouping = 1e18;
  for (int round = 0; round < 3; ++round) {
    double spent = 0;
    for (std::size_t index = 0; index < some; ++index) {
      const ReadEvent read = read_event(events[index]);
      const double begin = cpu_us();
      if (group_keys(read, kNewestGrouping).fine.empty()) std::abort();
      spent += cpu_us() - begin;
    }
    grouping = std::min(grouping, spent / static_cast<double>(some));
  }
  trapline::bench::report("digest stage: group", grouping, "us", 15);

  auto store = open_store("sqlite:" + std::string(arguments[1]) + "/stages.db").value();
  if (!store->create_project("p", std::string(32, 'a'))) return EXIT_FAILURE;
  double packing = 0;
  double storing = 0;
  std::size_t measured = 0;
  for (std::size_t begin = 0; begin < count; begin += kRun) {
    std::vector<DigestedEvent> batch;
    for (std::size_t index = begin; index < std::min(begin + kRun, count); ++index) {
      batch.push_back(digest_event(events[index], settings));
    }
    const double start = cpu_us();
    for (DigestedEvent& event : batch) {
      if (!store->pack(event)) return EXIT_FAILURE;
    }
    const double packed = cpu_us();
    if (!store->append(batch)) return EXIT_FAILURE;
    if (begin == 0) continue;  // before there is a dictionary
    packing += packed - start;
    storing += cpu_us() - packed;
    measured += batch.size();
  }
  if (measured == 0) return EXIT_FAILURE;
  trapline::bench::report("digest stage: compress (zstd, dictionary)", packing / static_cast<double>(measured), "us",
                          30);
  trapline::bench::report("digest stage: store (SQLite, runs of 2,000)", storing / static_cast<double>(measured), "us",
                          25);
  return EXIT_SUCCESS;
}
