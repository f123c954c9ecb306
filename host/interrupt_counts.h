#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "host/bdf.h"

namespace strait::host {

/// What /proc/interrupts says; nothing where it cannot be read. In many containers it is masked: there, but without a word in it.
std::optional<std::string> read_interrupts(const std::filesystem::path& procfs = "/proc");

/// How many interrupts of a function vfio-pci has handed on, on all processors, since it last set them up: what /proc/interrupts says, where
/// the kernel names them "vfio-msix[N](ADDRESS)", "vfio-msi[N](ADDRESS)" or "vfio-intx(ADDRESS)". 0 where it has none set up. Nothing where the file
/// cannot be read, and where the function shares its line with others, which are counted with it.
std::optional<std::uint64_t> vfio_interrupts(const Bdf& bdf, const std::filesystem::path& procfs = "/proc");

/// The same from the file's contents. Pure.
std::optional<std::uint64_t> count_vfio_interrupts(std::string_view interrupts, const Bdf& bdf);

}  // namespace strait::host
