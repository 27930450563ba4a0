/// How fast questions are answered at size: fills a database with events of 30 days, and then asks what the dashboard
/// asks, while events go on coming in; then for how long retention and erasure hold up those who write.
/// Usage: bench_store DATABASE_URL [EVENTS [ISSUES [SAMPLES]]]
///
/// The database is an empty one, or one that this program has filled: then that is left out. A figure of each question,
/// in milliseconds, goes to standard output (report.h), all of them as a table to standard error. SAMPLES of 0: it is
/// filled only.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "collector/digest/stored_payload.h"
#include "collector/storage/open_store.h"
#include "collector/storage/retention.h"
#include "collector/storage/search_parser.h"
#include "collector/storage/user_rights.h"
#include "tests/bench/report.h"
#include "tests/bench/store_events.h"

namespace {

using namespace trapline::collector;
using trapline::bench::Dice;
using trapline::bench::StoreEvents;

constexpr std::int64_t kDay = 86'400'000;
constexpr std::size_t kBatch = 2'000;
constexpr int kInflowBatch = 100;  ///< each 100 ms: 1,000 events/s
constexpr std::chrono::milliseconds kInflowPace{100};

constexpr double kListMs = 50;
constexpr double kPageMs = 30;
constexpr double kTextMs = 150;
constexpr double kStatsMs = 50;
constexpr double kSliceMs = 5;
/// So that a thousand events a second are kept up with.
constexpr double kBatchMs = 100;
/// Of retention and of erasure each.
constexpr int kMostSlices = 2'000;

[[noreturn]] void fail(const std::string& what, const Error& error) {
  std::fprintf(stderr, "bench_store: %s: %s\n", what.c_str(), error.message.c_str());
  std::exit(EXIT_FAILURE);
}

template <class T>
T need(const char* what, Result<T> result) {
  if (!result) fail(what, result.error());
  return std::move(*result);
}

std::int64_t unix_millis() { return trapline::core::system_clock().unix_millis(); }

void fill(Store& store, StoreEvents& events, std::size_t count) {
  const std::int64_t end = unix_millis();
  const std::int64_t begin = end - trapline::bench::kBenchDays * kDay;
  const std::int64_t started = trapline::bench::nanos();
  std::vector<DigestedEvent> batch;
  for (std::size_t number = 0; number < count;) {
    batch.clear();
    for (; batch.size() < kBatch && number < count; ++number) {
      const double share = static_cast<double>(number) / static_cast<double>(count);
      batch.push_back(events.event(begin + static_cast<std::int64_t>(share * static_cast<double>(end - begin))));
    }
    need("filling", store.append(batch));
    if (number % (kBatch * 25) != 0 && number != count) continue;
    const double seconds = static_cast<double>(trapline::bench::nanos() - started) / 1e9;
    std::fprintf(stderr, "\r%zu of %zu events, %.0f/s ", number, count, static_cast<double>(number) / seconds);
  }
  std::fprintf(stderr, "\n");
}

/// What retention does beside taking events away: a collector has done it long ago for most of what is there.
void settle(Store& store) {
  const std::int64_t started = trapline::bench::nanos();
  std::int64_t steps = 0;
  while (need("settling", store.retain({.days = 0})).has_more) ++steps;
  std::fprintf(stderr, "settled in %lld steps, %.0f s\n", static_cast<long long>(steps),
               static_cast<double>(trapline::bench::nanos() - started) / 1e9);
}

/// Events go on coming in as long as it lives.
class Inflow {
 public:
  Inflow(Store& store, StoreEvents& events) : thread_([this, &store, &events] { run(store, events); }) {}
  ~Inflow() {
    is_ending_ = true;
    thread_.join();
  }
  Inflow(const Inflow&) = delete;
  Inflow& operator=(const Inflow&) = delete;

  /// How long its batches took since this was asked last, in ns.
  std::vector<std::int64_t> take_times() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(times_, {});
  }

 private:
  void run(Store& store, StoreEvents& events) {
    auto next = std::chrono::steady_clock::now();
    std::vector<DigestedEvent> batch;
    while (!is_ending_) {
      batch.clear();
      for (int number = 0; number < kInflowBatch; ++number) batch.push_back(events.event(unix_millis()));
      const std::int64_t begin = trapline::bench::nanos();
      need("storing what comes in", store.append(batch));
      {
        const std::scoped_lock lock(mutex_);
        times_.push_back(trapline::bench::nanos() - begin);
      }
      next += kInflowPace;
      std::this_thread::sleep_until(next);
    }
  }

  std::atomic<bool> is_ending_{false};
  std::mutex mutex_;
  std::vector<std::int64_t> times_;
  std::thread thread_;
};

