#include "sdk/client/host_facts.h"

#include <nlohmann/json.hpp>

#include "sdk/core/json_writer.h"

namespace trapline::sdk {

std::string runtime_context() {
  core::JsonWriter json;
  json.begin_object().key("name").text("C++");
#ifdef __GLIBCXX__
  json.key("library").text("libstdc++ " + std::to_string(__GLIBCXX__));
#endif
#ifdef _LIBCPP_VERSION
  json.key("library").text("libc++ " + std::to_string(_LIBCPP_VERSION));
#endif
  json.key("compiler").text(__VERSION__);
  return json.end_object().take();
}

std::string to_json(const core::ProcessFacts& facts) {
  core::JsonWriter json;
  json.begin_object().key("release").text(facts.release).key("environment").text(facts.environment);
  json.key("dist").text(facts.dist).key("server_name").text(facts.server_name);
  json.key("contexts").begin_object();
  for (const auto& [name, context] : facts.contexts) json.key(name).raw(context);
  return json.end_object().end_object().take();
}

core::Result<core::ProcessFacts> parse_facts(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  core::ProcessFacts facts;
  if (!json.is_object()) return core::Error{"invalid_facts", "the facts of the process that is gone cannot be read"};
  const auto read = [&](const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  facts.release = read("release");
  facts.environment = read("environment");
  facts.dist = read("dist");
  facts.server_name = read("server_name");
  const auto contexts = json.find("contexts");
  if (contexts == json.end() || !contexts->is_object()) return facts;
  for (const auto& [name, context] : contexts->items()) facts.contexts.emplace_back(name, context.dump());
  return facts;
}

}  // namespace trapline::sdk
