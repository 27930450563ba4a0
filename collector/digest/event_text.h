#pragma once

/// The words that an event is shown by.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trapline::collector {

/// What clients write where the server is to put the address that an event came from.
inline constexpr std::string_view kAutoAddress = "{{auto}}";

/// "Type: value", the type or the value alone, or "(no message)": one line of at most 200 bytes.
std::string make_title(std::string_view type, std::string_view value);

/// "function in file": where to look first. The function loses its parameters and template arguments, the file its
/// folders. Empty when neither is known.
std::string make_culprit(std::string_view function, std::string_view module, std::string_view filename);

/// The part of a path behind its last slash or backslash.
std::string_view base_name(std::string_view path);

/// Fills `params` into a message's %s, %d, %i, %f, %r, %(name)s and {} in order, as clients leave it to the server;
/// what has no parameter stays as it is.
std::string fill_in_params(std::string_view message, std::span<const std::string> params);

}  // namespace trapline::collector
