#include "collector/storage/archive/s3_xml.h"

#include <utility>

namespace trapline::collector {
namespace {

std::string unescape_xml(std::string_view text) {
  static constexpr std::pair<std::string_view, char> kEntities[] = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
  std::string plain;
  while (!text.empty()) {
    bool is_entity = false;
    for (const auto& [entity, character] : kEntities) {
      if (!text.starts_with(entity)) continue;
      plain += character;
      text.remove_prefix(entity.size());
      is_entity = true;
      break;
    }
    if (is_entity) continue;
    plain += text.front();
    text.remove_prefix(1);
  }
  return plain;
}

}  // namespace

std::vector<std::string> xml_texts(std::string_view xml, std::string_view element) {
  const std::string begin = "<" + std::string(element) + ">";
  const std::string end = "</" + std::string(element) + ">";
  std::vector<std::string> texts;
  for (std::size_t at = xml.find(begin); at != std::string_view::npos; at = xml.find(begin, at)) {
    at += begin.size();
    const std::size_t close = xml.find(end, at);
    if (close == std::string_view::npos) break;
    texts.push_back(unescape_xml(xml.substr(at, close - at)));
    at = close;
  }
  return texts;
}

std::string xml_text(std::string_view xml, std::string_view element) {
  auto texts = xml_texts(xml, element);
  return texts.empty() ? std::string() : std::move(texts.front());
}

}  // namespace trapline::collector
