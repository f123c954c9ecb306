#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "base/little_endian.h"
#include "devices/bus.h"
#include "devices/irq_line.h"
#include "devices/pci/function.h"

namespace strait::test {

/// A guest's access to a device as a number of the access's width.
template <typename T>
T read(BusDevice& device, std::uint64_t offset) {
  std::array<std::uint8_t, sizeof(T)> data{};
  device.read(offset, data);
  return load<T>(data);
}

template <typename T>
void write(BusDevice& device, std::uint64_t offset, std::type_identity_t<T> value) {
  std::array<std::uint8_t, sizeof(T)> data{};
  store(std::span<std::uint8_t>(data), 0, value);
  device.write(offset, data);
}

template <typename T>
T read(Bus& bus, std::uint64_t address) {
  std::array<std::uint8_t, sizeof(T)> data{};
  bus.read(address, data);
  return load<T>(data);
}

template <typename T>
void write(Bus& bus, std::uint64_t address, std::type_identity_t<T> value) {
  std::array<std::uint8_t, sizeof(T)> data{};
  store(std::span<std::uint8_t>(data), 0, value);
  bus.write(address, data);
}

/// An interrupt pin that remembers its level and how often it was driven.
struct RecordingIrqLine : IrqLine {
  void set(bool asserted) override {
    level = asserted;
    ++calls;
  }
  bool level = false;
  int calls = 0;
};

}  // namespace strait::test
