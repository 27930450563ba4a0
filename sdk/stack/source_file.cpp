#include "sdk/stack/source_file.h"

#include <filesystem>
#include <fstream>

namespace trapline::sdk {
namespace {

constexpr int kAround = 5;
constexpr std::size_t kLongestLine = 512;
constexpr std::uintmax_t kLargestFile = 4U << 20U;

core::SourceLines read_around(const std::string& path, int line) {
  core::SourceLines found;
  std::error_code error;
  const bool is_source =
      std::filesystem::is_regular_file(path, error) && std::filesystem::file_size(path, error) <= kLargestFile;
  if (!is_source || error) return found;
  std::ifstream file(path);
  std::string text;
  for (int number = 1; number <= line + kAround && std::getline(file, text); ++number) {
    if (text.size() > kLongestLine) text.resize(kLongestLine);
    if (number == line) found.line = text;
    if (number < line && number >= line - kAround) found.before.push_back(text);
    if (number > line) found.after.push_back(text);
  }
  return found;
}

}  // namespace

const core::SourceLines* SourceFiles::around(const std::string& path, int line) {
  if (path.empty() || line <= 0) return nullptr;
  const auto [entry, is_new] = known_.try_emplace(path + ":" + std::to_string(line));
  if (is_new) entry->second = read_around(path, line);
  const core::SourceLines& lines = entry->second;
  return lines.line.empty() && lines.before.empty() ? nullptr : &lines;
}

}  // namespace trapline::sdk
