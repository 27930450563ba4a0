/// What waits for one client of live updates, without a socket.

#include "collector/http/event_stream.h"

#include <string>

#include <doctest/doctest.h>

using namespace trapline::collector;

namespace {

std::string take_all(EventStream& stream) {
  std::string all;
  for (std::string text; !(text = stream.take()).empty();) all += text;
  return all;
}

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++count;
  return count;
}

}  // namespace

TEST_CASE("an event is sent with its id, its name and its data") {
  EventStream stream({make_event("p-1", "issue", "{}")});
  stream.send(make_missed_event("p-2", 3));
  CHECK(take_all(stream) ==
        "id: p-1\nevent: issue\ndata: {}\n\n"
        "id: p-2\nevent: missed\ndata: {\"count\":3}\n\n");
  CHECK(make_missed_event("p-3", std::nullopt)->text == "id: p-3\nevent: missed\ndata: {\"count\":null}\n\n");
}

TEST_CASE("what a client does not take in time is left out, and it is told once how many, before it is told more") {
  EventStream stream;
  const std::string data(100'000, 'x');
  constexpr int kSent = 100;
  for (int number = 1; number <= kSent; ++number) stream.send(make_event(std::to_string(number), "issue", data));
  std::string taken = stream.take();
  // There is room again, but it has not yet been told.
  stream.send(make_event(std::to_string(kSent + 1), "issue", data));
  taken += take_all(stream);
  const std::size_t told = count_of(taken, "event: issue");
  CHECK(told * data.size() <= EventStream::kMostBytes);
  CHECK(told >= EventStream::kMostBytes / data.size() - 1);
  // Its id is that of the last one left out: who comes back with it has been told of the gap.
  CHECK(taken.ends_with("id: 101\nevent: missed\ndata: {\"count\":" + std::to_string(kSent + 1 - told) + "}\n\n"));
  CHECK(count_of(taken, "event: missed") == 1);
  stream.send(make_event("102", "issue", "{}"));
  CHECK(take_all(stream) == "id: 102\nevent: issue\ndata: {}\n\n");
}

TEST_CASE("an event that is larger than all that may wait is left out by itself") {
  EventStream stream;
  stream.send(make_event("1", "issue", std::string(EventStream::kMostBytes, 'x')));
  CHECK(take_all(stream) == "id: 1\nevent: missed\ndata: {\"count\":1}\n\n");
}
