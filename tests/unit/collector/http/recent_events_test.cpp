/// What a client that comes back is told.

#include "collector/http/recent_events.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace trapline::collector;

namespace {

using Texts = std::vector<std::string>;

Texts ids_after(const RecentEvents& events, const std::string& id, std::optional<ProjectId> project = std::nullopt) {
  const auto found = events.after(id, project);
  if (!found) return {"unknown"};
  Texts ids;
  for (const SharedEvent& event : *found) ids.push_back(event->id);
  return ids;
}

}  // namespace

TEST_CASE("what came after an id is known, for all and for who watches one project") {
  RecentEvents events;
  const std::string none = events.last_id();
  const std::string first = events.add(1, "issue", "{}")->id;
  const std::string second = events.add(2, "issue", "{}")->id;
  const std::string third = events.add_missed(1, 7)->id;
  CHECK(ids_after(events, none) == Texts{first, second, third});
  CHECK(ids_after(events, first) == Texts{second, third});
  CHECK(ids_after(events, none, 2) == Texts{second});
  CHECK(ids_after(events, second, 2).empty());
  CHECK(ids_after(events, third).empty());
  CHECK(events.last_id() == third);
  events.forget(1);
  CHECK(ids_after(events, none) == Texts{second});
}

TEST_CASE("so many events and bytes are kept, and ids from before them are unknown") {
  RecentEvents by_count({.max_events = 2, .max_bytes = 1'000});
  const std::string none = by_count.last_id();
  const std::string first = by_count.add(1, "issue", "{}")->id;
  const std::string second = by_count.add(1, "issue", "{}")->id;
  const std::string third = by_count.add(1, "issue", "{}")->id;
  CHECK(ids_after(by_count, none) == Texts{"unknown"});
  CHECK(ids_after(by_count, first) == Texts{second, third});
  RecentEvents by_bytes({.max_events = 100, .max_bytes = 1'000});
  const std::string before = by_bytes.add(1, "issue", std::string(600, 'x'))->id;
  const std::string last = by_bytes.add(1, "issue", std::string(600, 'x'))->id;
  CHECK(ids_after(by_bytes, before) == Texts{last});
  by_bytes.add(1, "issue", std::string(2'000, 'x'));
  CHECK(ids_after(by_bytes, last) == Texts{"unknown"});
}

TEST_CASE("no id of another run of the collector is known, whatever its number, and nothing that is made up") {
  RecentEvents events;
  RecentEvents earlier;
  const std::string of_earlier = earlier.add(1, "issue", "{}")->id;
  const std::string known = events.add(1, "issue", "{}")->id;
  const std::string process = known.substr(0, known.find('-'));
  CHECK(ids_after(events, known).empty());
  for (const std::string& id :
       {of_earlier, std::string("1"), std::string("-1"), process, process + "-", process + "-x", process + "-1x",
        process + "--1", process + "-2", process + "-99999999999999999999999"}) {
    CAPTURE(id);
    CHECK(ids_after(events, id) == Texts{"unknown"});
  }
}

TEST_CASE("when it was not noted what happened, ids from before are unknown") {
  RecentEvents events;
  const std::string before = events.add(1, "issue", "{}")->id;
  events.break_off();
  CHECK(ids_after(events, before) == Texts{"unknown"});
  CHECK(ids_after(events, events.last_id()).empty());
}
