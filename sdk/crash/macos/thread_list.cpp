#include "sdk/crash/macos/thread_list.h"

#include <cstring>

namespace trapline::sdk {

ThreadList::ThreadList() : self_(mach_thread_self()) {
  if (task_threads(mach_task_self(), &threads_, &count_) != KERN_SUCCESS) count_ = 0;
}

ThreadList::~ThreadList() {
  for (const thread_t thread : all()) mach_port_deallocate(mach_task_self(), thread);
  if (count_ > 0) {
    vm_deallocate(mach_task_self(), reinterpret_cast<vm_address_t>(threads_), count_ * sizeof(thread_t));
  }
  mach_port_deallocate(mach_task_self(), self_);
}

StoppedThreads::StoppedThreads() {
  for (const thread_t thread : list_.all()) {
    if (thread != list_.self()) thread_suspend(thread);
  }
}

StoppedThreads::~StoppedThreads() {
  for (const thread_t thread : list_.all()) {
    if (thread != list_.self()) thread_resume(thread);
  }
}

std::uint64_t id_of(thread_t thread) {
  thread_identifier_info_data_t info{};
  mach_msg_type_number_t count = THREAD_IDENTIFIER_INFO_COUNT;
  const kern_return_t result =
      thread_info(thread, THREAD_IDENTIFIER_INFO, reinterpret_cast<thread_info_t>(&info), &count);
  return result == KERN_SUCCESS ? info.thread_id : 0;
}

void read_name(thread_t thread, std::array<char, 16>& name) {
  thread_extended_info_data_t info{};
  mach_msg_type_number_t count = THREAD_EXTENDED_INFO_COUNT;
  name.fill('\0');
  const kern_return_t result =
      thread_info(thread, THREAD_EXTENDED_INFO, reinterpret_cast<thread_info_t>(&info), &count);
  if (result == KERN_SUCCESS) std::memcpy(name.data(), info.pth_name, name.size() - 1);
}

}  // namespace trapline::sdk
