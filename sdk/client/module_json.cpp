#include "sdk/client/module_json.h"

#include <nlohmann/json.hpp>

#include "sdk/core/json_writer.h"

namespace trapline::sdk {

std::string modules_to_json(const std::vector<core::Module>& modules) {
  core::JsonWriter json;
  json.begin_array();
  for (const core::Module& module : modules) {
    json.begin_array().text(module.path).text(module.build_id).number(static_cast<std::int64_t>(module.base));
    json.number(static_cast<std::int64_t>(module.size)).number(static_cast<std::int64_t>(module.bias));
    json.number(static_cast<std::int64_t>(module.format)).text(module.code_id).end_array();
  }
  return json.end_array().take();
}

std::vector<core::Module> parse_modules(std::string_view text) {
  std::vector<core::Module> modules;
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_array()) return modules;
  for (const auto& entry : json) {
    constexpr std::size_t kFields = 7;
    const bool is_whole = entry.is_array() && entry.size() == kFields && entry[0].is_string() && entry[1].is_string() &&
                          entry[2].is_number_integer() && entry[3].is_number_integer() &&
                          entry[4].is_number_integer() && entry[5].is_number_unsigned() && entry[6].is_string();
    if (!is_whole || entry[5] > static_cast<unsigned>(core::ModuleFormat::kMachO)) continue;
    modules.push_back({entry[0].get<std::string>(), entry[1].get<std::string>(), entry[2].get<std::uintptr_t>(),
                       entry[3].get<std::uintptr_t>(), entry[4].get<std::uintptr_t>(),
                       static_cast<core::ModuleFormat>(entry[5].get<std::uint8_t>()), entry[6].get<std::string>()});
  }
  return modules;
}

}  // namespace trapline::sdk
