#pragma once

/// One scrub of one JSON text: the pass behind Scrubber (scrubber.h). Reads the text front to back with a stack of the
/// open objects and arrays, copies it in pieces as long as the stretches between replacements, and remembers the path
/// of each.

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sdk/core/json_outline.h"
#include "sdk/core/result.h"
#include "sdk/core/scrub_patterns.h"
#include "sdk/core/sensitive_keys.h"
#include "sdk/core/text_scrubber.h"

namespace trapline::core {

struct ScrubContext {
  const TextRules& rules;
  const SensitiveKeys& keys;
  const ScrubPatterns& patterns;
  bool keeps_user = false;
};

class JsonScrub final : private FindingSink {
 public:
  JsonScrub(std::string_view json, const ScrubContext& context) : json_(json), context_(context) {}

  /// An event: one object; notes are added. Errors: "invalid_json".
  Result<std::string> run();
  /// After run().
  [[nodiscard]] JsonOutline take_outline() { return std::move(outline_); }

 private:
  /// What becomes of the strings in a part of the event.
  enum class Treatment : unsigned char {
    kScrub,   ///< looked at
    kSource,  ///< source code: looked at, but `password = x` in it is code
    kPath,    ///< only a home folder's user name goes
    kLeave,   ///< what is the format's own, with all that is in it
    kLeaf,    ///< ids, times, addresses: a text or number stays, what is in an object there is looked at
    kRemove,  ///< under a sensitive name
  };
  struct Level {
    bool is_array = false;
    bool is_frame = false;            ///< a stack frame, or the list of them
    bool is_apps = false;             ///< the app's own data, whatever its names look like
    bool first_is_sensitive = false;  ///< of a list: its first string is a sensitive name
    Treatment inherited = Treatment::kScrub;
    std::string_view key;                     ///< of the value that is read now, as it stands in the text
    std::size_t index = 0;                    ///< of the value that is read now
    Treatment treatment = Treatment::kScrub;  ///< of that value
  };
  struct Note {
    std::size_t value = 0;  ///< the number of the value that it is about
    std::vector<std::string> path;
    std::vector<std::string> rules;
  };
  enum class Kind : unsigned char { kEvent, kNested };
  /// What was found out about a key, which may say something else in another kind of object.
  struct KnownKey {
    std::string_view key;
    unsigned place = 0;
    Treatment treatment = Treatment::kScrub;
  };

  JsonScrub(std::string_view json, const ScrubContext& context, Kind kind)
      : json_(json), context_(context), kind_(kind) {}

  [[nodiscard]] bool scan();
  bool open(bool is_array);
  bool read_value();
  bool read_key();
  void scrub_key(std::size_t begin, std::size_t end, bool has_escape);
  bool read_literal();
  [[nodiscard]] bool is_one_value_left(std::size_t at) const;
  bool finish_value(bool& is_done);
  Treatment treatment_of_written(std::string_view key);
  [[nodiscard]] Treatment treatment_of(std::string_view key) const;
  [[nodiscard]] Treatment current_treatment() const;

  bool find_string_end(std::size_t begin, std::size_t& end, bool& has_escape) const;
  void scrub_string(std::size_t begin, std::size_t end, bool has_escape, Treatment treatment);
  void scrub_plain(std::size_t begin, std::string_view text, Treatment treatment);
  void scrub_escaped(std::size_t begin, std::size_t end, std::string text, Treatment treatment);
  void find_in(std::string_view text, Treatment treatment);

  void found(const Finding& finding) override;
  void replace(std::size_t begin, std::size_t end, std::string_view with);
  void note(std::string_view rule);
  std::string notes_as_json() const;
  void skip_blanks();

  std::string_view json_;
  ScrubContext context_;
  Kind kind_ = Kind::kEvent;
  std::size_t at_ = 0;
  std::vector<Level> levels_;
  bool has_meta_ = false;
  JsonOutline outline_;
  static constexpr unsigned kKnownKeyBits = 7;
  std::array<KnownKey, std::size_t{1} << kKnownKeyBits>
      known_keys_;  ///< frames and breadcrumbs repeat the same few; by a hash

  std::string result_;
  std::size_t copied_ = 0;            ///< how much of json_ is in result_
  std::size_t text_begin_ = 0;        ///< where in json_ the text begins that findings are counted from
  std::string* rewritten_ = nullptr;  ///< findings go here instead, when the text is not as it stands in json_
  std::string_view rewritten_from_;
  std::size_t rewritten_copied_ = 0;
  std::vector<Note> notes_;
  std::size_t values_ = 0;  ///< read so far
  bool has_change_ = false;
};

}  // namespace trapline::core
