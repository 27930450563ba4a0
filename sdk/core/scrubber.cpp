#include "sdk/core/scrubber.h"

#include "sdk/core/json_scrub.h"

namespace trapline::core {
namespace {

/// Builds the text without what was found.
class Replacer final : public FindingSink {
 public:
  explicit Replacer(std::string_view text) : text_(text) {}

  void found(const Finding& finding) override {
    result_.append(text_, copied_, finding.begin - copied_);
    result_ += finding.replacement;
    copied_ = finding.end;
  }
  std::string take() {
    result_.append(text_, copied_);
    return std::move(result_);
  }

 private:
  std::string_view text_;
  std::string result_;
  std::size_t copied_ = 0;
};

}  // namespace

Result<Scrubber> Scrubber::create(const ScrubOptions& options) {
  Scrubber scrubber(options);
  auto patterns = ScrubPatterns::compile(options.patterns);
  if (!patterns) return patterns.error();
  scrubber.patterns_ = std::make_shared<const ScrubPatterns>(std::move(*patterns));
  return scrubber;
}

Result<std::string> Scrubber::scrub_event(std::string_view json, JsonOutline* outline) const {
  JsonScrub scrub(json, {rules_, keys_, *patterns_, keeps_user_});
  auto scrubbed = scrub.run();
  if (outline != nullptr) *outline = scrub.take_outline();
  return scrubbed;
}

std::string Scrubber::scrub_paths(std::string_view text) {
  Replacer replacer(text);
  find_home_folders(text, replacer);
  return replacer.take();
}

std::string Scrubber::scrub_text(std::string_view text) const {
  Replacer replacer(text);
  find_private(text, rules_, keys_, replacer);
  std::string result = replacer.take();
  patterns_->apply(result, [](const std::string&) {});
  return result;
}

}  // namespace trapline::core
