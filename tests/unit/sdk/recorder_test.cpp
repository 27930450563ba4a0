#include "sdk/recorder/recorder.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/recorder/scope_fields.h"
#include "tests/support/temporary_folder.h"

using namespace trapline::sdk;
using trapline::tests::TemporaryFolder;

namespace {

std::unique_ptr<Recorder> make_recorder(const std::string& folder) {
  auto recorder = Recorder::create({.folder = folder, .now = 1795223297000});
  REQUIRE_MESSAGE(recorder.ok(), recorder.error().message);
  return std::move(*recorder);
}

void write_event(Recorder& recorder, std::string_view text) {
  const auto room = recorder.events().reserve(text.size());
  std::copy(text.begin(), text.end(), room.payload);
  recorder.events().commit(room, RecordKind::kEvent, 0);
}

/// Runs `work` in a child that then dies without saying goodbye.
template <class Work>
void die_after(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WEXITSTATUS(status) == 0);
}

BreadcrumbView breadcrumb(std::string_view message) {
  BreadcrumbView view;
  view.timestamp = 5;
  view.category = "test";
  view.message = message;
  return view;
}

std::vector<std::string> messages(std::string_view rows) {
  std::vector<std::string> found;
  FieldReader reader(rows);
  while (const auto field = reader.next()) found.emplace_back(read_breadcrumb(*field).message);
  return found;
}

}  // namespace

TEST_CASE("what a process recorded is found after its death: events, scope, breadcrumbs, facts, counters") {
  const TemporaryFolder folder;
  die_after([&] {
    auto recorder = make_recorder(folder.path(""));
    write_event(*recorder, "event one");
    ScopeFields scope(1000);
    scope.set(FieldKind::kTag, 0, "shop", "berlin");
    recorder->publish_scope(scope.row());
    recorder->breadcrumbs().add(breadcrumb("clicked"));
    recorder->publish_facts("{\"os\":1}");
    recorder->ledger().captured = 7;
    recorder->ledger().count(Fate::kSampled, 2);
    static_cast<void>(recorder.release());  // no goodbye
  });
  const auto found = find_abandoned(folder.path(""));
  REQUIRE(found.size() == 1);
  const AbandonedRecorder& recorder = *found[0];
  auto events = recorder.events(0);
  const auto event = events.next();
  REQUIRE(event);
  CHECK(event->payload.substr(0, 9) == "event one");
  CHECK_FALSE(events.next());
  FieldReader scope(recorder.scope());
  CHECK(scope.next()->value == "berlin");
  CHECK(messages(recorder.breadcrumbs()) == std::vector<std::string>{"clicked"});
  CHECK(recorder.facts() == "{\"os\":1}");
  CHECK(recorder.ledger().captured == 7);
  CHECK(recorder.ledger().of(Fate::kSampled) == 2);
}

TEST_CASE("a recorder whose process lives is left alone, by itself and by others") {
  const TemporaryFolder folder;
  const auto recorder = make_recorder(folder.path(""));
  write_event(*recorder, "alive");
  CHECK(find_abandoned(folder.path("")).empty());
  die_after([&] {
    if (!find_abandoned(folder.path("")).empty()) _exit(1);
  });
  CHECK(std::filesystem::exists(folder.path(recorder->run_id() + ".recorder")));
}

TEST_CASE("of two processes that look at once, one gets an abandoned recorder") {
  const TemporaryFolder folder;
  die_after([&] { static_cast<void>(make_recorder(folder.path("")).release()); });
  const auto found = find_abandoned(folder.path(""));
  REQUIRE(found.size() == 1);
  die_after([&] {
    if (!find_abandoned(folder.path("")).empty()) _exit(1);
  });
}

TEST_CASE("files that are no recorder are removed, other files are not touched") {
  const TemporaryFolder folder;
  std::ofstream(folder.path("aa.recorder")) << "nonsense";
  std::ofstream(folder.path("bb.recorder")) << std::string(kSmallestRecorder, 'x');
  std::ofstream(folder.path("events.db")) << "x";
  CHECK(find_abandoned(folder.path("")).empty());
  CHECK_FALSE(std::filesystem::exists(folder.path("aa.recorder")));
  CHECK_FALSE(std::filesystem::exists(folder.path("bb.recorder")));
  CHECK(std::filesystem::exists(folder.path("events.db")));
}

TEST_CASE("a folder that cannot be written gives an error that names it, and memory alone does without") {
  const auto failed = Recorder::create({.folder = "/proc/nowhere"});
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().message.find("/proc/nowhere") != std::string::npos);
  const auto in_memory = Recorder::create({});
  REQUIRE(in_memory.ok());
  write_event(**in_memory, "works");
  CHECK((*in_memory)->events().peek(0)->payload.substr(0, 5) == "works");
}

TEST_CASE("a recorder that would not fit is refused when it is made, not by a signal when it is written") {
  const TemporaryFolder folder;
  die_after([&] {
    const rlimit limit{100'000, 100'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    if (Recorder::create({.folder = folder.path("")}).ok()) _exit(1);
  });
  CHECK(std::filesystem::is_empty(folder.path("")));
}

TEST_CASE("the recorder's file is its owner's alone") {
  const TemporaryFolder folder;
  const auto recorder = make_recorder(folder.path(""));
  struct stat status {};
  REQUIRE(stat(folder.path(recorder->run_id() + ".recorder").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("the last breadcrumbs are kept, by number and by bytes, oldest out first") {
  const TemporaryFolder folder;
  const auto recorder = make_recorder(folder.path(""));
  BreadcrumbRing& ring = recorder->breadcrumbs();
  const auto kept = [&] {
    std::string rows(ring.bytes(), '\0');
    ring.copy_to(rows.data());
    return messages(rows);
  };
  for (int number = 0; number < 1'000; ++number) {
    REQUIRE(ring.add(
        breadcrumb("crumb " + std::to_string(number) + std::string(static_cast<std::size_t>(number % 300), 'x'))));
    const auto now = kept();
    REQUIRE(now.size() == std::min<std::size_t>(100, static_cast<std::size_t>(number) + 1));
    REQUIRE(now.back().starts_with("crumb " + std::to_string(number)));
  }
  const std::string large(20'000, 'y');
  for (int number = 0; number < 20; ++number) REQUIRE(ring.add(breadcrumb(large)));
  CHECK(kept().size() == 6);
  CHECK_FALSE(ring.add(breadcrumb(std::string(kBreadcrumbBytes, 'z'))));
  ring.clear();
  CHECK(kept().empty());
  CHECK(ring.add(breadcrumb("again")));
  CHECK(kept() == std::vector<std::string>{"again"});
}

TEST_CASE("a scope holds one value per kind and key, within its bytes") {
  ScopeFields scope(64);
  CHECK(scope.set(FieldKind::kTag, 0, "a", "1"));
  CHECK(scope.set(FieldKind::kTag, 0, "a", "22"));
  CHECK(scope.set(FieldKind::kExtra, 0, "a", "other kind"));
  CHECK_FALSE(scope.set(FieldKind::kTag, 0, "b", std::string(100, 'x')));
  FieldReader reader(scope.row());
  CHECK(reader.next()->value == "22");
  CHECK(reader.next()->value == "other kind");
  CHECK_FALSE(reader.next());
  scope.remove(FieldKind::kTag, "a");
  scope.remove_all(FieldKind::kExtra);
  CHECK(scope.row().empty());
}
