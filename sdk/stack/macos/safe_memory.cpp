#include "sdk/stack/macos/safe_memory.h"

#include <algorithm>

#include <mach/mach.h>

namespace trapline::sdk {

std::size_t read_memory(std::uintptr_t from, void* to, std::size_t bytes) {
  // A call fails as a whole when one of its pages cannot be read. 16 KiB is the larger of the two page sizes there are,
  // and no page of 4 KiB lies across its end.
  constexpr std::size_t kPart = 16'384;
  constexpr std::size_t kSmallestPage = 4'096;
  const auto copy = [&](std::uintptr_t at, std::size_t part) {
    vm_size_t got = 0;
    const auto target = reinterpret_cast<vm_address_t>(static_cast<std::byte*>(to) + (at - from));
    return vm_read_overwrite(mach_task_self(), at, part, target, &got) == KERN_SUCCESS && got == part;
  };
  std::size_t done = 0;
  std::size_t part_size = kPart;
  while (done < bytes) {
    const std::uintptr_t at = from + done;
    if (at < from) break;  // past the end of all addresses
    const std::size_t part = std::min(bytes - done, part_size - at % part_size);
    if (copy(at, part)) {
      done += part;
    } else if (part_size > kSmallestPage && part > kSmallestPage - at % kSmallestPage) {
      part_size = kSmallestPage;  // to the last page that is there
    } else {
      break;
    }
  }
  return done;
}

MemoryRegion find_region(std::uintptr_t address) {
  vm_address_t begin = address;
  vm_size_t size = 0;
  vm_region_basic_info_data_64_t info{};
  mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
  mach_port_t object = MACH_PORT_NULL;
  const kern_return_t result = vm_region_64(mach_task_self(), &begin, &size, VM_REGION_BASIC_INFO_64,
                                            reinterpret_cast<vm_region_info_t>(&info), &count, &object);
  if (result != KERN_SUCCESS) return {};
  return {begin, begin + size, (info.protection & (VM_PROT_READ | VM_PROT_WRITE)) != 0,
          (info.protection & VM_PROT_EXECUTE) != 0};
}

bool is_code(std::uintptr_t address) {
  const MemoryRegion region = find_region(address);
  return region.end > address && region.begin <= address && region.is_executable;
}

}  // namespace trapline::sdk
