#pragma once

#include <compare>
#include <cstdint>

namespace strait {

/// A number of one kind that does not turn into another kind by accident: a guest-physical address is no IOVA,
/// and a GSI is no port. `value` is public on purpose: leaving the type system is allowed where it is visible.
template <typename Tag, typename Rep>
struct Strong {
  Rep value{};

  constexpr Strong() = default;
  constexpr explicit Strong(Rep v) : value(v) {}

  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
  friend constexpr Strong operator+(Strong a, Rep n) { return Strong(static_cast<Rep>(a.value + n)); }
  friend constexpr Strong operator-(Strong a, Rep n) { return Strong(static_cast<Rep>(a.value - n)); }
  friend constexpr Rep operator-(Strong a, Strong b) { return static_cast<Rep>(a.value - b.value); }
};

/// Guest-physical address.
using Gpa = Strong<struct GpaTag, std::uint64_t>;
/// I/O virtual address: what a device puts on the bus, before the IOMMU.
using Iova = Strong<struct IovaTag, std::uint64_t>;
/// Global system interrupt: an index into KVM's interrupt routing table.
using Gsi = Strong<struct GsiTag, std::uint32_t>;
/// x86 I/O port.
using Port = Strong<struct PortTag, std::uint16_t>;

/// A half-open range of addresses; empty when size is 0. `end()` may not wrap around.
template <typename Address>
struct Range {
  Address start{};
  std::uint64_t size = 0;

  constexpr Address end() const { return start + static_cast<decltype(start.value)>(size); }
  constexpr bool contains(Address a) const { return a >= start && a - start < size; }
  constexpr bool contains(const Range& r) const { return r.start >= start && r.start - start <= size && r.size <= size - (r.start - start); }
  constexpr bool overlaps(const Range& r) const { return start < r.end() && r.start < end(); }
  friend constexpr bool operator==(const Range&, const Range&) = default;
};

}  // namespace strait
