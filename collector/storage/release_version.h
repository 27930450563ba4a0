#pragma once

#include <compare>
#include <optional>
#include <string_view>

namespace trapline::collector {

/// Which of two releases is the later one, as far as their names tell; nothing when they do not (a commit's hash, other
/// programs), and then the time they were first seen has to. Names are "1.2.3", "v1.2.3", "shop@1.2.3-rc.1+45": a
/// version as in https://semver.org with any number of parts, behind the program's name or not; "1.2rc1"; or a date
/// ("2026.11.21", "2026-11-21", "20261121"). A pre-release comes before its release. Build metadata decides only
/// between equal versions, and only where both are numbers, as mobile apps count their builds.
std::optional<std::weak_ordering> compare_releases(std::string_view first, std::string_view second);

}  // namespace trapline::collector
