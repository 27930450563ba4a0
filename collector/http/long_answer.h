#pragma once

/// An answer that is made while it is sent (body_source.h). No thread waits for its client: a piece is made when the
/// client has taken the one before, by threads of their own, a moment for each answer in turn. So a client that takes
/// an hour for an export holds one piece of it in memory, and neither the doors nor the API wait for exports.

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "collector/http/body_source.h"

namespace trapline::collector {

/// So many at the same time. Thread-safe.
class Places {
 public:
  explicit Places(std::size_t most) : most_(most) {}

  /// A place, until it is let go of; nullptr: all are taken.
  std::shared_ptr<void> take();

 private:
  const std::size_t most_;
  /// Shared with the places, which may outlive this.
  const std::shared_ptr<std::atomic<std::size_t>> taken_ = std::make_shared<std::atomic<std::size_t>>(0);
};

class LongAnswer {
 public:
  /// `is_chunked`: as HTTP/1.1 has it; else the end of the connection is the end of the body.
  LongAnswer(std::shared_ptr<BodySource> rest, bool is_chunked, std::shared_ptr<void> place);

  /// Bytes of the body as they are sent.
  [[nodiscard]] std::string frame(std::string_view bytes) const;
  /// The same of the next piece, and of the end behind the last. Errors are the source's; "internal" for what it
  /// throws.
  core::Result<std::string> next();
  [[nodiscard]] bool is_done() const { return is_done_; }

 private:
  std::shared_ptr<BodySource> rest_;
  bool is_chunked_;
  std::shared_ptr<void> place_;
  bool is_done_ = false;
};

}  // namespace trapline::collector
