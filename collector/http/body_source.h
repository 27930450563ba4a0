#pragma once

#include <string>

#include "sdk/core/result.h"

namespace trapline::collector {

/// The body of an answer that is too long to be held: it is made piece by piece, as its client takes it.
class BodySource {
 public:
  virtual ~BodySource() = default;

  struct Piece {
    std::string bytes;  ///< may be empty: nothing was found yet
    bool is_last = false;
  };
  /// The next piece, after a moment's work at most. One thread at a time; not again after the last one or an error.
  virtual core::Result<Piece> next() = 0;
};

}  // namespace trapline::collector
