#include "cli/devices_text.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace strait {
namespace {

using host::Blocker;
using host::FunctionFacts;

constexpr std::size_t kGroupWidth = 5;     // "GROUP"
constexpr std::size_t kDriverWidth = 20;   // longer names are cut
constexpr std::size_t kVfsInFull = 4;      // more are given as a range

constexpr std::string_view kBold = "1", kDim = "2", kRed = "31", kGreen = "32", kYellow = "33";

/// What the tree is drawn with.
struct Glyphs {
  std::string_view only, first, middle, last, trunk, ready, blocked, arrow, separator;
};
constexpr Glyphs kUnicode = {"─", "┬", "├", "└", "│", "✓", "✗", "→", " · "};
constexpr Glyphs kAscii = {"-", ".", "|", "'", "|", "+", "x", "->", "; "};

/// A group's functions, in the order in which they are shown. Without an IOMMU, a function by itself.
struct Group {
  std::optional<unsigned> number;
  std::vector<const FunctionFacts*> functions;
};

/// Where a function stands in the order: behind its physical function, if it is a virtual one.
auto place_of(const FunctionFacts& facts) { return std::tuple(facts.physical_function.value_or(facts.bdf), facts.vf_index.value_or(0), facts.bdf); }

std::vector<Group> groups_of(const host::Inventory& inventory) {
  std::vector<Group> groups;
  std::map<unsigned, std::size_t> known;
  for (const FunctionFacts& facts : inventory.functions) {
    if (!facts.group || known.emplace(*facts.group, groups.size()).second) groups.push_back({facts.group, {}});
    groups[facts.group ? known[*facts.group] : groups.size() - 1].functions.push_back(&facts);
  }
  const auto by_place = [](const FunctionFacts* a, const FunctionFacts* b) { return place_of(*a) < place_of(*b); };
  for (Group& group : groups) std::ranges::sort(group.functions, by_place);
  std::ranges::sort(groups, [&](const Group& a, const Group& b) { return by_place(a.functions.front(), b.functions.front()); });
  return groups;
}

/// A vendor's name as people say it: what is in brackets, or without the form of its company.
std::string short_vendor(std::string_view name) {
  if (const auto open = name.find('['), close = name.find(']'); open < close && close != std::string_view::npos) {
    return std::string(name.substr(open + 1, close - open - 1));
  }
  constexpr std::string_view kEndings[] = {",",     ".",     " Corporation", " Corp",  " Inc",          " Incorporated", " Co",     " Ltd",
                                           " Limited", " LLC", " GmbH",      " AG",    " Technologies", " Technology",   " Company"};
  for (bool more = true; more;) {
    more = std::ranges::any_of(kEndings, [&](std::string_view ending) {
      if (!name.ends_with(ending) || name.size() == ending.size()) return false;
      name.remove_suffix(ending.size());
      return true;
    });
  }
  return std::string(name);
}

std::string numbers_of(const host::PciIdentity& identity) {
  return identity.vendor && identity.device ? fmt::format("{:04x}:{:04x}", *identity.vendor, *identity.device) : "";
}

std::string name_of(const FunctionFacts& facts) {
  if (!facts.device_name.empty()) return short_vendor(facts.vendor_name) + " " + facts.device_name;
  const std::string numbers = numbers_of(facts.identity);
  if (numbers.empty()) return "unknown";
  return facts.vendor_name.empty() ? "device " + numbers : fmt::format("{} device {:04x}", short_vendor(facts.vendor_name), *facts.identity.device);
}

std::string kind_of(const FunctionFacts& facts) {
  std::string text = facts.class_name;
  if (text.empty() && facts.identity.class_code) text = fmt::format("class {:04x}", *facts.identity.class_code >> 8);
  // Without a name the numbers are in its place.
  if (!facts.device_name.empty() || !facts.vendor_name.empty()) text += (text.empty() ? "" : " ") + numbers_of(facts.identity);
  if (facts.identity.revision) text += fmt::format("{}rev {:02x}", text.empty() ? "" : " ", *facts.identity.revision);
  return text;
}

std::string interrupts_text(const host::PciInterrupts& interrupts) {
  std::vector<std::string> kinds;
  if (!interrupts.pin) kinds.emplace_back("INTx ?");
  if (interrupts.pin.value_or(0) != 0) kinds.push_back(fmt::format("INT{}", static_cast<char>('A' + *interrupts.pin - 1)));
  for (const auto& [name, count] : {std::pair("MSI", interrupts.msi), {"MSI-X", interrupts.msix}}) {
    if (!count) kinds.push_back(fmt::format("{} ?", name));
    if (count.value_or(0) != 0) kinds.push_back(fmt::format("{} {}", name, *count));
  }
  return kinds.empty() ? "no interrupts" : fmt::format("{}", fmt::join(kinds, ", "));
}

std::string vfs_text(const FunctionFacts& facts) {
  const auto& vfs = facts.virtual_functions;
  std::string text = facts.total_vfs ? fmt::format("{} of {} VFs", vfs.size(), *facts.total_vfs) : fmt::format("{} VFs", vfs.size());
  if (vfs.empty()) return text;
  if (vfs.size() > kVfsInFull) return text + fmt::format(": {} to {}", vfs.front().bdf.to_string(), vfs.back().bdf.to_string());
  std::vector<std::string> names;
  for (const auto& vf : vfs) names.push_back(vf.bdf.to_string());
  return text + ": " + fmt::format("{}", fmt::join(names, ", "));
}

std::vector<std::string> facts_of(const FunctionFacts& facts) {
  std::vector<std::string> items;
  if (std::string kind = kind_of(facts); !kind.empty()) items.push_back(std::move(kind));
  if (facts.physical_function) {
    items.push_back(fmt::format("VF {} of {}", facts.vf_index ? std::to_string(*facts.vf_index) : "?", facts.physical_function->to_string()));
  }
  if (facts.total_vfs.value_or(0) != 0 || !facts.virtual_functions.empty()) items.push_back(vfs_text(facts));
  items.push_back(interrupts_text(facts.interrupts));
  items.push_back(!facts.reset_methods          ? "can be reset"
                  : facts.reset_methods->empty() ? "no reset"
                                                 : fmt::format("reset {}", fmt::join(*facts.reset_methods, ", ")));
  if (facts.numa_node) items.push_back(fmt::format("NUMA node {}", *facts.numa_node));
  return items;
}

std::string interface_text(const host::InterfaceFacts& interface) {
  if (!interface.details) return (interface.name.empty() ? "an interface" : interface.name) + ": in another network namespace";
  const host::NetworkInterface& details = *interface.details;
  std::string text = interface.name + (details.up ? ": up" : ": down");
  if (details.up && !details.carrier) text += ", no carrier";
  if (details.carrier && interface.speed) text += fmt::format(", {} Mb/s", *interface.speed);
  for (const std::string& one : {details.mac, fmt::format("{}", fmt::join(details.addresses, ", "))}) {
    if (!one.empty()) text += ", " + one;
  }
  if (details.default_route) text += ", default route";
  if (!details.master.empty()) text += ", in " + details.master;
  return text;
}

/// Whether `strait bind` is all that it takes.
bool needs_binding_only(const FunctionFacts& facts) {
  return !facts.blockers.empty() && std::ranges::none_of(facts.blockers, [](const Blocker& one) { return one.bind.empty(); });
}

class Page {
 public:
  Page(const host::Inventory& inventory, const Screen& screen)
      : inventory_(inventory), screen_(screen), glyphs_(screen.unicode ? kUnicode : kAscii) {
    for (const FunctionFacts& facts : inventory.functions) address_width_ = std::max(address_width_, facts.bdf.to_string().size());
  }

