/// trapline-symbols: finds, splits and uploads the debug information by which a collector reads the stacks of programs
/// that were shipped without it.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "sdk/core/event_json.h"
#include "sdk/core/json_writer.h"
#include "sdk/tools/symbols/debug_file.h"
#include "sdk/tools/symbols/split.h"
#include "sdk/tools/symbols/upload.h"

namespace {

using namespace trapline::tools;  // NOLINT(google-build-using-namespace): this file only ties that namespace together

/// The files themselves, and those in folders, at any depth.
std::vector<std::string> all_files(const std::vector<std::string>& given) {
  std::vector<std::string> files;
  for (const std::string& path : given) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error)) {
      if (entry.is_regular_file(error)) files.push_back(entry.path().string());
    }
  }
  return files;
}

std::string contents_of(const DebugFile& file) {
  std::string contents;
  const auto add = [&](bool has, const char* what) {
    if (has) contents += (contents.empty() ? "" : ", ") + std::string(what);
  };
  add(file.has_debug_information, "lines");
  add(file.has_symbols, "symbols");
  add(file.has_unwind_tables, "unwind tables");
  return contents.empty() ? "nothing" : contents;
}

void print_for_people(const DebugFile& file) {
  std::cout << file.path << "\n  " << file.kind << " for " << file.architecture << "\n  build id  "
            << (file.build_id.empty() ? "none: link it with -Wl,--build-id" : file.build_id) << '\n';
  if (!file.build_id.empty()) std::cout << "  debug id  " << trapline::core::debug_id_of(file.build_id) << '\n';
  std::cout << "  holds     " << contents_of(file) << '\n';
  if (!file.debug_link.empty()) std::cout << "  the rest  " << file.debug_link << '\n';
}

void print_json(const DebugFile& file) {
  trapline::core::JsonWriter json;
  json.begin_object().key("path").text(file.path).key("kind").text(file.kind);
  json.key("architecture").text(file.architecture).key("build_id").text(file.build_id);
  json.key("debug_id").text(trapline::core::debug_id_of(file.build_id));
  json.key("has_debug_information").boolean(file.has_debug_information);
  json.key("has_symbols").boolean(file.has_symbols).key("has_unwind_tables").boolean(file.has_unwind_tables);
  json.key("debug_link").text(file.debug_link).end_object();
  std::cout << json.take() << '\n';
}

int complain(const trapline::core::Error& error) {
  std::cerr << "trapline-symbols: " << error.message << '\n';
  return EXIT_FAILURE;
}

int list(const std::vector<std::string>& given, bool as_json) {
  int status = EXIT_SUCCESS;
  const bool is_one = given.size() == 1 && all_files(given).size() == 1;
  for (const std::string& path : all_files(given)) {
    const auto file = inspect(path);
    if (file) {
      as_json ? print_json(*file) : print_for_people(*file);
    } else if (file.error().code != "not_elf" || is_one) {  // folders hold other files, too
      status = complain(file.error());
    }
  }
  return status;
}

/// A bar on a terminal; else a line when it is done.
void show_progress(const std::string& name, std::uint64_t done, std::uint64_t all) {
  if (isatty(STDERR_FILENO) == 0 || all == 0) return;
  constexpr std::uint64_t kWidth = 30;
  const std::uint64_t filled = done * kWidth / all;
  std::fprintf(stderr, "\r%-40.40s [%s%s] %3d%%", name.c_str(), std::string(filled, '#').c_str(),
               std::string(kWidth - filled, ' ').c_str(), static_cast<int>(done * 100 / all));
  if (done == all) std::fputc('\n', stderr);
}

int upload_all(const std::vector<std::string>& given, const UploadTarget& target) {
  int uploaded = 0;
  int known = 0;
  for (const std::string& path : all_files(given)) {
    const auto file = inspect(path);
    if (!file && file.error().code == "not_elf" && given.size() == 1) continue;
    if (!file) return complain(file.error());
    const bool is_useful = !file->build_id.empty() && file->kind != "object" &&
                           (file->has_debug_information || file->has_symbols || file->has_unwind_tables);
    if (!is_useful) {
      std::cerr << "trapline-symbols: '" << path << "' is left out: "
                << (file->build_id.empty() ? "it has no build id" : "it tells nothing about stacks") << '\n';
      continue;
    }
    const std::string name = std::filesystem::path(path).filename().string();
    const auto is_new =
        upload(*file, target, [&](std::uint64_t done, std::uint64_t all) { show_progress(name, done, all); });
    if (!is_new) return complain(is_new.error());
    ++(*is_new ? uploaded : known);
  }
  std::cout << uploaded << " uploaded, " << known << " known already\n";
  return uploaded + known > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run(int argc, char** argv) {
  CLI::App app("Finds, splits and uploads the debug information of programs.", "trapline-symbols");
  app.set_version_flag("--version", std::string("trapline-symbols ") + TRAPLINE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  trapline-symbols list build/bin\n"
      "  trapline-symbols split build/bin/shop                  makes build/bin/shop.debug\n"
      "  trapline-symbols upload --url https://errors.example.com --project 1 build/bin\n"
      "                                                         with the token in TRAPLINE_TOKEN");
  std::vector<std::string> paths;
  bool as_json = false;
  auto* const list_command = app.add_subcommand("list", "Shows build ids, and what files tell about stacks");
  list_command->add_option("path", paths, "Files, or folders of them")->required();
  list_command->add_flag("--json", as_json, "A line of JSON for each file");

  std::string program;
  SplitOptions split_options;
  auto* const split_command = app.add_subcommand("split", "Moves debug information into a file of its own");
  split_command->add_option("file", program, "A program or library")->required();
  split_command->add_option("--debug-file", split_options.debug_file, "Where it goes [the file's path and .debug]");
  split_command->add_option("--output", split_options.output, "Where the stripped program goes [in its place]");

  UploadTarget target;
  auto* const upload_command = app.add_subcommand("upload", "Sends files to a collector, which reads stacks with them");
  upload_command->add_option("path", paths, "Files, or folders of them")->required();
  upload_command->add_option("--url", target.url, "The collector's address")->required()->envname("TRAPLINE_URL");
  upload_command->add_option("--token", target.token, "An API token that may write")
      ->required()
      ->envname("TRAPLINE_TOKEN");
  upload_command->add_option("--project", target.project, "The project's id")->required()->envname("TRAPLINE_PROJECT");
  CLI11_PARSE(app, argc, argv);

  if (*list_command) return list(paths, as_json);
  if (*upload_command) return upload_all(paths, target);
  const auto debug_file = split(program, split_options);
  if (!debug_file) return complain(debug_file.error());
  std::cout << *debug_file << '\n';
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // no memory, a folder that changes while it is read
    std::fprintf(stderr, "trapline-symbols: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
