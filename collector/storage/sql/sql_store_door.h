#pragma once

/// How SqlStore's sources get at its connections. For those alone.

#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

#include "collector/storage/sql/sql_store.h"

namespace trapline::collector::sql {

/// The engine's door: what is thrown inside becomes an Error here.
template <class Work>
auto as_result(Work work) -> Result<std::invoke_result_t<Work>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      work();
      return {};
    } else {
      return work();
    }
  } catch (...) {
    return error_of_current_exception();
  }
}

template <class Work>
auto SqlStore::write(Work work) {
  return as_result([&] {
    const std::lock_guard lock(writer_mutex_);
    try {
      return work(writer());
    } catch (const DatabaseError& error) {
      // What is wrong may be with the connection alone.
      if (error.cause() == DatabaseError::Cause::kDatabase && writer_ != nullptr && writer_->is_remote()) drop_writer();
      throw;
    }
  });
}

template <class Work>
auto SqlStore::read(Work work) {
  return as_result([&] {
    std::unique_ptr<Connection> reader = take_reader();
    try {
      auto answer = work(*reader);
      return_reader(std::move(reader));
      return answer;
    } catch (const DatabaseError& error) {
      // Else it is not returned: it may be what failed.
      if (error.cause() == DatabaseError::Cause::kDeadline) return_reader(std::move(reader));
      throw;
    }
  });
}

}  // namespace trapline::collector::sql