void tell(const std::string& name, std::vector<std::int64_t> times, double target_ms) {
  if (times.empty()) return;
  const double p50 = trapline::bench::percentile(times, 0.5) / 1e3;
  const double p95 = trapline::bench::percentile(times, 0.95) / 1e3;
  const double most = trapline::bench::percentile(times, 1) / 1e3;
  std::fprintf(stderr, "%-58s %8.1f %8.1f %8.1f %6.0f%s\n", name.c_str(), p50, p95, most, target_ms,
               p95 > target_ms ? "  MISSED" : "");
  trapline::bench::report("store: " + name + ", p95", p95, "ms", target_ms);
}

class Questions {
 public:
  Questions(Store& store, std::size_t samples) : store_(store), samples_(samples) {}

  /// `ask` is given the number of the sample: each asks for something else where it can.
  void measure(const std::string& name, double target_ms, const std::function<void(std::size_t)>& ask) {
    constexpr std::size_t kWarm = 5;
    std::vector<std::int64_t> times;
    for (std::size_t sample = 0; sample < samples_ + kWarm; ++sample) {
      const std::int64_t begin = trapline::bench::nanos();
      ask(sample);
      if (sample >= kWarm) times.push_back(trapline::bench::nanos() - begin);
    }
    tell(name, std::move(times), target_ms);
  }

  void list(const std::string& search, double target_ms, IssueSort sort = IssueSort::kLastSeen,
            bool is_of_all = false) {
    static constexpr const char* kSorts[] = {"last seen", "first seen", "events", "users", "id"};
    const std::string name =
        "issues: '" + search + "' by " + kSorts[static_cast<int>(sort)] + (is_of_all ? ", all" : "");
    measure(name, target_ms, [&](std::size_t sample) {
      IssueQuery query;
      if (!is_of_all) query.project_id = static_cast<ProjectId>(1 + sample % trapline::bench::kBenchProjects);
      query.search = need("search", parse_search(search, {.now = unix_millis(), .me = "me"}));
      query.sort = sort;
      query.with_environments = true;
      need(name.c_str(), store_.find_issues(query));
    });
  }

 private:
  Store& store_;
  std::size_t samples_;
};

void ask_lists(Questions& questions) {
  for (const IssueSort sort : {IssueSort::kLastSeen, IssueSort::kFirstSeen, IssueSort::kCount, IssueSort::kUserCount}) {
    questions.list("", kListMs, sort, true);
    questions.list("is:unresolved level:error", kListMs, sort);
    questions.list("environment:staging", kListMs, sort);
    questions.list("browser:\"Chrome 103\" os:Linux", kListMs, sort);
  }
  const std::string recent = StoreEvents::release_at(unix_millis());
  for (const std::string& search :
       std::vector<std::string>{"is:resolved",
                                "level:fatal",
                                "release:" + recent,
                                "release:shop@2.*",
                                "release:>=shop@2.50.0",
                                "firstSeen:-24h",
                                "times_seen:>1000",
                                "assigned:me",
                                "is:unassigned users:>100",
                                "browser:Chrome*",
                                "plan:free",
                                "shard:7",
                                "shard:nothing",
                                "has:region",
                                "!has:region",
                                "!plan:free",
                                "user.email:user77@example.com",
                                "user.id:4000",
                                "plan:team OR region:eu-west",
                                "(level:fatal OR level:warning) !environment:dev server_name:web-3",
                                "platform:python type:KeyError",
                                "transaction:/bafo/{id}"}) {
    questions.list(search, kListMs);
    questions.list(search, kListMs, IssueSort::kCount, true);
  }
}

