#include <csignal>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/delivery/fallback_buffer.h"
#include "sdk/delivery/memory_buffer.h"
#include "tests/support/buffer_fixture.h"

using namespace trapline::tests;

TEST_CASE("where the file cannot grow, events go on from memory") {
  Fixture fixture;
  // In a child, as the limit holds for everything a process writes.
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    auto file = fixture.open();
    const rlimit limit{20'000, 20'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto buffer = with_fallback(std::move(file), make_memory_buffer(1 << 20, fixture.ledger));
    bool is_good = true;
    for (int number = 0; number < 20; ++number)
      is_good = buffer->add(kRun, 1, {item(number, 10'000)}) != Kept::kNot && is_good;
    const auto taken = buffer->take(ItemKind::kEvent, 100, SIZE_MAX);
    buffer->remove(taken, Fate::kDelivered);
    is_good = is_good && buffer->own_events() + fixture.ledger.of(Fate::kDelivered) == 20;
    is_good = is_good && fixture.ledger.of(Fate::kDelivered) > 0;
    _exit(is_good ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}
