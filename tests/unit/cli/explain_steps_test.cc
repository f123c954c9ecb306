// What strait explain says of a function, from what is known of it.

#include "cli/explain_steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/pci_regs.h>

#include <functional>
#include <ostream>

namespace strait {
namespace {

using host::VfLinkState;
using testing::HasSubstr;
using Status = Step::Status;
using Verdict = Explanation::Verdict;
using vfio::BarFacts;

constexpr std::uint16_t kOn = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE;

/// A virtual function of igb that a guest works with, its PF up, and interrupts coming.
struct Scene {
  DeviceFacts device;
  HostFacts host;

  Scene() {
    device.id = "0000:01:10.0";
    device.guest = "0000:00:01.0";
    device.on_bus = std::chrono::seconds(60);
    vfio::FunctionFacts function;
    function.vendor = 0x8086;
    function.device = 0x10ca;
    function.device_class = 0x020000;
    function.since_seen = std::chrono::seconds(59);
    function.command = kOn;
    function.bars = {{.number = 0,
                      .shape = {.kind = pci::BarKind::kMemory64, .prefetchable = false, .size = 0x4000},
                      .address = 0xc0000000,
                      .answers = BarFacts::Answers::kEverywhere,
                      .direct = true}};
    function.msix = {.vectors = 3, .enabled = true, .function_masked = false, .unmasked = 3, .connected = 3, .working = 3};
    device.function = function;
    host.interrupts = 1234;
    host.watched = std::chrono::seconds(3);
    host.posted = false;
    host.physical.emplace();
    host.physical->address = "0000:01:00.0";
    host.physical->driver = "igb";
    host.physical->interface = "eth0";
    host.physical->up = host.physical->carrier = true;
    host.physical->settings.vlan = 0;
    host.physical->settings.mac = {2, 0, 0, 0, 0, 0x10};
    host.physical->settings.link_state = VfLinkState::kAuto;
  }
  vfio::FunctionFacts& function() { return *device.function; }

