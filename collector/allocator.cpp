/// The collector's allocator is jemalloc: an event's memory is asked for in one thread and given back in another, which
/// costs a sixth of all its time with glibc's and little with this one (bench_collector). Two arenas, as each holds on
/// to what it once needed; what was not needed for a second goes back to the system.
///
/// jemalloc reads its settings here before the first allocation; the environment's MALLOC_CONF wins over them.

extern "C" {
// NOLINTNEXTLINE(readability-identifier-naming): jemalloc's name
__attribute__((visibility("default"))) extern const char* const malloc_conf;
const char* const malloc_conf = "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0";
}
