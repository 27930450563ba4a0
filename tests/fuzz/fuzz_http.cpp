/// A request that comes in one piece and the same one in many are read alike, and no more is taken than there is.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collector/http/http_parser.h"

namespace {

using trapline::collector::RequestParser;

std::size_t feed(RequestParser& parser, std::string_view bytes, std::size_t step) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const std::string_view piece = bytes.substr(taken, step);
    const std::size_t count = parser.feed(piece);
    if (count > piece.size()) std::abort();
    taken += count;
    if (parser.state() == RequestParser::State::kHeadDone) parser.begin_body(10'000);
    if (parser.state() == RequestParser::State::kDone || parser.state() == RequestParser::State::kFailed) break;
  }
  return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  RequestParser whole;
  const std::size_t taken = feed(whole, bytes, bytes.size());
  RequestParser pieces;
  const std::size_t taken_in_pieces = feed(pieces, bytes, 3);
  if (whole.state() != pieces.state()) std::abort();
  if (whole.state() == RequestParser::State::kDone) {
    if (taken != taken_in_pieces || whole.body() != pieces.body()) std::abort();
    if (whole.body().size() > 10'000) std::abort();
    static_cast<void>(whole.head().path());
    static_cast<void>(whole.head().query());
  }
  return 0;
}
