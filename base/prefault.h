#pragma once

#include <cstdint>
#include <functional>
#include <span>

namespace strait {

/// Makes the memory of `regions`, which consists of pages of `page_size` bytes or more, present and writable, and leaves what is in it as it is:
/// others may write there meanwhile. With up to `threads` threads at once (at least 1), until `is_over`, which any of them asks, says so.
/// Throws Error where the host does not have the memory, or a cgroup does not allow it.
void prefault(std::span<const std::span<std::uint8_t>> regions, std::uint64_t page_size, unsigned threads, const std::function<bool()>& is_over);

/// The way of kernels that cannot do it in one call (before Linux 5.14): touches each page. What does not fit then is not seen here.
void touch_pages(std::span<std::uint8_t> memory, std::uint64_t page_size);

}  // namespace strait
