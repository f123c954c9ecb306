# cmake -DINPUT=dsdt.aml -DOUTPUT=dsdt.cc -P embed.cmake: a compiled table as C++ source.
file(READ "${INPUT}" bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "((0x..,)(0x..,)?(0x..,)?(0x..,)?(0x..,)?(0x..,)?(0x..,)?(0x..,)?)" "\\1\n" bytes "${bytes}")
file(WRITE "${OUTPUT}" "#include \"boot/acpi/dsdt.h\"

namespace strait::boot::acpi {
namespace {

constexpr std::uint8_t kDsdt[] = {
${bytes}};

}  // namespace

std::span<const std::uint8_t> dsdt() { return kDsdt; }

}  // namespace strait::boot::acpi
")
