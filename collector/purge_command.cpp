#include "collector/purge_command.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "collector/commands.h"
#include "collector/digest/stored_payload.h"
#include "collector/http/user_export.h"
#include "collector/http/user_purges.h"
#include "collector/output_file.h"
#include "collector/progress_bar.h"
#include "collector/storage/archive/user_archive.h"
#include "collector/storage/erasure_report.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

using core::Error;
using core::Result;
using core::Status;

namespace {

constexpr std::string_view kUserHelp =
    "whose data: id:42, email:ada@example.com, username:ada or ip:192.0.2.7; may be given several times, and then of "
    "everything that any of them is told of";

void add_user_options(CLI::App& command, UserWishes& wishes) {
  command.add_option("--user", wishes.user, std::string(kUserHelp))
      ->required()
      ->allow_extra_args(false)
      ->type_name("KIND:VALUE");
  command.add_option("--project", wishes.project, "of this project (default: of all)")->type_name("NAME");
}

Result<UserSelector> read_user(Store& store, const UserWishes& wishes) {
  UserSelector user;
  for (const std::string& text : wishes.user) {
    auto value = parse_user_value(text);
    if (!value) return value.error();
    user.values.push_back(std::move(*value));
  }
  if (!wishes.project) return user;
  const auto project = find_project_by_name(store, *wishes.project);
  if (!project) return project.error();
  user.project = project->id;
  return user;
}

/// Without the key that this data folder has, private users' sessions are not found by their names.
Result<std::optional<UserKey>> user_key_of(const Config& config) {
  const std::string path = config.data + "/user-key";
  if (!std::filesystem::exists(path)) return std::optional<UserKey>();
  const auto key = load_user_key(path);
  if (!key) return key.error();
  return std::optional<UserKey>(*key);
}

/// What a command works with.
struct Opened {
  std::unique_ptr<Store> store;
  UserSelector user;
  std::unique_ptr<StoredPayloadReader> reader;
  std::unique_ptr<ObjectStore> archive;  ///< null: there is none
  Sealer sealer;

  [[nodiscard]] std::optional<ArchiveInUse> archive_in_use() const {
    if (archive == nullptr) return std::nullopt;
    return ArchiveInUse{.objects = *archive, .sealer = sealer};
  }
};

Result<Opened> open_for(const Config& config, const UserWishes& wishes) {
  if (Status status = check_database_is_there(config); !status) return status.error();
  auto store = open_configured_store(config);
  if (!store) return store.error();
  auto user = read_user(**store, wishes);
  if (!user) return user.error();
  const auto key = user_key_of(config);
  if (!key) return key.error();
  Opened opened{std::move(*store), std::move(*user), std::make_unique<StoredPayloadReader>(*key), nullptr,
                Sealer(config.keys)};
  if (config.archive.url.empty()) return opened;
  auto archive = open_objects(config.archive);
  if (!archive) return archive.error();
  opened.archive = std::move(*archive);
  return opened;
}

Status confirm(const UserWishes& wishes) {
  if (isatty(STDIN_FILENO) == 0) {
    return Error{"not_confirmed", "this erases for good: --yes says that it is meant (--dry-run tells what there is)"};
  }
  std::cerr << "This erases for good all that is stored of";
  for (const std::string& text : wishes.user) std::cerr << ' ' << text;
  std::cerr << (wishes.project ? " in the project " + *wishes.project : std::string(" in all projects"))
            << ".\nType yes to go on: " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "yes") return {};
  return Error{"not_confirmed", "nothing was erased"};
}

