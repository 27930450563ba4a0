#include "collector/http/metrics.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

namespace trapline::collector {
namespace {

void add_head(std::string& text, std::string_view name, std::string_view type, std::string_view help) {
  text += "# HELP " + std::string(name) + " " + std::string(help) + "\n";
  text += "# TYPE " + std::string(name) + " " + std::string(type) + "\n";
}

template <class Number>
void add_value(std::string& text, std::string_view name, Number value) {
  text += std::string(name) + " " + std::to_string(value) + "\n";
}

template <class Number>
void add_metric(std::string& text, std::string_view name, std::string_view type, std::string_view help, Number value) {
  add_head(text, name, type, help);
  add_value(text, name, value);
}

/// One line per label value. Labels are our own error codes and item types, so they need no escaping.
void add_labelled(std::string& text, std::string_view name, std::string_view label, std::string_view help,
                  const std::map<std::string, std::uint64_t>& values) {
  add_head(text, name, "counter", help);
  for (const auto& [value, count] : values) {
    add_value(text, std::string(name) + "{" + std::string(label) + "=\"" + value + "\"}", count);
  }
}

/// Resident memory in bytes, from the second field of /proc/self/statm; 0 where there is none.
std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// When the process started, in Unix seconds: the boot time and the 22nd field of /proc/self/stat, in clock ticks after
/// it (proc(5)). 0 where there is none.
double start_time_seconds() {
  std::ifstream stat("/proc/self/stat");
  std::string line;
  std::getline(stat, line);
  // The second field is the program's name in parentheses, which may hold blanks; 20 fields stand between it and ours.
  std::istringstream fields(line.substr(std::min(line.rfind(')') + 1, line.size())));
  std::string skipped;
  for (int field = 0; field < 19; ++field) fields >> skipped;
  double ticks = 0;
  fields >> ticks;
  std::ifstream system("/proc/stat");
  double boot_time = 0;
  for (std::string name; system >> name;) {
    if (name != "btime") continue;
    system >> boot_time;
    break;
  }
  return boot_time > 0 ? boot_time + ticks / static_cast<double>(sysconf(_SC_CLK_TCK)) : 0;
}

std::int64_t open_files() {
  std::error_code error;
  const std::filesystem::directory_iterator entries("/proc/self/fd", error);
  return error ? 0 : std::distance(begin(entries), end(entries));
}

}  // namespace

std::string render_metrics(const Intake& intake, const Spool& spool, const Digester& digester, EventStore& store) {
  const IntakeCounts counts = intake.counts();
  std::string text;
  add_metric(text, "trapline_events_accepted_total", "counter", "Events that were put on disk and acknowledged.",
             counts.accepted);
  add_metric(text, "trapline_ingest_requests_total", "counter", "Requests whose events were taken in.",
             counts.requests);
  add_metric(text, "trapline_events_digested_total", "counter", "Events that were stored with their issue.",
             digester.digested());
  add_metric(text, "trapline_events_counted_only_total", "counter",
             "Of the digested events, those that were counted and not kept: in a storm, or for want of room.",
             digester.counted_only());
  add_metric(text, "trapline_events_quarantined_total", "counter",
             "Events that could not be digested and were set aside.", digester.quarantined());
  add_metric(text, "trapline_events_left_out_total", "counter",
             "Accepted events whose project was deleted before they were digested.", digester.left_out());
  add_metric(text, "trapline_events_duplicate_total", "counter", "Events that were there already, by their id.",
             counts.duplicates + digester.duplicates());
  add_labelled(text, "trapline_events_rejected_total", "reason", "Events and requests that were refused.",
               counts.rejected);
  add_labelled(text, "trapline_envelope_items_ignored_total", "type",
               "Envelope items that were accepted and not kept, as this version has no use for them.",
               counts.ignored_items);
  const SpoolCounts spooled = spool.counts();
  add_metric(text, "trapline_items_accepted_total", "counter", "Sessions, files, reports and other items acknowledged.",
             counts.accepted_items);
  add_metric(text, "trapline_spool_events", "gauge", "Accepted events that wait for digestion.",
             spooled.waiting_events);
  add_metric(text, "trapline_spool_items", "gauge", "Accepted items that are no events and wait to be stored.",
             spooled.waiting_items);
  add_metric(text, "trapline_spool_bytes", "gauge", "Disk space of the spool.", spooled.bytes);
  add_metric(text, "trapline_spool_damaged_total", "counter",
             "Accepted events and items that the disk has changed or lost.", spooled.damaged_parts);
  add_metric(text, "trapline_spool_damaged_files_total", "counter",
             "Files of the spool that could not be used and were set aside.", spooled.damaged_files);
  if (const auto issues = store.count_issues())
    add_metric(text, "trapline_issues", "gauge", "Issues in the store.", *issues);
  add_metric(text, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  add_metric(text, "process_cpu_seconds_total", "counter", "CPU time spent, in user and system mode.", cpu_seconds());
  add_metric(text, "process_start_time_seconds", "gauge", "When the process started, in Unix seconds.",
             start_time_seconds());
  add_metric(text, "process_open_fds", "gauge", "Open file descriptors.", open_files());
  return text;
}

std::string render_item_metrics(const ItemWriter& items) {
  std::string text;
  add_metric(text, "trapline_items_written_total", "counter",
             "Accepted items that were brought to an end: stored, or refused by the database.", items.written());
  add_metric(text, "trapline_items_refused_total", "counter",
             "Of those, the ones that the database can never take: they are lost, and the log says which.",
             items.refused());
  return text;
}

std::string render_retention_metrics(const RetentionCounts& counts) {
  std::string text;
  add_metric(text, "trapline_database_bytes", "gauge",
             "What the database takes, its logs left out; measured each second.", counts.bytes_used.load());
  add_metric(text, "trapline_database_bytes_limit", "gauge", "What it may take (--max-database-bytes); 0: any number.",
             counts.most_bytes.load());
  add_metric(text, "trapline_events_erased_total", "counter",
             "Events that went by age or for want of room, those of whole days left out.", counts.erased.load());
  add_metric(text, "trapline_database_full", "gauge",
             "1 while new events are counted and not kept, as there is no room.", counts.only_counts ? 1 : 0);
  return text;
}

std::string render_archive_metrics(const ArchiveCounts& counts) {
  std::string text;
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    add_metric(text, name, type, help, value);
  };
  add("trapline_archive_days_total", "counter", "Days of events that were written to the cold archive.",
      counts.days.load());
  add("trapline_archive_events_total", "counter", "Events that were written there.", counts.events.load());
  add("trapline_archive_bytes_total", "counter", "Bytes of objects that were written there.", counts.bytes.load());
  add("trapline_archive_failures_total", "counter", "Tries to write there that failed.", counts.failures.load());
  add("trapline_archive_failing", "gauge", "1 while the last try has failed: events that are to go stay.",
      counts.is_failing ? 1 : 0);
  add("trapline_archive_lost_days_total", "counter",
      "Days that lost events which are not in the archive, as there was no room to wait.", counts.unarchived.load());
  add("trapline_archive_at_work", "gauge", "1 while a day is being archived.", counts.is_at_work ? 1 : 0);
  add("trapline_archive_day_events", "gauge", "Events of the day at work that were read so far.",
      counts.day_events.load());
  add("trapline_archive_day_ratio", "gauge", "How much of that day was read so far, from 0 to 1.",
      counts.day_share.load());
  return text;
}

}  // namespace trapline::collector
