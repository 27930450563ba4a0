#pragma once

/// An event as its row keeps it: one byte, which is the version of the format (1), and a zstd frame. In the frame: what
/// lists show (timestamp, level, title, tags and the like), each text behind its length, and then the payload as it
/// is. The texts stand in the payload, too, so beside it they take next to nothing.

#include <cstdint>
#include <string>
#include <string_view>

#include "collector/storage/records.h"
#include "collector/storage/sql/payload_dictionaries.h"

namespace trapline::collector::sql {

/// Any thread. `dictionary` may be null.
std::string pack_event(const DigestedEvent& event, const PayloadDictionary* dictionary);

/// The dictionary that the bytes were packed with; 0: none.
std::uint32_t dictionary_of(std::string_view packed);

/// Fills in what pack_event() took; all but project, event id and time of receipt. `with_payload` false leaves the
/// payload empty. `dictionary` must be the one that the bytes name. Throws std::runtime_error when they are damaged.
void unpack_event(std::string_view packed, const PayloadDictionary* dictionary, bool with_payload,
                  DigestedEvent& event);

/// The same for a row of schema 1: `packed` is the payload's frame alone, `summary` a JSON array of the rest.
void unpack_event_of_schema_1(std::string_view packed, std::string_view summary, bool with_payload,
                              DigestedEvent& event);

/// Bytes of any kind as one zstd frame without a dictionary, and back.
std::string pack_bytes(std::string_view bytes);
std::string unpack_bytes(std::string_view packed);

}  // namespace trapline::collector::sql