void print_counts(const ErasureOutcome& outcome, bool is_dry) {
  ErasedCounts total;
  for (const auto& [project, counts] : outcome.facts.counts) {
    if (counts == ErasedCounts{}) continue;
    const auto name = outcome.facts.project_names.find(project);
    std::cerr << (name == outcome.facts.project_names.end() ? std::to_string(project) : name->second) << ": "
              << counts.events << " events of " << counts.issues << " issues, " << counts.attachments
              << " attachments, " << counts.feedback << " feedback, " << counts.sessions << " sessions, "
              << counts.quarantined << " in quarantine, " << counts.names << " search names, " << counts.archived
              << " archived events\n";
    total += counts;
  }
  if (total == ErasedCounts{}) std::cerr << "nothing of this user was found\n";
  if (outcome.facts.unreadable > 0) {
    std::cerr
        << outcome.facts.unreadable
        << " events are damaged, so that nobody knows whose they are: trapline-collector check --deep says more\n";
  }
  for (const std::string& trouble : outcome.facts.not_looked_at) std::cerr << "not looked at: " << trouble << '\n';
  if (is_dry) std::cerr << "nothing was changed (--dry-run)\n";
}

Result<std::string> read_file(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) return Error{"cannot_read", "cannot read " + name};
  return text;
}

Result<std::string> seed_of(const Config& config) {
  if (Status status = check_database_is_there(config); !status) return status.error();
  auto store = open_configured_store(config);
  if (!store) return store.error();
  return (*store)->report_seed();
}

/// Whether the report is about the user.
Status check_user(const std::string& report, const std::vector<std::string>& user, std::string_view seed) {
  for (const std::string& text : user) {
    const auto value = parse_user_value(text);
    if (!value) return value.error();
    const std::string hash = report_user_hash(*value, seed);
    if (report.find("\"" + hash + "\"") == std::string::npos) {
      return Error{"other_user", "the report is as it was signed, but not about " + text};
    }
  }
  return {};
}

}  // namespace

PurgeCommand::PurgeCommand(CLI::App& program)
    : command_(program.add_subcommand("purge", "Erase all that is stored of a user, with a signed report")) {
  add_user_options(*command_, wishes_);
  command_->add_flag("--dry-run", is_dry_, "tell what would be erased, and change nothing");
  command_->add_flag("--yes", is_confirmed_, "do not ask; needed where nobody can be asked");
  command_->add_option("--report", report_file_, "file for the report (default: standard output)")->type_name("FILE");
  command_->add_option("--requested-by", requested_by_, "who wants it, for the report (default: the login's name)")
      ->type_name("NAME");
  command_->footer(
      "Erases events that tell of the user by any of these values, with their attachments, what they are searched by,\n"
      "feedback, sessions and what stands in the quarantine. Collectors may run meanwhile. What still waits in a "
      "spool,\n"
      "and what comes in later, is stored: run it again then. Broken off, run it again; the report tells what that "
      "run\n"
      "has erased. With --archive the cold archive is gone through, too, all of it. Backups and exports are not "
      "reached.\n\n"
      "Examples:\n"
      "  trapline-collector purge --user email:ada@example.com --dry-run --data /var/lib/trapline\n"
      "  trapline-collector purge --user id:42 --user email:ada@example.com --report ada.json\n"
      "  trapline-collector purge --user ip:192.0.2.7 --project shop --yes > report.json");
}

Status PurgeCommand::run(const Config& config) const {
  auto opened = open_for(config, wishes_);
  if (!opened) return opened.error();
  if (!is_dry_ && !is_confirmed_) {
    if (Status status = confirm(wishes_); !status) return status;
  }
  // Before anything is erased: the report must have its place.
  std::optional<OutputFile> output;
  if (!is_dry_) {
    auto file = OutputFile::open(report_file_);
    if (!file) return file.error();
    output.emplace(std::move(*file));
  }
  const char* login = std::getenv("USER");  // NOLINT(concurrency-mt-unsafe): nobody else is there yet
  ErasureWish wish{opened->user, requested_by_, is_dry_};
  if (wish.requested_by.empty()) wish.requested_by = login != nullptr ? login : "command line";
  Result<ErasureOutcome> outcome = Error{};
  {
    ProgressBar bar;
    const auto show = [&](int percent) {
      bar.show(static_cast<std::uint64_t>(percent), 100);
      return true;
    };
    outcome = erase_user(*opened->store, *opened->reader, wish, core::system_clock(), show, opened->archive_in_use());
  }
  if (!outcome) return outcome.error();
  print_counts(*outcome, is_dry_);
  Status archive_status = outcome->archive_error ? Status(*outcome->archive_error) : Status();
  if (archive_status && !outcome->facts.not_looked_at.empty()) {
    archive_status = Error{"incomplete", "not all could be looked at: see above"};
  }
  if (!output) return archive_status;
  Status status = output->write(outcome->report);
  if (status) status = output->finish();
  // What is erased cannot be told again.
  if (!status && report_file_) std::cout << outcome->report << std::flush;
  return status ? archive_status : status;
}