  std::string text() && {
    summary();
    if (!inventory_.functions.empty()) {
      line("");
      line(painted(kDim, fmt::format("{:>{}}     {:<{}}  NAME{:>{}}", "GROUP", kGroupWidth, "FUNCTION", address_width_, "DRIVER",
                                     kScreenColumns - text_column() - address_width_ - 6)));
    }
    for (const Group& group : groups_of(inventory_)) {
      for (std::size_t i = 0; i < group.functions.size(); ++i) function(group, i);
    }
    footnotes();
    return std::move(out_);
  }

 private:
  /// Where a function's address and the facts beneath it begin.
  static constexpr std::size_t text_column() { return kGroupWidth + 5; }

  std::string painted(std::string_view colour, std::string_view text) const {
    return screen_.colour && !colour.empty() && !text.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", colour, text) : std::string(text);
  }
  void line(std::string_view text) { out_ += fmt::format("{}\n", text); }
  void paragraph(std::string_view text, std::string_view colour) {
    for (const std::string& one : wrap(text, kScreenColumns)) line(painted(colour, one));
  }

  void summary() {
    const auto ready = std::ranges::count_if(inventory_.functions, [](const FunctionFacts& facts) { return facts.blockers.empty(); });
    const auto bindable = std::ranges::count_if(inventory_.functions, needs_binding_only);
    if (!inventory_.iommu) {
      return paragraph("No IOMMU: nothing can be assigned. Enable VT-d or AMD-Vi in the firmware set-up and boot the host with intel_iommu=on "
                       "(AMD needs no option); strait doctor looks closer.",
                       kRed);
    }
    const std::string unit = inventory_.iommu_units.empty() ? "" : inventory_.iommu_units.front();
    const std::string_view kind = unit.starts_with("dmar") ? "IOMMU Intel VT-d" : unit.starts_with("ivhd") ? "IOMMU AMD-Vi" : "IOMMU on";
    paragraph(fmt::format("{}: {} function{}, {} assignable now, {} once bound to vfio-pci.", kind, inventory_.functions.size(),
                          inventory_.functions.size() == 1 ? "" : "s", ready, bindable),
              kBold);
  }

