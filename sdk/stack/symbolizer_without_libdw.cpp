#include "sdk/stack/symbolizer.h"

namespace trapline::sdk {

std::unique_ptr<Symbolizer> Symbolizer::create() { return make_dladdr_symbolizer(); }

}  // namespace trapline::sdk
