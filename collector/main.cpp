/// The command line of trapline-collector.

#include <exception>
#include <iostream>
#include <map>
#include <string>

#include <CLI/CLI.hpp>
#include <sodium.h>

#include "collector/commands.h"
#include "collector/config.h"
#include "collector/logging.h"
#include "collector/serve.h"

namespace {

using namespace trapline::collector;  // NOLINT(google-build-using-namespace): this file only ties that namespace
                                      // together

/// Options given on the command line, by name.
using GivenOptions = std::map<std::string, std::string>;

void add_options(CLI::App& command, GivenOptions& given, bool is_serve) {
  const auto add = [&](const ConfigOption& option) {
    command
        .add_option_function<std::string>(
            "--" + option.name, [&given, name = option.name](const std::string& value) { given[name] = value; },
            option.help)
        ->type_name(option.placeholder);
  };
  add({"config", "FILE", "TOML file with any of these options as keys"});
  for (const ConfigOption& option : config_options()) {
    const bool is_for_all =
        option.name == "data" || option.name == "database" || option.name == "listen" || option.name == "public-url";
    if (is_serve || is_for_all) add(option);
  }
}

/// Runs `work` with the configuration; an error is one line on standard error and status 1.
template <class Work>
int with_config(const GivenOptions& given, Work work) {
  const auto config = load_config(given);
  const trapline::core::Status status = config ? work(*config) : trapline::core::Status(config.error());
  if (status) return 0;
  std::cerr << "trapline-collector: " << status.error().message << '\n';
  return 1;
}

int run(int argc, char** argv) {
  if (sodium_init() < 0) {
    std::cerr << "trapline-collector: libsodium cannot be used on this machine\n";
    return 1;
  }
  start_logging();

  CLI::App app("Trapline's collector: takes error events in, groups them into issues, shows them.",
               "trapline-collector");
  app.set_version_flag("--version", std::string("trapline-collector ") + TRAPLINE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  trapline-collector serve                          data in ./trapline-data, http://127.0.0.1:8790\n"
      "  trapline-collector project create shop            prints the DSN that shop's programs report to\n"
      "  trapline-collector user create me@example.com --role admin\n"
      "  trapline-collector token create --name ci --scope read\n\n"
      "Every option is also an environment variable (TRAPLINE_LISTEN) and a key of the config file (listen).");

  GivenOptions given;
  CLI::App* serve_command = app.add_subcommand("serve", "Run the collector until SIGTERM or Ctrl-C");
  add_options(*serve_command, given, true);
  serve_command->footer(
      "Examples:\n"
      "  trapline-collector serve --data /var/lib/trapline --listen 0.0.0.0:8790 --public-url "
      "https://errors.example.com\n"
      "  TRAPLINE_LISTEN=127.0.0.1:9000 trapline-collector serve");

  CLI::App* project_command = app.add_subcommand("project", "Projects and their DSNs");
  project_command->require_subcommand(1);
  CLI::App* project_create = project_command->add_subcommand("create", "Make a project; prints its DSN");
  std::string project_name;
  project_create->add_option("NAME", project_name, "the project's name")->required();
  add_options(*project_create, given, false);
  project_create->footer("Example:\n  DSN=$(trapline-collector project create shop --data /var/lib/trapline)");

  CLI::App* user_command = app.add_subcommand("user", "People who may sign in");
  user_command->require_subcommand(1);
  CLI::App* user_create = user_command->add_subcommand(
      "create", "Make a user; the password is a line on standard input, or made and printed once");
  std::string email;
  std::string role;
  user_create->add_option("EMAIL", email, "the address to sign in with")->required();
  user_create->add_option("--role", role, "owner, admin, member or viewer")
      ->required()
      ->check(CLI::IsMember({"owner", "admin", "member", "viewer"}));
  add_options(*user_create, given, false);
  user_create->footer("Example:\n  trapline-collector user create me@example.com --role admin");

  CLI::App* token_command = app.add_subcommand("token", "Keys to the API");
  token_command->require_subcommand(1);
  CLI::App* token_create = token_command->add_subcommand("create", "Make an API token; prints it");
  std::string token_name;
  std::string scope = "read";
  token_create->add_option("--name", token_name, "what it is for")->required();
  token_create->add_option("--scope", scope, "read, write or admin (default read)")
      ->check(CLI::IsMember({"read", "write", "admin"}));
  add_options(*token_create, given, false);
  token_create->footer(
      "Example:\n  TOKEN=$(trapline-collector token create --name ci)\n"
      "  curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:8790/api/v1/issues");

  CLI11_PARSE(app, argc, argv);

  if (*serve_command) return with_config(given, serve);
  if (*project_create)
    return with_config(given, [&](const Config& config) { return create_project(config, project_name); });
  if (*user_create) return with_config(given, [&](const Config& config) { return create_user(config, email, role); });
  return with_config(given, [&](const Config& config) { return create_token(config, token_name, scope); });
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "trapline-collector: " << error.what() << '\n';
    return 1;
  }
}
