#include "collector/digest/event_text.h"

#include "collector/digest/grouping/function_name.h"
#include "sdk/core/utf8.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kMostTitleBytes = 200;
constexpr std::string_view kEllipsis = "…";

std::string_view first_line(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return {};
  text.remove_prefix(start);
  text = text.substr(0, text.find_first_of("\r\n"));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// The length of the placeholder that the text begins with: "%s", "%(name)s", "{}", "{0}"; 0 when it begins with none.
std::size_t placeholder_length(std::string_view text) {
  constexpr std::string_view kConversions = "sdifrgxu";
  if (text.starts_with('{')) {
    const std::size_t close = text.find_first_not_of("0123456789", 1);
    return close != std::string_view::npos && text[close] == '}' ? close + 1 : 0;
  }
  std::size_t position = 1;
  if (text.substr(position).starts_with('(')) {
    position = text.find(')');
    if (position == std::string_view::npos) return 0;
    ++position;
  }
  return position < text.size() && kConversions.find(text[position]) != std::string_view::npos ? position + 1 : 0;
}

}  // namespace

std::string make_title(std::string_view type, std::string_view value) {
  const std::string_view shown_value = first_line(value);
  std::string title(type);
  if (!title.empty() && !shown_value.empty()) title += ": ";
  title += shown_value;
  if (title.empty()) return "(no message)";
  if (title.size() <= kMostTitleBytes) return title;
  title.resize(core::truncate_utf8(title, kMostTitleBytes - kEllipsis.size()).size());
  title += kEllipsis;
  return title;
}

std::string make_culprit(std::string_view function, std::string_view module, std::string_view filename) {
  std::string name = normalise_function_name(function);
  const std::string_view place = !module.empty() ? module : base_name(filename);
  if (name.empty()) return std::string(place);
  if (place.empty()) return name;
  return name + " in " + std::string(place);
}

std::string_view base_name(std::string_view path) { return path.substr(path.find_last_of("/\\") + 1); }

std::string fill_in_params(std::string_view message, std::span<const std::string> params) {
  std::string filled;
  while (!message.empty()) {
    if (message.starts_with("%%")) {
      filled += '%';
      message.remove_prefix(2);
      continue;
    }
    const bool may_begin = message.front() == '%' || message.front() == '{';
    const std::size_t length = may_begin && !params.empty() ? placeholder_length(message) : 0;
    if (length == 0) {
      filled += message.front();
      message.remove_prefix(1);
      continue;
    }
    filled += params.front();
    params = params.subspan(1);
    message.remove_prefix(length);
  }
  return filled;
}

}  // namespace trapline::collector