UserExportCommand::UserExportCommand(CLI::App& export_command)
    : command_(export_command.add_subcommand("user", "All that is stored of a user, as NDJSON")) {
  add_user_options(*command_, wishes_);
  command_
      ->add_option("--output", output_,
                   "file, made as FILE.part and renamed when it is whole (default: standard output)")
      ->type_name("FILE");
  command_->footer(
      "What purge would erase: a JSON object a line, each with its `kind`; attachments with their bytes in base64. "
      "With\n"
      "--archive that of the cold archive, too.\n\n"
      "Examples:\n"
      "  trapline-collector export user --user email:ada@example.com --output ada.ndjson\n"
      "  trapline-collector export user --user id:42 | jq -r 'select(.kind == \"event\") | .title'");
}

Status UserExportCommand::run(const Config& config) const {
  auto opened = open_for(config, wishes_);
  if (!opened) return opened.error();
  auto rows = UserExport::begin(*opened->store, *opened->reader, opened->user, opened->archive_in_use());
  if (!rows) return rows.error();
  auto output = OutputFile::open(output_);
  if (!output) return output.error();
  ProgressBar bar;
  for (bool is_last = false; !is_last;) {
    const auto piece = (*rows)->next();
    if (!piece) return piece.error();
    if (Status status = output->write(piece->bytes); !status) return status;
    is_last = piece->is_last;
    if (output_) bar.show(static_cast<std::uint64_t>((*rows)->percent()), 100);
  }
  Status status = output->finish();
  return status ? tell_left_out(*opened->store) : status;
}

ReportCommands::ReportCommands(CLI::App& program)
    : key_(program.add_subcommand("report-key", "Print the public key that reports of erasures are signed with")),
      verify_(program.add_subcommand("verify-report", "Check that a report of an erasure is what was signed")) {
  key_->footer(
      "All collectors on a database have the same. Whoever is to check reports gets it from you once.\n\n"
      "Example:\n  trapline-collector report-key --data /var/lib/trapline");
  verify_->add_option("FILE", file_, "the report")->required();
  verify_
      ->add_option("--public-key", public_key_,
                   "the key to trust, 64 hex digits; then no database is needed (default: this database's)")
      ->type_name("KEY");
  verify_
      ->add_option("--user", user_,
                   "check that the report is about this user, too; only where the database is: nobody else can")
      ->allow_extra_args(false)
      ->type_name("KIND:VALUE");
  verify_->footer(
      "Exit status: 0 the report is what was signed; 1 it is not, or could not be checked.\n\n"
      "Examples:\n"
      "  trapline-collector verify-report ada.json --public-key $KEY\n"
      "  trapline-collector verify-report ada.json --user email:ada@example.com --data /var/lib/trapline");
}

Status ReportCommands::print_key(const Config& config) {
  const auto seed = seed_of(config);
  if (!seed) return seed.error();
  std::cout << report_public_key(*seed) << '\n';
  return {};
}

Status ReportCommands::verify(const Config& config) const {
  const auto text = read_file(file_);
  if (!text) return text.error();
  std::string seed;
  if (!public_key_ || !user_.empty()) {
    auto known = seed_of(config);
    if (!known) return known.error();
    seed = std::move(*known);
  }
  const auto report = verify_erasure_report(*text, public_key_ ? *public_key_ : report_public_key(seed));
  if (!report) return report.error();
  if (Status status = check_user(*report, user_, seed); !status) return status;
  std::cout << nlohmann::json::parse(*report).dump(2) << "\nthe report is what was signed\n";
  return {};
}

}  // namespace trapline::collector
