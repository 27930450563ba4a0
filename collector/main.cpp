/// The command line of trapline-collector.

#include <exception>
#include <iostream>
#include <map>
#include <string>

#include <CLI/CLI.hpp>
#include <sodium.h>

#include "collector/archive_commands.h"
#include "collector/backup_commands.h"
#include "collector/check_command.h"
#include "collector/commands.h"
#include "collector/config.h"
#include "collector/encryption_commands.h"
#include "collector/export_command.h"
#include "collector/logging.h"
#include "collector/migrate_command.h"
#include "collector/purge_command.h"
#include "collector/serve.h"

namespace {

using namespace trapline::collector;  // NOLINT(google-build-using-namespace): this file only ties that namespace
                                      // together

/// Options given on the command line, by name.
using GivenOptions = std::map<std::string, std::string>;

void add_options(CLI::App& command, GivenOptions& given, bool is_serve, bool knows_archive = false) {
  const auto add = [&](const ConfigOption& option) {
    command
        .add_option_function<std::string>(
            "--" + option.name, [&given, name = option.name](const std::string& value) { given[name] = value; },
            option.help)
        ->type_name(option.placeholder);
  };
  add({"config", "FILE", "TOML file with any of these options as keys"});
  for (const ConfigOption& option : config_options()) {
    const bool is_for_all = option.name == "data" || option.name == "database" || option.name.starts_with("files") ||
                            option.name == "encryption-key-file" || option.name == "listen" ||
                            option.name == "public-url";
    const bool is_of_archive = option.name.starts_with("archive");
    if (is_serve || is_for_all || (is_of_archive && knows_archive)) add(option);
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
      "  trapline-collector token create --name ci --scope read\n"
      "  trapline-collector backup /backups/trapline         while it runs\n\n"
      "Every option is also an environment variable (TRAPLINE_LISTEN) and a key of the config file (listen).");

  GivenOptions given;
  CLI::App* serve_command = app.add_subcommand("serve", "Run the collector until SIGTERM or Ctrl-C");
  add_options(*serve_command, given, true);
  serve_command->footer(
      "Examples:\n"
      "  trapline-collector serve --data /var/lib/trapline --listen 0.0.0.0:8790 --public-url "
      "https://errors.example.com\n"
      "  trapline-collector serve --retention-days 30 --archive /mnt/cold\n"
      "  TRAPLINE_LISTEN=127.0.0.1:9000 trapline-collector serve");

  CLI::App* project_command = app.add_subcommand("project", "Projects and their DSNs");
  project_command->require_subcommand(1);
  CLI::App* project_create = project_command->add_subcommand("create", "Make a project; prints its DSN");
  std::string project_name;
  project_create->add_option("NAME", project_name, "the project's name")->required();
  add_options(*project_create, given, false);
  project_create->footer("Example:\n  DSN=$(trapline-collector project create shop --data /var/lib/trapline)");

  CLI::App* project_set = project_command->add_subcommand("set", "Change who may send to a project, and how much");
  ProjectChanges changes;
  project_set->add_option("NAME", project_name, "the project's name")->required();
  project_set->add_option("--require-signature", changes.require_signature, "take signed requests only: on or off");
  project_set->add_option("--allowed-origins", changes.allowed_origins,
                          "pages that may send, as in https://shop.example,*.example.com; \"\" for any");
  project_set->add_option("--allowed-ips", changes.allowed_ips,
                          "addresses that may send, as in 192.0.2.7,10.0.0.0/8,2001:db8::/32; \"\" for any");
  project_set->add_option("--rate-limit", changes.rate_limit,
                          "events an hour: a number, free (1,000), pro (10,000) or none");
  add_options(*project_set, given, false);
  project_set->footer(
      "Example:\n  trapline-collector project set shop --rate-limit pro --allowed-origins https://shop.example");

  CLI::App* key_command = app.add_subcommand("key", "Further keys of projects");
  key_command->require_subcommand(1);
  CLI::App* key_create = key_command->add_subcommand("create", "Make a key for a project; prints its DSN");
  bool with_secret = false;
  std::string key_limit = "none";
  key_create->add_option("PROJECT", project_name, "the project's name")->required();
  key_create->add_flag("--with-secret", with_secret, "with a secret, by which clients sign what they send");
  key_create->add_option("--rate-limit", key_limit, "events an hour: a number, free, pro or none (default none)");
  add_options(*key_create, given, false);
  key_create->footer("Example:\n  DSN=$(trapline-collector key create shop --with-secret)");
  std::string public_key;
  CLI::App* key_disable = key_command->add_subcommand("disable", "Let a key open its project no more");
  CLI::App* key_enable = key_command->add_subcommand("enable", "Let a disabled key open its project again");
  for (CLI::App* command : {key_disable, key_enable}) {
    command->add_option("KEY", public_key, "the DSN's public key, 32 hex digits")->required();
    add_options(*command, given, false);
    command->footer("A running server takes the change over within five seconds.");
  }

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

  MigrateArguments migration;
  const CLI::App* migrate_command = add_migrate_command(app, migration);
  ExportCommand exporting(app, [&](CLI::App& command) { add_options(command, given, false); });
  UserExportCommand user_export(exporting.command());
  PurgeCommand purge(app);
  ReportCommands reports(app);
  BackupCommand backup(app);
  RestoreCommand restore(app);
  CheckCommand check(app);
  EncryptionCommand encryption(app);
  ArchiveCommand archive(app);
  for (CLI::App* command : {&backup.options(), &check.options(), &encryption.rotate_options(), &reports.key_options(),
                            &reports.verify_options()}) {
    add_options(*command, given, false);
  }
  for (CLI::App* command : {&restore.options(), &archive.list_options(), &purge.options(), &user_export.options()})
    add_options(*command, given, false, true);

  CLI11_PARSE(app, argc, argv);

  if (*migrate_command) return with_config(given, [&](const Config&) { return run_migrate_command(migration); });
  if (user_export.is_given()) return with_config(given, [&](const Config& config) { return user_export.run(config); });
  if (purge.is_given()) return with_config(given, [&](const Config& config) { return purge.run(config); });
  if (reports.prints_key()) return with_config(given, ReportCommands::print_key);
  if (reports.verifies()) return with_config(given, [&](const Config& config) { return reports.verify(config); });
  if (exporting.is_given()) return with_config(given, [&](const Config& config) { return exporting.run(config); });
  if (*serve_command) return with_config(given, serve);
  if (backup.is_given()) return with_config(given, [&](const Config& config) { return backup.run(config); });
  if (restore.is_given()) return with_config(given, [&](const Config& config) { return restore.run(config); });
  if (archive.lists()) return with_config(given, ArchiveCommand::list);
  if (check.is_given()) return check.run(load_config(given));
  if (encryption.creates_key())
    return with_config(given, [](const Config&) { return EncryptionCommand::create_key(); });
  if (encryption.rotates()) return with_config(given, EncryptionCommand::rotate);
  if (*project_create)
    return with_config(given, [&](const Config& config) { return create_project(config, project_name); });
  if (*project_set) {
    return with_config(given, [&](const Config& config) { return change_project(config, project_name, changes); });
  }
  if (*key_create) {
    return with_config(given,
                       [&](const Config& config) { return create_key(config, project_name, with_secret, key_limit); });
  }
  if (*key_disable || *key_enable) {
    const bool is_enabled = key_enable->parsed();
    return with_config(given, [&](const Config& config) { return set_key_active(config, public_key, is_enabled); });
  }
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
