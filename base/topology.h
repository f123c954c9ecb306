#pragma once

#include <bit>
#include <cstdint>

namespace strait {

/// How a guest's processors are arranged. An APIC id is made of the numbers of socket, core and thread, each in bits of its own (Intel SDM 9.9,
/// AMD APM 2 16.12): with 3 cores of 2 threads the second socket begins at 8.
struct Topology {
  std::uint32_t sockets = 1;
  std::uint32_t cores = 1;    ///< of a socket
  std::uint32_t threads = 1;  ///< of a core

  std::uint32_t cpus() const { return sockets * per_socket(); }
  std::uint32_t per_socket() const { return cores * threads; }
  /// Bits of an APIC id that tell a core's threads apart, and a socket's processors.
  std::uint32_t thread_bits() const { return static_cast<std::uint32_t>(std::bit_width(threads - 1)); }
  std::uint32_t socket_bits() const { return thread_bits() + static_cast<std::uint32_t>(std::bit_width(cores - 1)); }
  /// That of the processor `index`: threads of a core follow one another, and so do cores of a socket.
  std::uint32_t apic_id(std::uint32_t index) const {
    const std::uint32_t core = index / threads;
    return (core / cores) << socket_bits() | (core % cores) << thread_bits() | index % threads;
  }

  friend bool operator==(const Topology&, const Topology&) = default;
};

}  // namespace strait
