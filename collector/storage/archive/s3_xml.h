#pragma once

/// As much of XML as the answers of S3 take: elements without attributes, with text in them.

#include <string>
#include <string_view>
#include <vector>

namespace trapline::collector {

/// The texts of all elements of that name, in their order, unescaped. What is no XML has none.
std::vector<std::string> xml_texts(std::string_view xml, std::string_view element);
/// The first one's; empty when there is none.
std::string xml_text(std::string_view xml, std::string_view element);

}  // namespace trapline::collector
