/// A library whose constructor crashes, with the loader's lock held.

namespace plugin {

volatile int sink = 0;

[[gnu::noinline]] void crash_while_loading() {
  volatile int* volatile place = nullptr;  // so that the compiler does not know
  *place = 1;
  sink = sink + 1;
}

[[gnu::constructor]] void begin() {
  crash_while_loading();
  sink = sink + 1;
}

}  // namespace plugin
