/// Reads every include of the tree and checks it against the design's house: a room includes from itself and from the
/// rooms it may use, never from one above it or beside it.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

namespace fs = std::filesystem;

struct Room {
  std::string_view folder;
  std::vector<std::string_view> may_include;
};

/// The house, lowest rooms first. A folder that is not listed belongs to the listed one around it.
const std::vector<Room>& house() {
  static const std::vector<Room> kHouse = {
      {"sdk/include", {}},
      {"sdk/core", {}},
      {"sdk/stack", {"sdk/core"}},
      {"sdk/recorder", {"sdk/core"}},
      {"sdk/delivery", {"sdk/core", "sdk/recorder"}},
      {"sdk/crash", {"sdk/core", "sdk/stack", "sdk/recorder"}},
      {"sdk/client", {"sdk/include", "sdk/core", "sdk/stack", "sdk/recorder", "sdk/delivery", "sdk/crash"}},
      {"sdk/tools", {"sdk/core", "sdk/stack", "sdk/crash", "sdk/client"}},
      {"collector/storage", {"sdk/core"}},
      {"collector/symbols", {"sdk/core", "collector/storage"}},
      {"collector/digest", {"sdk/core", "collector/storage", "collector/symbols"}},
      {"collector/ingest", {"sdk/core", "collector/storage", "collector/digest"}},
      {"collector/alerts", {"sdk/core", "collector/storage", "collector/digest"}},
      {"collector/accounts", {"sdk/core", "collector/storage"}},
      {"collector/http",
       {"sdk/core", "collector/storage", "collector/symbols", "collector/digest", "collector/ingest",
        "collector/alerts", "collector/accounts"}},
      {"collector",
       {"sdk/core", "collector/storage", "collector/symbols", "collector/digest", "collector/ingest",
        "collector/alerts", "collector/accounts", "collector/http"}},
      {"bindings", {"sdk/include"}},
      {"examples", {"sdk/include"}},
      {"tests", {"sdk", "collector", "bindings"}},
  };
  return kHouse;
}

bool is_inside(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

/// The innermost listed room around `path`, or nullptr.
const Room* room_of(std::string_view path) {
  const Room* innermost = nullptr;
  for (const Room& room : house()) {
    if (!is_inside(path, room.folder)) continue;
    if (innermost == nullptr || room.folder.size() > innermost->folder.size()) innermost = &room;
  }
  return innermost;
}

/// The text between the delimiters of an #include line, or nothing.
std::string_view included_path(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (!line.starts_with("#")) return {};
  line.remove_prefix(1);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (!line.starts_with("include")) return {};
  const std::size_t open = line.find_first_of("\"<");
  if (open == std::string_view::npos) return {};
  const std::size_t close = line.find_first_of("\">", open + 1);
  if (close == std::string_view::npos) return {};
  return line.substr(open + 1, close - open - 1);
}

/// Where an include leads, from the root: installed public headers are <trapline/...>, a file may name its neighbour.
std::string resolve(const fs::path& root, const fs::path& including, std::string_view included) {
  if (included.starts_with("trapline/")) return "sdk/include/" + std::string(included);
  if (fs::exists(root / included)) return fs::path(included).lexically_normal().generic_string();
  const fs::path neighbour = (including.parent_path() / included).lexically_normal();
  if (fs::exists(root / neighbour)) return neighbour.generic_string();
  return {};  // the system's or a library's
}

bool is_source(const fs::path& path) {
  constexpr std::string_view kExtensions[] = {".h", ".hpp", ".c", ".cc", ".cpp"};
  return std::find(std::begin(kExtensions), std::end(kExtensions), path.extension().string()) != std::end(kExtensions);
}

/// One of the house's sources: not a build folder's or a fetched package's.
bool is_ours(const fs::path& relative) {
  return std::none_of(relative.begin(), relative.end(),
                      [](const fs::path& part) { return part == "build" || part == "node_modules"; });
}

void check_file(const fs::path& root, const fs::path& relative, std::vector<std::string>& faults) {
  const Room* room = room_of(relative.generic_string());
  if (room == nullptr) {
    faults.push_back(relative.generic_string() + " stands in no room of the house");
    return;
  }
  std::ifstream file(root / relative);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string target = resolve(root, relative, included_path(line));
    if (target.empty()) continue;
    const Room* target_room = room_of(target);
    const bool is_allowed =
        target_room == room || std::any_of(room->may_include.begin(), room->may_include.end(),
                                           [&](std::string_view folder) { return is_inside(target, folder); });
    if (is_allowed) continue;
    faults.push_back(relative.generic_string() + ":" + std::to_string(number) + ": " + std::string(room->folder) +
                     " may not include " + target);
  }
}

/// One sentence per include that breaks the house's order, and per source outside every room.
std::vector<std::string> find_faults(const fs::path& root) {
  std::vector<std::string> faults;
  for (const std::string_view top : {"sdk", "collector", "bindings", "examples", "tests"}) {
    if (!fs::exists(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const fs::path relative = fs::relative(entry.path(), root);
      if (entry.is_regular_file() && is_source(relative) && is_ours(relative)) check_file(root, relative, faults);
    }
  }
  std::sort(faults.begin(), faults.end());
  return faults;
}

/// A folder of small files that is removed at the end.
class ScratchTree {
 public:
  ScratchTree() {
    std::string name = (fs::temp_directory_path() / "trapline-house-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    root_ = name;
  }
  ~ScratchTree() { fs::remove_all(root_); }
  ScratchTree(const ScratchTree&) = delete;
  ScratchTree& operator=(const ScratchTree&) = delete;

  void write(const fs::path& relative, std::string_view text) const {
    fs::create_directories((root_ / relative).parent_path());
    std::ofstream(root_ / relative) << text;
  }
  [[nodiscard]] const fs::path& root() const { return root_; }

 private:
  fs::path root_;
};

}  // namespace

TEST_CASE("no file of the tree includes from a room above or beside its own") {
  for (const std::string& fault : find_faults(TRAPLINE_SOURCE_DIR)) FAIL_CHECK(fault);
}

TEST_CASE("an include that points up is named with its file and line") {
  const ScratchTree tree;
  tree.write("sdk/client/client.h", "");
  tree.write("sdk/core/event.h", "#include <string>\n#include \"sdk/client/client.h\"\n");
  const std::vector<std::string> expected = {"sdk/core/event.h:2: sdk/core may not include sdk/client/client.h"};
  CHECK(find_faults(tree.root()) == expected);
}

TEST_CASE("an include that points sideways is a fault, also when it is relative") {
  const ScratchTree tree;
  tree.write("collector/alerts/rule.h", "");
  tree.write("collector/accounts/user.cpp", "  #  include \"../alerts/rule.h\"\n");
  const std::vector<std::string> expected = {
      "collector/accounts/user.cpp:1: collector/accounts may not include collector/alerts/rule.h"};
  CHECK(find_faults(tree.root()) == expected);
}

TEST_CASE("the collector sees only the core of the SDK") {
  const ScratchTree tree;
  tree.write("sdk/include/trapline/trapline.h", "");
  tree.write("collector/main.cpp", "#include <trapline/trapline.h>\n");
  CHECK(find_faults(tree.root()).size() == 1);
}

TEST_CASE("a room may include itself and what lies below") {
  const ScratchTree tree;
  tree.write("sdk/core/dsn.h", "");
  tree.write("collector/storage/sqlite/connection.h", "#include \"sdk/core/dsn.h\"\n");
  tree.write("collector/storage/store.cpp", "#include \"collector/storage/sqlite/connection.h\"\n");
  CHECK(find_faults(tree.root()).empty());
}
