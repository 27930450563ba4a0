#include "collector/digest/code_owners.h"

#include <algorithm>

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;

constexpr std::size_t kMostLines = 2'000;
constexpr std::string_view kBlanks = " \t\r";

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

/// A path pattern as globs match it: anywhere below the root, and a folder with all that is in it.
std::string path_glob(std::string_view pattern) {
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  return "**/" + std::string(pattern) + (pattern.ends_with('/') ? "**" : "");
}

std::string with_slashes(std::string_view path) {
  std::string text(path);
  std::replace(text.begin(), text.end(), '\\', '/');
  return text;
}

}  // namespace

Result<CodeOwners> CodeOwners::parse(std::string_view text) {
  CodeOwners owners;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const std::string_view pattern = next_word(line);
    if (pattern.empty()) continue;
    if (owners.lines_.size() == kMostLines)
      return Error{"invalid_owners", "the owners' file has more than 2,000 lines"};
    Line entry;
    std::string_view rest = pattern;
    Glob::Kind kind = Glob::Kind::kText;
    const auto take = [&](std::string_view prefix) {
      const bool does = rest.starts_with(prefix);
      if (does) rest.remove_prefix(prefix.size());
      return does;
    };
    std::string glob_text;
    if (const std::size_t colon = pattern.find(':'); pattern.starts_with("tags.") && colon != std::string_view::npos) {
      entry.what = What::kTag;
      entry.tag = pattern.substr(5, colon - 5);
      glob_text = pattern.substr(colon + 1);
    } else if (take("module:")) {
      entry.what = What::kModule;
      glob_text = rest;
    } else if (take("url:")) {
      entry.what = What::kUrl;
      glob_text = rest;
    } else {
      take("path:");
      kind = Glob::Kind::kPath;
      glob_text = path_glob(rest);
    }
    auto glob = Glob::compile(glob_text, kind);
    if (!glob)
      return Error{"invalid_owners",
                   "line " + std::to_string(number) + " of the owners' file: " + glob.error().message};
    entry.glob = std::move(*glob);
    entry.owner = next_word(line);
    owners.lines_.push_back(entry);
    // A name without a wildcard may be a folder: then all that is in it counts, too.
    if (kind == Glob::Kind::kPath && !rest.ends_with('/') && !rest.ends_with('*')) {
      auto folder = Glob::compile(glob_text + "/**", kind);
      if (!folder)
        return Error{"invalid_owners",
                     "line " + std::to_string(number) + " of the owners' file: " + folder.error().message};
      entry.glob = std::move(*folder);
      owners.lines_.push_back(std::move(entry));
    }
  }
  return owners;
}

const CodeOwners::Line* CodeOwners::last_match(What what, std::string_view text, std::string_view tag) const {
  // NOLINTNEXTLINE(modernize-loop-convert): there is no reading std::views::reverse with clang 14
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) {
    if (line->what == what && line->tag == tag && line->glob.matches(text)) return &*line;
  }
  return nullptr;
}

std::string CodeOwners::owner_of(const ReadEvent& event) const {
  if (lines_.empty()) return {};
  const auto in_frames = [&](const std::vector<EventFrame>& frames) -> const Line* {
    // NOLINTNEXTLINE(modernize-loop-convert): there is no reading std::views::reverse with clang 14
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
      if (!frame->is_in_app) continue;
      if (const Line* line = last_match(What::kPath, with_slashes(frame->filename), {})) return line;
      if (const Line* line = last_match(What::kModule, frame->module, {})) return line;
    }
    return nullptr;
  };
  // NOLINTNEXTLINE(modernize-loop-convert): there is no reading std::views::reverse with clang 14
  for (auto exception = event.exceptions.rbegin(); exception != event.exceptions.rend(); ++exception) {
    if (const Line* line = in_frames(exception->frames)) return line->owner;
  }
  if (const Line* line = in_frames(event.message_frames)) return line->owner;
  for (const auto& [key, value] : event.record.tags) {
    if (const Line* line = last_match(What::kTag, value, key)) return line->owner;
  }
  if (const Line* line = last_match(What::kUrl, event.url, {})) return line->owner;
  return {};
}

}  // namespace trapline::collector
