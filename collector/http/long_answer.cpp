#include "collector/http/long_answer.h"

#include <array>
#include <charconv>
#include <exception>
#include <utility>

namespace trapline::collector {

std::shared_ptr<void> Places::take() {
  if (taken_->fetch_add(1) >= most_) {
    taken_->fetch_sub(1);
    return nullptr;
  }
  return {taken_.get(), [taken = taken_](void*) { taken->fetch_sub(1); }};
}

LongAnswer::LongAnswer(std::shared_ptr<BodySource> rest, bool is_chunked, std::shared_ptr<void> place)
    : rest_(std::move(rest)), is_chunked_(is_chunked), place_(std::move(place)) {}

std::string LongAnswer::frame(std::string_view bytes) const {
  if (!is_chunked_) return std::string(bytes);
  if (bytes.empty()) return {};  // an empty chunk would be the end
  std::array<char, 16> size{};
  const auto [end, error] = std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16);
  std::string chunk(size.data(), end);
  chunk += "\r\n";
  chunk += bytes;
  return chunk + "\r\n";
}

core::Result<std::string> LongAnswer::next() {
  try {
    const auto piece = rest_->next();
    if (!piece) return piece.error();
    is_done_ = piece->is_last;
    std::string bytes = frame(piece->bytes);
    if (is_done_ && is_chunked_) bytes += "0\r\n\r\n";
    return bytes;
  } catch (const std::exception& error) {
    return core::Error{"internal", error.what()};
  }
}

}  // namespace trapline::collector
