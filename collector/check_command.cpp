#include "collector/check_command.h"

#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>

#include <unistd.h>

#include "collector/storage/consistency.h"
#include "collector/storage/database_url.h"

namespace trapline::collector {
namespace {

constexpr int kAllRight = 0;
constexpr int kFaults = 1;
constexpr int kNotChecked = 2;

constexpr int kWhatWidth = 64;
constexpr int kNumberWidth = 9;

void print_line(std::string_view what, std::string_view faults, std::string_view mended) {
  std::cout << std::left << std::setw(kWhatWidth) << what << std::right << std::setw(kNumberWidth) << faults
            << std::setw(kNumberWidth) << mended << '\n';
}

void print(const CheckReport& report) {
  print_line("", "faults", "mended");
  for (const CheckFinding& finding : report.findings) {
    print_line(finding.what, std::to_string(finding.faults), std::to_string(finding.mended));
    for (const std::string& example : finding.examples) std::cout << "    " << example << '\n';
    const auto more = finding.faults - static_cast<std::int64_t>(finding.examples.size());
    if (more > 0) std::cout << "    and " << more << " more\n";
  }
}

void print_seals(const CheckReport& report) {
  for (const SealCount& count : report.seals) {
    std::cout << (count.key ? "sealed with the key " + key_id_text(*count.key) : std::string("not sealed")) << ": "
              << count.rows << " rows, " << count.files << " files\n";
  }
}

void print_conclusion(const CheckReport& report, bool repairs) {
  if (report.faults() == 0) {
    std::cout << "\nall is right\n";
  } else if (report.findings.size() == 1) {
    std::cout << "\nthe database file is damaged, and nothing else was looked at: restore a backup\n"
                 "(trapline-collector restore), or save what can be read with .recover of the sqlite3 shell\n";
  } else if (report.left() == 0) {
    std::cout << "\nall of it was mended\n";
  } else if (repairs) {
    std::cout << "\n" << report.left() << " faults cannot be mended\n";
  } else {
    std::cout << "\n" << report.left() << " faults: --repair mends what can be mended, after a backup\n";
  }
}

}  // namespace

CheckCommand::CheckCommand(CLI::App& program)
    : command_(program.add_subcommand("check", "Look whether what the database holds fits together")) {
  command_->add_flag("--repair", repairs_, "mend what can be mended");
  command_->add_flag("--deep", is_deep_, "unpack every event and read every attachment, too");
  command_->footer(
      "Looks at the file's structure (SQLite), rows whose owner is not there, counters against what they count, and\n"
      "the files that attachments are in.\n"
      "A collector may run meanwhile. Of PostgreSQL's own files pg_amcheck knows more.\n"
      "Exit status: 0 all is right, or was mended; 1 faults were found; 2 it could not be checked.\n\n"
      "Examples:\n"
      "  trapline-collector check --data /var/lib/trapline\n"
      "  trapline-collector check --deep --repair --database postgres://trapline@db.example.com/trapline");
}

int CheckCommand::run(const core::Result<Config>& config) const {
  const bool is_terminal = isatty(STDERR_FILENO) == 1;
  CheckOptions options{.repairs = repairs_, .is_deep = is_deep_};
  if (is_terminal) {
    options.on_step = [](std::string_view what) { std::cerr << "\r\x1b[K" << what << " ..." << std::flush; };
  }
  if (config) options.store = config->store_options();
  const auto report = config ? check_store(config->database_url(), options) : core::Result<CheckReport>(config.error());
  if (is_terminal) std::cerr << "\r\x1b[K";
  if (!report) {
    std::cerr << "trapline-collector: " << report.error().message << '\n';
    return kNotChecked;
  }
  print(*report);
  print_seals(*report);
  print_conclusion(*report, repairs_);
  return report->left() == 0 ? kAllRight : kFaults;
}

}  // namespace trapline::collector
