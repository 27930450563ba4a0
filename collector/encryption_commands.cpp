#include "collector/encryption_commands.h"

#include <iostream>
#include <string>

#include "collector/progress_bar.h"
#include "collector/storage/key_rotation.h"

namespace trapline::collector {

using core::Status;

EncryptionCommand::EncryptionCommand(CLI::App& program) {
  CLI::App* command = program.add_subcommand("encryption", "Encryption of stored events and attachments");
  command->require_subcommand(1);
  create_key_ = command->add_subcommand("create-key", "Make an encryption key; prints it");
  create_key_->footer(
      "Whoever has the key can read what is sealed with it, and without it nobody can: keep it apart from backups.\n\n"
      "Example:\n"
      "  (umask 077 && trapline-collector encryption create-key > /etc/trapline/keys)\n"
      "  trapline-collector serve --encryption-key-file /etc/trapline/keys");
  rotate_ = command->add_subcommand("rotate", "Seal everything that is stored with the newest key");
  rotate_->footer(
      "The newest key is the first in the file. What was stored before encryption was turned on is sealed, too.\n"
      "Collectors may run meanwhile, if they were started with the new key; broken off, run it again.\n\n"
      "Example:\n"
      "  (umask 077 && (trapline-collector encryption create-key && cat keys) > new-keys && mv new-keys keys)\n"
      "  systemctl restart trapline                 # seals with the new key, opens with both\n"
      "  trapline-collector encryption rotate --encryption-key-file keys --data /var/lib/trapline\n"
      "Then the old key may be taken out of the file.");
}

Status EncryptionCommand::create_key() {
  std::cout << EncryptionKey::make() << '\n';
  return {};
}

Status EncryptionCommand::rotate(const Config& config) {
  ProgressBar bar;
  const auto report = rotate_keys(
      config.database_url(), {.store = config.store_options(),
                              .on_progress = [&](std::string_view /*what*/, std::int64_t done, std::int64_t total) {
                                bar.show(static_cast<std::uint64_t>(done), static_cast<std::uint64_t>(total));
                                return true;
                              }});
  if (!report) return report.error();
  std::cout << report->rows << " rows and " << report->files << " files were sealed with the key "
            << key_id_text(config.keys.front().id()) << '\n';
  for (const KeyId key : report->retired) std::cout << "the key " << key_id_text(key) << " is needed no more\n";
  if (!report->retired.empty()) {
    std::cout << "but for objects of a cold archive that are sealed with it: trapline-collector archive list names "
                 "their keys\n";
  }
  for (const KeyId key : report->still_sealing) {
    std::cout << "a collector still seals with the key " << key_id_text(key)
              << ": start all of them with the new key first in their file, and run this again\n";
  }
  if (report->unreadable > 0) {
    return core::Error{"unreadable", std::to_string(report->unreadable) +
                                         " rows or files are damaged or missing and stay as they are, so that all keys "
                                         "are still needed: trapline-collector check --deep says more"};
  }
  return {};
}

}  // namespace trapline::collector