void ask_texts(Questions& questions) {
  const std::string rare = StoreEvents::word(4'321);
  const std::string other = StoreEvents::word(77);
  for (const std::string& search : std::vector<std::string>{
           rare, "TypeError", rare + " OR " + other, "\"clicked " + rare + "\"", "number level:fatal",
           "KeyError " + other + " level:error", "\"of number 7\" environment:staging", "nobody said this",
           rare.substr(0, 4), "!KeyError"}) {
    questions.list(search, kTextMs);
    questions.list(search, kTextMs, IssueSort::kLastSeen, true);
  }
}

/// What the page of an issue needs: the issue, its tags and hours, the newest event and the list of events.
void ask_pages(Questions& questions, Store& store, IssueSort sort, const std::string& which) {
  std::vector<Issue> issues;
  for (ProjectId project = 1; project <= trapline::bench::kBenchProjects; ++project) {
    IssueQuery query;
    query.project_id = project;
    query.sort = sort;
    const auto page = need("issues", store.find_issues(query));
    issues.insert(issues.end(), page.items.begin(), page.items.end());
  }
  questions.measure("issue page: " + which, kPageMs, [&](std::size_t sample) {
    const IssueId id = issues[sample * 7 % issues.size()].id;
    const auto issue = need("issue", store.find_issue(id));
    need("tags", store.list_issue_tags(id));
    need("hours", store.count_by_hour(id, unix_millis() - 14 * kDay, unix_millis()));
    need("history", store.list_history(id));
    EventQuery query;
    query.issue_id = id;
    query.with_payload = false;
    const auto events = need("events", store.find_events(query));
    if (!events.items.empty()) need("event", store.find_event(issue->project_id, events.items.front().event.event_id));
  });
  questions.measure("30 days of an issue: " + which, kStatsMs, [&](std::size_t sample) {
    need("hours", store.count_by_hour(issues[sample * 7 % issues.size()].id, unix_millis() - 30 * kDay, unix_millis()));
  });
}

void ask_rest(Questions& questions, Store& store) {
  questions.measure("30 days of a project", kStatsMs, [&](std::size_t sample) {
    const auto project = static_cast<ProjectId>(1 + sample % trapline::bench::kBenchProjects);
    need("stats", store.sum_ledger(project, unix_millis() - 30 * kDay, unix_millis()));
  });
  for (const char* key : {"browser", "shard"}) {
    questions.measure(std::string("completion of values of ") + key, kListMs, [&](std::size_t sample) {
      CompletionQuery query;
      query.of = CompletionQuery::Of::kTagValues;
      query.project_id = static_cast<ProjectId>(1 + sample % trapline::bench::kBenchProjects);
      query.key = key;
      need("completion", store.complete_search(query));
    });
  }
  questions.measure("events of a project", kListMs, [&](std::size_t sample) {
    EventQuery query;
    query.project_id = static_cast<ProjectId>(1 + sample % trapline::bench::kBenchProjects);
    query.with_payload = false;
    need("events", store.find_events(query));
  });
}

void tell_slices(const std::string& what, std::vector<std::int64_t> slices, Inflow& inflow) {
  tell(what + ": others waited", std::move(slices), kSliceMs);
  tell(what + ": a batch of 100 events meanwhile", inflow.take_times(), kBatchMs);
}

void retain(Store& store, Inflow& inflow, const std::string& what, const RetentionPolicy& policy) {
  std::vector<std::int64_t> slices;
  for (int steps = 0; steps < kMostSlices; ++steps) {
    const RetentionStep step = need(what.c_str(), store.retain(policy));
    if (step.held_writer.count() > 0) slices.push_back(step.held_writer.count() * 1'000);
    if (!step.has_more) break;
  }
  tell_slices(what, std::move(slices), inflow);
}

/// It takes from the database: must come last.
void ask_slices(Store& store, Inflow& inflow) {
  inflow.take_times();
  std::this_thread::sleep_for(std::chrono::seconds(5));
  tell("a batch of 100 events, with nothing beside it", inflow.take_times(), kBatchMs);
  const std::int64_t used = need("bytes", store.retain({.days = 0, .most_bytes = std::int64_t{1} << 60})).bytes_used;
  retain(store, inflow, "thinning", {.days = 0, .most_bytes = used - used / 20});
  retain(store, inflow, "days that are too old", {.days = trapline::bench::kBenchDays - 2});
  const StoredPayloadReader reader(std::nullopt);
  const UserSelector user{{{UserField::kEmail, "user77@example.com"}}, std::nullopt};
  const auto erasure = need("erasure", store.begin_erasure(user, reader, false));
  std::vector<std::int64_t> slices;
  for (int steps = 0; steps < kMostSlices; ++steps) {
    const ErasureStep step = need("erasure", store.erase_some(*erasure));
    if (step.held_writer.count() > 0) slices.push_back(step.held_writer.count() * 1'000);
    if (!step.has_more) break;
  }
  tell_slices("a user is erased", std::move(slices), inflow);
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 2) {
    std::fprintf(stderr, "usage: bench_store DATABASE_URL [EVENTS [ISSUES [SAMPLES]]]\n");
    return EXIT_FAILURE;
  }
  const auto number = [&](int index, std::size_t otherwise) {
    return argument_count > index ? std::strtoul(arguments[index], nullptr, 10) : otherwise;
  };
  const std::size_t count = number(2, 200'000);
  const auto store = need("open", open_store(arguments[1]));
  const bool is_new = need("projects", store->list_projects()).empty();
  for (int project = 1; is_new && project <= trapline::bench::kBenchProjects; ++project) {
    need("project", store->create_project("project " + std::to_string(project),
                                          std::string(32, static_cast<char>('a' + project))));
  }
  constexpr std::uint64_t kSeed = 88172645463325252;
  const std::uint64_t seed = is_new ? kSeed : kSeed + static_cast<std::uint64_t>(unix_millis());
  StoreEvents events(*store, number(3, 20'000), seed);
  if (is_new) fill(*store, events, count);
  const std::size_t samples = number(4, 100);
  if (samples == 0) return EXIT_SUCCESS;
  settle(*store);
  std::fprintf(stderr, "%-58s %8s %8s %8s %6s\n", "ms, while 1,000 events/s come in", "p50", "p95", "most", "target");
  Inflow inflow(*store, events);
  Questions questions(*store, samples);
  ask_lists(questions);
  ask_texts(questions);
  ask_pages(questions, *store, IssueSort::kCount, "those with most events");
  ask_pages(questions, *store, IssueSort::kLastSeen, "those seen last");
  ask_rest(questions, *store);
  ask_slices(*store, inflow);
  return EXIT_SUCCESS;
}