  /// As a guest's kernel leaves a function that it has no driver for.
  void without_driver() {
    function().command = 0;
    function().msix = {.vectors = 3};
    function().bars[0].answers = BarFacts::Answers::kNowhere;
    host.interrupts = 0;
  }
  /// A card of its own, with another class.
  void becomes(std::uint32_t device_class) {
    function().device_class = device_class;
    host.physical.reset();
  }
};

const Step* find(const Explanation& explanation, std::string_view name) {
  for (const Step& step : explanation.steps) {
    if (step.name == name) return &step;
  }
  return nullptr;
}

struct Case {
  const char* name;
  std::function<void(Scene&)> happens;
  Verdict verdict;
  const char* step;     ///< that says why
  const char* finding;  ///< a part of it
};
std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.name; }

class Explain : public testing::TestWithParam<Case> {};

TEST_P(Explain, NamesTheStep) {
  Scene scene;
  GetParam().happens(scene);
  const Explanation explanation = explain(scene.device, scene.host);
  EXPECT_EQ(explanation.verdict(), GetParam().verdict);
  const Step* step = find(explanation, GetParam().step);
  ASSERT_NE(step, nullptr);
  EXPECT_THAT(step->finding, HasSubstr(GetParam().finding));
  if (GetParam().verdict == Verdict::kFailed) {
    ASSERT_NE(explanation.failure(), nullptr);
    EXPECT_EQ(explanation.failure()->name, GetParam().step);
    EXPECT_NE(step->cause, "");
    EXPECT_NE(step->remedy, "");
  } else {
    EXPECT_EQ(explanation.failure(), nullptr);
  }
}

const Case kWellCases[] = {
    {"AllIsWell", [](Scene&) {}, Verdict::kWorks, "interrupts_arriving", "1234 so far"},
    {"WholeCard", [](Scene& s) { s.host.physical.reset(); }, Verdict::kWorks, "driver", "MSI-X"},
    {"Msi", [](Scene& s) { s.function().msi = std::exchange(s.function().msix, {}); }, Verdict::kWorks, "interrupts_enabled", "MSI"},
    {"DisplayWithoutDmaOrInterrupts",
     [](Scene& s) {
       s.becomes(0x030000);
       s.function().command = PCI_COMMAND_MEMORY;
       s.function().msix = {};
       s.host.interrupts = 0;
     },
     Verdict::kWorks, "bus_mastering", "a display can do without"},
    {"DeviceThatMayNeedNothing",
     [](Scene& s) {
       s.becomes(0x00ff00);
       s.function().command = PCI_COMMAND_MEMORY;
       s.function().msix = {};
       s.host.interrupts = 0;
     },
     Verdict::kWorks, "bus_mastering", "perhaps"},
    {"LinkForcedUpWithoutCarrier",
     [](Scene& s) {
       s.host.physical->carrier = false;
       s.host.physical->settings.link_state = VfLinkState::kEnable;
     },
     Verdict::kWorks, "link", "forced up"},
    {"PfOutOfReach",
     [](Scene& s) {
       s.host.physical->up.reset();
       s.host.physical->carrier.reset();
       s.host.physical->settings = {};
     },
     Verdict::kWorks, "pf_up", ""},
    {"PfInAnotherNamespace",
     [](Scene& s) {
       s.host.physical = PhysicalFacts{};
       s.host.physical->elsewhere = true;
     },
     Verdict::kWorks, "pf_up", "its interface is in another network namespace"},
    {"PfDownWhereTheFirmwareRunsTheLink",
     [](Scene& s) {
       s.host.physical->driver = "mlx5_core";
       s.host.physical->up = false;
     },
     Verdict::kWorks, "pf_up", "no carrier: PF eth0 is down"},
    {"PfDownAndLinkForcedUp",
     [](Scene& s) {
       s.host.physical->driver = "ice";
       s.host.physical->up = false;
       s.host.physical->settings.link_state = VfLinkState::kEnable;
     },
     Verdict::kWorks, "pf_up", "eth0 is down, and the VF's link forced up"},
    {"Posted",  // the kernel's counts stay as they are
     [](Scene& s) {
       s.host.interrupts = 0;
       s.host.watched = {};
       s.host.posted = true;
     },
     Verdict::kWorks, "interrupts_arriving", "the host does not see them: they are posted to the guest"},
    {"PerhapsPosted",
     [](Scene& s) {
       s.host.interrupts = 0;
       s.host.posted.reset();
     },
     Verdict::kWorks, "interrupts_arriving", "may be posted"},
    {"PollsWithoutInterrupts",
     [](Scene& s) {
       s.function().msix.enabled = false;
       s.host.interrupts = 0;
     },
     Verdict::kWorks, "interrupts_enabled", "no interrupts enabled"},
    {"PollsAndListensForEvents",
     [](Scene& s) {
       s.function().msix.unmasked = s.function().msix.connected = s.function().msix.working = 1;
       s.host.interrupts = 0;
     },
     Verdict::kWorks, "interrupts_arriving", "a driver that polls"},
    {"WrongVlanPerhaps", [](Scene& s) { s.host.physical->settings.vlan = 7; }, Verdict::kWorks, "vf_settings", "VLAN 7: is it the right one?"},
    {"SharedLine", [](Scene& s) { s.host.interrupts.reset(); }, Verdict::kWorks, "interrupts_arriving", "does not tell"},
    {"MappingsWithdrawn", [](Scene& s) { s.function().withdrawn = true; }, Verdict::kWorks, "bars", "withdrawn by the host"},
};
INSTANTIATE_TEST_SUITE_P(Well, Explain, testing::ValuesIn(kWellCases), [](const auto& test) { return test.param.name; });

/// What a driver that is loaded and not used looks like.
const Case kIdleCases[] = {
    {"InterfaceDown",
     [](Scene& s) {
       s.function().msix = {.vectors = 3, .enabled = true, .function_masked = false, .unmasked = 0, .connected = 0, .working = 0};
       s.host.interrupts = 0;
     },
     Verdict::kIdle, "interrupts_connected", "nobody uses the device yet"},
    {"PinNotHeard",  // e1000 with its interface down: it asks for its interrupt when it is opened
     [](Scene& s) {
       s.host.physical.reset();
       s.function().msix = {};
       s.function().has_intx = s.function().intx_on = true;
       s.function().command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
       s.host.interrupts = 0;
     },
     Verdict::kIdle, "interrupts_arriving", "is not seen"},
    {"Asleep",  // as a guest's kernel leaves a device that nobody uses
     [](Scene& s) {
       s.function().power_state = 3;
       s.host.interrupts = 0;
     },
     Verdict::kIdle, "power", "to sleep (D3)"},
    {"VirtioWithNothingToDo",
     [](Scene& s) {
       s.host.physical.reset();
       s.function().vendor = 0x1af4;
       s.host.interrupts = 0;
     },
     Verdict::kIdle, "interrupts_arriving", "only when it is used"},
    {"InterruptsLookedAtForAMoment",
     [](Scene& s) {
       s.host.interrupts = 0;
       s.host.watched = {};
     },
     Verdict::kIdle, "interrupts_arriving", "none so far"},
};
INSTANTIATE_TEST_SUITE_P(Idle, Explain, testing::ValuesIn(kIdleCases), [](const auto& test) { return test.param.name; });

/// A guest that boots, or has just been given the function.
const Case kNotYetCases[] = {
    {"GuestBooting",
     [](Scene& s) {
       s.without_driver();
       s.device.on_bus = std::chrono::seconds(2);
       s.function().since_seen.reset();
     },
     Verdict::kNotYet, "seen", "has not looked for devices yet"},
    {"DriverComing",
     [](Scene& s) {
       s.without_driver();
       s.function().since_seen = std::chrono::seconds(1);
     },
     Verdict::kNotYet, "driver", "none yet"},
    {"PluggedAMomentAgo",
     [](Scene& s) {
       s.without_driver();
       s.device.plugged = true;
       s.function().since_seen = std::chrono::milliseconds(10);
       s.function().bars[0].address = 0;
     },
     Verdict::kNotYet, "bars", "no address"},
    {"DriverStarting",
     [](Scene& s) {
       s.function().since_seen = std::chrono::seconds(1);
       s.function().msix.enabled = false;
       s.host.interrupts = 0;
     },
     Verdict::kNotYet, "interrupts_enabled", "no interrupts enabled"},
    {"InTheMiddleOfAnAccess", [](Scene& s) { s.device.function.reset(); }, Verdict::kNotYet, "seen", "in the middle of configuring it"},
};
INSTANTIATE_TEST_SUITE_P(NotYet, Explain, testing::ValuesIn(kNotYetCases), [](const auto& test) { return test.param.name; });

const Case kFailedCases[] = {
    {"WantedBack", [](Scene& s) { s.device.wanted = s.device.leaving = true; }, Verdict::kFailed, "assigned", "the host wants it back"},
    {"Leaving", [](Scene& s) { s.device.leaving = true; }, Verdict::kFailed, "assigned", "asked to let go"},
    {"Gone", [](Scene& s) { s.function().present = false; }, Verdict::kFailed, "assigned", "does not answer"},
    {"NotSeen",
     [](Scene& s) {
       s.without_driver();
       s.function().since_seen.reset();
     },
     Verdict::kFailed, "seen", "has not looked at it"},
    {"NotSeenAfterHotPlug",
     [](Scene& s) {
       s.without_driver();
       s.function().since_seen.reset();
       s.device.plugged = true;
     },
     Verdict::kFailed, "seen", "has not looked at it in 60 s"},
    {"BarNotPlaced", [](Scene& s) { s.function().bars[0].address = 0; }, Verdict::kFailed, "bars", "BAR 0 (16K) has no address"},
    {"BarHidden", [](Scene& s) { s.function().bars[0].answers = BarFacts::Answers::kPartly; }, Verdict::kFailed, "bars", "hidden"},
    {"NoDriver", &Scene::without_driver, Verdict::kFailed, "driver", "no driver in the guest"},
    {"MemoryDecodingOff", [](Scene& s) { s.function().command &= ~PCI_COMMAND_MEMORY; }, Verdict::kFailed, "decoding", "memory decoding is off"},
    {"NoBusMastering", [](Scene& s) { s.function().command &= ~PCI_COMMAND_MASTER; }, Verdict::kFailed, "bus_mastering", "no bus mastering"},
    {"DriverLeft",
     [](Scene& s) {
       s.without_driver();
       s.function().command = PCI_COMMAND_MEMORY;
     },
     Verdict::kFailed, "bus_mastering", "no bus mastering"},
    {"PinThatTheHostDoesNotHear",
     [](Scene& s) {
       s.function().msix = {};
       s.function().has_intx = true;
       s.function().command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
     },
     Verdict::kFailed, "interrupts_enabled", "silent"},
    {"EnabledButMasked",
     [](Scene& s) {
       s.function().msix.function_masked = true;
       s.function().msix.connected = s.function().msix.working = 0;
     },
     Verdict::kFailed, "interrupts_connected", "enabled, but masked"},
    {"NoRoute", [](Scene& s) { s.function().msix.working = 1; }, Verdict::kFailed, "interrupts_connected", "2 of 3 vectors have no way"},
    {"PfDown",
     [](Scene& s) {
       s.host.physical->up = false;
       s.host.physical->carrier.reset();
       s.host.interrupts = 0;
     },
     Verdict::kFailed, "pf_up", "no carrier: PF eth0 is down"},
    {"PfDownWithItsVfs",  // ixgbe turns their queues off, whatever link_state says
     [](Scene& s) {
       s.host.physical->driver = "ixgbe";
       s.host.physical->up = false;
       s.host.physical->settings.link_state = VfLinkState::kEnable;
     },
     Verdict::kFailed, "pf_up", "no carrier: PF eth0 is down"},
    {"PfDownAndNothingArrives",
     [](Scene& s) {
       s.host.physical->driver = "mlx5_core";
       s.host.physical->up = false;
       s.host.interrupts = 0;
     },
     Verdict::kFailed, "pf_up", "no carrier: PF eth0 is down"},
    {"NoCarrier", [](Scene& s) { s.host.physical->carrier = false; }, Verdict::kFailed, "link", "no carrier: PF eth0 has no link"},
    {"LinkDisabled", [](Scene& s) { s.host.physical->settings.link_state = VfLinkState::kDisable; }, Verdict::kFailed, "link", "disabled"},
    {"NoneArriving", [](Scene& s) { s.host.interrupts = 0; }, Verdict::kFailed, "interrupts_arriving", "enabled, but none arriving"},
};
INSTANTIATE_TEST_SUITE_P(Failed, Explain, testing::ValuesIn(kFailedCases), [](const auto& test) { return test.param.name; });

TEST(ExplainSteps, BehindAStepThatFailedTheGuestsAreUnknownAndTheHostsAreNot) {
  Scene scene;
  scene.without_driver();
  scene.host.physical->up = false;
  const Explanation explanation = explain(scene.device, scene.host);
  EXPECT_EQ(find(explanation, "bus_mastering")->status, Status::kUnknown);
  EXPECT_EQ(find(explanation, "interrupts_arriving")->status, Status::kUnknown);
  EXPECT_EQ(find(explanation, "pf_up")->status, Status::kFailed);
  EXPECT_EQ(explanation.failure()->name, "driver");
}

TEST(ExplainSteps, WithoutALinkNoInterruptsAreAllRight) {
  Scene scene;
  scene.host.physical->up = false;
  scene.host.interrupts = 0;
  EXPECT_EQ(find(explain(scene.device, scene.host), "interrupts_arriving")->status, Status::kUnknown);
}

TEST(ExplainSteps, APfThatIsDownIsWatchedBeforeItIsBlamed) {
  Scene scene;
  scene.host.physical->driver = "mlx5_core";
  scene.host.physical->up = false;
  scene.host.interrupts = 0;
  scene.host.watched = {};
  const Explanation explanation = explain(scene.device, scene.host);
  EXPECT_EQ(find(explanation, "pf_up")->status, Status::kUnknown);
  EXPECT_EQ(find(explanation, "pf_up")->remedy, "On the host: ip link set eth0 up; reload the guest's driver if it gave up.");
  EXPECT_EQ(find(explanation, "interrupts_arriving")->status, Status::kWaiting);
}

TEST(ExplainSteps, AWholeCardHasNoStepsOfAPhysicalFunction) {
  Scene scene;
  scene.host.physical.reset();
  const Explanation explanation = explain(scene.device, scene.host);
  EXPECT_EQ(find(explanation, "pf_up"), nullptr);
  EXPECT_EQ(find(explanation, "link"), nullptr);
  EXPECT_EQ(find(explanation, "vf_settings"), nullptr);
}

TEST(ExplainSteps, ARemedyNamesTheFunctionAsTheGuestDoes) {
  Scene scene;
  scene.without_driver();
  EXPECT_THAT(explain(scene.device, scene.host).failure()->remedy, HasSubstr("lspci -nnk -s 00:01.0 "));
}

}  // namespace
}  // namespace strait
