#include "collector/storage/postgres/news.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace trapline::collector::postgres {
namespace {

using nlohmann::json;

/// Of such a size each, so many fit into a notification.
constexpr std::size_t kMostPlaces = 60;
constexpr int kPauseMs = 500;

template <class Item, class Write>
json part_of(const std::vector<Item>& items, std::size_t first, Write write) {
  json part = json::array();
  for (std::size_t index = first; index < std::min(first + kMostPlaces, items.size()); ++index) {
    part.push_back(write(items[index]));
  }
  return part;
}

}  // namespace

std::vector<std::string> to_notifications(std::string_view sender, const OthersNews& news) {
  std::vector<std::string> texts;
  const std::size_t longest =
      std::max({news.outcome.counted_on.size(), news.outcome.changes.size(), news.deleted.size(), news.used.size()});
  for (std::size_t first = 0; first < longest; first += kMostPlaces) {
    json text = {{"from", sender}};
    text["counted_on"] = part_of(news.outcome.counted_on, first, [](const IssuePlace& place) {
      return json::array({place.issue_id, place.project_id});
    });
    text["changes"] = part_of(news.outcome.changes, first, [](const IssueChange& change) {
      return json::array({change.issue_id, change.project_id, static_cast<int>(change.kind)});
    });
    text["deleted"] = part_of(news.deleted, first, [](ProjectId project) { return json(project); });
    text["used"] = part_of(news.used, first, [](const QuotaUse& use) { return json::array({use.name, use.count}); });
    texts.push_back(text.dump());
  }
  return texts;
}

std::optional<OthersNews> read_notification(std::string_view own_name, std::string_view text) {
  try {
    const json read = json::parse(text);
    if (read.at("from") == own_name) return std::nullopt;
    OthersNews news;
    for (const json& place : read.at("counted_on")) {
      news.outcome.counted_on.push_back({place.at(0).get<IssueId>(), place.at(1).get<ProjectId>()});
    }
    for (const json& change : read.at("changes")) {
      const auto kind = static_cast<IssueChangeKind>(change.at(2).get<int>());
      news.outcome.changes.push_back({change.at(0).get<IssueId>(), change.at(1).get<ProjectId>(), kind});
    }
    for (const json& project : read.at("deleted")) news.deleted.push_back(project.get<ProjectId>());
    for (const json& use : read.at("used"))
      news.used.push_back({use.at(0).get<std::string>(), use.at(1).get<std::int64_t>()});
    return news;
  } catch (const json::exception&) {
    return std::nullopt;  // anybody with access to the database may send one
  }
}

NewsListener::NewsListener(std::string own_name, Connect connect, OthersListener listener)
    : own_name_(std::move(own_name)),
      connect_(std::move(connect)),
      listener_(std::move(listener)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), "trapline-news");
}

NewsListener::~NewsListener() {
  is_stopping_ = true;
  eventfd_write(wake_, 1);
  thread_.join();
  close(wake_);
}

void NewsListener::run() {
  for (bool is_first = true; !is_stopping_; is_first = false) {
    try {
      const auto connection = connect_();
      connection->execute("LISTEN " + std::string(kChannel));
      if (!is_first) listener_({{}, {}, {}, true});
      listen(*connection);
    } catch (
        const sql::DatabaseError&) {  // NOLINT(bugprone-empty-catch): digestion tells of it; here it is tried again
    }
    wait_before_next_try();
  }
}

void NewsListener::listen(Connection& connection) {
  while (!is_stopping_) {
    const auto texts = connection.wait_for_notifications(wake_);
    for (const std::string& text : texts) {
      if (const auto news = read_notification(own_name_, text)) listener_(*news);
    }
  }
}

void NewsListener::wait_before_next_try() {
  pollfd wake{wake_, POLLIN, 0};
  poll(&wake, 1, kPauseMs);
}

}  // namespace trapline::collector::postgres
