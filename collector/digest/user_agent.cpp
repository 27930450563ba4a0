#include "collector/digest/user_agent.h"

#include <algorithm>

#include "sdk/core/ascii.h"

namespace trapline::collector {
namespace {

constexpr std::size_t kMostAgentBytes = 512;

struct Product {
  std::string_view token;  ///< followed by its version
  std::string_view name;
};

/// In this order: those built on others name the others, too.
constexpr Product kProducts[] = {{"Googlebot/", "Googlebot"},
                                 {"bingbot/", "Bingbot"},
                                 {"AhrefsBot/", "AhrefsBot"},
                                 {"YandexBot/", "YandexBot"},
                                 {"facebookexternalhit/", "Facebook"},
                                 {"Edg/", "Edge"},
                                 {"EdgA/", "Edge Mobile"},
                                 {"EdgiOS/", "Edge Mobile"},
                                 {"Edge/", "Edge"},
                                 {"OPR/", "Opera"},
                                 {"OPT/", "Opera Touch"},
                                 {"Vivaldi/", "Vivaldi"},
                                 {"YaBrowser/", "Yandex Browser"},
                                 {"SamsungBrowser/", "Samsung Internet"},
                                 {"UCBrowser/", "UC Browser"},
                                 {"DuckDuckGo/", "DuckDuckGo"},
                                 {"Electron/", "Electron"},
                                 {"HeadlessChrome/", "HeadlessChrome"},
                                 {"FxiOS/", "Firefox iOS"},
                                 {"Focus/", "Firefox Focus"},
                                 {"Firefox/", "Firefox"},
                                 {"CriOS/", "Chrome Mobile iOS"},
                                 {"GSA/", "Google"},
                                 {"Chrome/", "Chrome"},
                                 {"Trident/7.0", "IE"},
                                 {"MSIE ", "IE"},
                                 {"okhttp/", "okhttp"},
                                 {"curl/", "curl"},
                                 {"Wget/", "Wget"},
                                 {"python-requests/", "Python Requests"},
                                 {"aiohttp/", "aiohttp"},
                                 {"Python-urllib/", "Python-urllib"},
                                 {"Go-http-client/", "Go-http-client"},
                                 {"axios/", "axios"},
                                 {"node-fetch/", "node-fetch"},
                                 {"Dart/", "Dart"},
                                 {"CFNetwork/", "CFNetwork"},
                                 {"PostmanRuntime/", "PostmanRuntime"}};

struct WindowsVersion {
  std::string_view kernel;
  std::string_view name;
};
constexpr WindowsVersion kWindows[] = {{"10.0", "10"}, {"6.3", "8.1"},   {"6.2", "8"},
                                       {"6.1", "7"},   {"6.0", "Vista"}, {"5.1", "XP"}};

/// "17_5" and "126.0.0.0" at the text's beginning, with dots.
std::string version_at(std::string_view text) {
  std::string version;
  for (const char c : text) {
    if (core::is_digit(c)) {
      version += c;
    } else if ((c == '.' || c == '_') && !version.empty()) {
      version += '.';
    } else {
      break;
    }
  }
  while (version.ends_with('.')) version.pop_back();
  return version;
}

/// What follows the token; an empty view with a null pointer when it is not there.
std::string_view behind(std::string_view text, std::string_view token) {
  const std::size_t at = text.find(token);
  return at == std::string_view::npos ? std::string_view() : text.substr(at + token.size());
}

void read_browser(std::string_view text, UserAgent& agent) {
  for (const Product& product : kProducts) {
    const std::string_view rest = behind(text, product.token);
    if (rest.data() == nullptr) continue;
    agent.browser = product.name;
    agent.browser_version = product.token == "Trident/7.0" ? "11.0" : version_at(rest);
    const bool is_mobile = agent.browser == "Chrome" && text.find("Mobile") != std::string_view::npos;
    if (is_mobile) agent.browser = "Chrome Mobile";
    return;
  }
  // Safari gives its version under another name, and everybody else has its name.
  if (text.find("Safari/") == std::string_view::npos) return;
  const std::string_view rest = behind(text, "Version/");
  if (rest.data() == nullptr) return;
  const bool is_mobile = text.find("Mobile/") != std::string_view::npos;
  agent.browser = text.find("Android") != std::string_view::npos ? "Android Browser"
                  : is_mobile                                    ? "Mobile Safari"
                                                                 : "Safari";
  agent.browser_version = version_at(rest);
}

/// "Android 14; Pixel 8 Build/UD1A)": the model.
std::string android_model(std::string_view behind_android) {
  const std::size_t begin = behind_android.find("; ");
  if (begin == std::string_view::npos) return {};
  std::string_view model = behind_android.substr(begin + 2);
  model = model.substr(0, std::min(model.find(')'), model.find(" Build/")));
  if (const std::size_t more = model.rfind("; "); more != std::string_view::npos) model.remove_prefix(more + 2);
  // "K" is what browsers say who do not want to tell.
  return model == "K" || model.starts_with("rv:") || model == "Mobile" || model == "Tablet" ? std::string()
                                                                                            : std::string(model);
}

void read_system(std::string_view text, UserAgent& agent) {
  if (const auto windows = behind(text, "Windows NT "); windows.data() != nullptr) {
    agent.os = "Windows";
    agent.os_version = version_at(windows);
    for (const WindowsVersion& known : kWindows) {
      if (agent.os_version == known.kernel) {
        agent.os_version = known.name;
        break;
      }
    }
  } else if (const auto ios = behind(text, " OS ");
             ios.data() != nullptr && text.find("like Mac OS X") != std::string_view::npos) {
    agent.os = "iOS";
    agent.os_version = version_at(ios);
    agent.device = text.find("iPad") != std::string_view::npos   ? "iPad"
                   : text.find("iPod") != std::string_view::npos ? "iPod"
                                                                 : "iPhone";
  } else if (const auto android = behind(text, "Android"); android.data() != nullptr) {
    agent.os = "Android";
    agent.os_version = version_at(android.starts_with(' ') ? android.substr(1) : android);
    agent.device = android_model(android);
  } else if (const auto mac = behind(text, "Mac OS X"); mac.data() != nullptr) {
    agent.os = "Mac OS X";
    agent.os_version = version_at(mac.starts_with(' ') ? mac.substr(1) : mac);
    agent.device = "Mac";
  } else if (const auto chrome_os = behind(text, "CrOS "); chrome_os.data() != nullptr) {
    agent.os = "Chrome OS";
    agent.os_version = version_at(chrome_os.substr(std::min(chrome_os.find(' '), chrome_os.size() - 1) + 1));
  } else if (text.find("Ubuntu") != std::string_view::npos) {
    agent.os = "Ubuntu";
  } else if (text.find("Linux") != std::string_view::npos) {
    agent.os = "Linux";
  }
}

}  // namespace

UserAgent parse_user_agent(std::string_view header) {
  UserAgent agent;
  const std::string_view text = header.substr(0, kMostAgentBytes);
  if (text.empty()) return agent;
  read_browser(text, agent);
  read_system(text, agent);
  return agent;
}

}  // namespace trapline::collector