  void function(const Group& group, std::size_t index) {
    const FunctionFacts& facts = *group.functions[index];
    const bool first = index == 0, last = index + 1 == group.functions.size();
    head(facts, first ? (group.number ? std::to_string(*group.number) : "-") : "",
         first && last ? glyphs_.only : first ? glyphs_.first : last ? glyphs_.last : glyphs_.middle);
    const std::string margin = fmt::format("{:{}} {}   ", "", kGroupWidth, last ? " " : glyphs_.trunk);
    joined(facts_of(facts), margin);
    for (const auto& interface : facts.interfaces) beneath(interface_text(interface), margin, "");
    verdict(facts, margin);
  }

  void head(const FunctionFacts& facts, std::string_view group, std::string_view branch) {
    const std::string driver = facts.driver.empty() ? "-" : cut(facts.driver, kDriverWidth), address = facts.bdf.to_string();
    const std::size_t room = kScreenColumns - text_column() - address_width_ - 2 - columns_of(driver) - 2;
    const std::string name = cut(name_of(facts), room);
    const bool ready = facts.blockers.empty();
    line(fmt::format("{:>{}} {} {} {}{:{}}  {}{:{}}  {}", group, kGroupWidth, branch,
                     painted(ready ? kGreen : needs_binding_only(facts) ? kYellow : kRed, ready ? glyphs_.ready : glyphs_.blocked),
                     painted(kBold, address), "", address_width_ - address.size(), name, "", room - columns_of(name), painted(kBold, driver)));
  }

  void beneath(std::string_view text, std::string_view margin, std::string_view colour) {
    for (const std::string& one : wrap(text, kScreenColumns - text_column())) line(std::string(margin) + painted(colour, one));
  }

  /// Items with separators, as many on a line as fit.
  void joined(const std::vector<std::string>& items, std::string_view margin) {
    const std::size_t room = kScreenColumns - text_column();
    std::string row;
    for (const std::string& item : items) {
      const std::string longer = row.empty() ? item : row + std::string(glyphs_.separator) + item;
      if (columns_of(longer) <= room) {
        row = longer;
        continue;
      }
      beneath(row, margin, kDim);
      row = item;
    }
    beneath(row, margin, kDim);
  }

  void verdict(const FunctionFacts& facts, std::string_view margin) {
    std::vector<std::string> reasons, remedies;
    std::vector<host::Bdf> to_bind;
    for (const Blocker& blocker : facts.blockers) {
      // Without any IOMMU, which is said once, on top, a driver is not what is in the way.
      if (!inventory_.iommu && blocker.kind != Blocker::Kind::kBridge) continue;
      reasons.push_back(blocker.brief);
      // A bridge is named in this list only by those who know.
      if (blocker.kind == Blocker::Kind::kBridge) return beneath(blocker.brief, margin, kRed);
      if (blocker.bind.empty()) remedies.push_back(blocker.remedy);
      to_bind.insert(to_bind.end(), blocker.bind.begin(), blocker.bind.end());
    }
    if (reasons.empty()) return;
    std::ranges::sort(to_bind);
    // Binding helps where nothing else is in the way.
    if (remedies.empty()) remedies.push_back(fmt::format("strait bind {}", fmt::join(host::names_of(to_bind), " ")));
    const std::string why = fmt::format("{}", fmt::join(reasons, "; ")), what = fmt::format("{} {}", glyphs_.arrow, fmt::join(remedies, "; "));
    const std::string_view colour = needs_binding_only(facts) ? kYellow : kRed;
    if (columns_of(why) + 1 + columns_of(what) <= kScreenColumns - text_column()) return beneath(why + " " + what, margin, colour);
    beneath(why, margin, colour);
    beneath(what, margin, colour);
  }

  void footnotes() {
    std::vector<std::string> notes;
    const auto unknown = [](const FunctionFacts& facts) { return !facts.interrupts.msi || !facts.interrupts.msix; };
    if (std::ranges::any_of(inventory_.functions, unknown)) notes.emplace_back("MSI and MSI-X ?: only root may read that far.");
    if (std::ranges::any_of(inventory_.functions, [](const FunctionFacts& facts) { return !facts.in_use; })) {
      notes.emplace_back("Whether somebody else's process has a function of vfio-pci, only root can tell.");
    }
    if (!inventory_.names) notes.emplace_back("Names come from /usr/share/misc/pci.ids, which is missing here.");
    if (notes.empty() || inventory_.functions.empty()) return;
    line("");
    for (const std::string& note : notes) paragraph(note, kDim);
  }

  const host::Inventory& inventory_;
  const Screen& screen_;
  const Glyphs& glyphs_;
  std::size_t address_width_ = 12;
  std::string out_;
};

}  // namespace

std::string devices_text(const host::Inventory& inventory, const Screen& screen) { return Page(inventory, screen).text(); }

}  // namespace strait
