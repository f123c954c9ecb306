#include "host/checks/host_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_host.h"

namespace strait::host {
namespace {

TEST(HostView, TheCommandLineIsReadWordByWord) {
  test::FakeHost host;
  host.boot("iommu=pt,verbose intel_iommu=on xintremap=off quiet");
  EXPECT_TRUE(host.view().booted_with("quiet"));
  EXPECT_FALSE(host.view().booted_with("qui"));
  EXPECT_TRUE(host.view().booted_with("iommu", "pt"));
  EXPECT_TRUE(host.view().booted_with("iommu", "verbose"));
  EXPECT_FALSE(host.view().booted_with("iommu", "on"));
  EXPECT_FALSE(host.view().booted_with("intremap", "off"));
  EXPECT_FALSE(host.view().booted_with("quiet", ""));
}

TEST(HostView, TheProcessorIsTheFirstOne) {
  test::FakeHost host;
  host.cpu("HygonGenuine", "svm hypervisor");
  EXPECT_EQ(host.view().cpu_vendor(), HostView::Vendor::kAmd);
  EXPECT_TRUE(host.view().virtual_machine());
  EXPECT_FALSE(host.view().cpu_flag("none"));
  host.cpu("CentaurHauls", "vmx");
  EXPECT_EQ(host.view().cpu_vendor(), HostView::Vendor::kOther);
  host.procfs("cpuinfo", "vendor_id\nflags\t\t:");
  EXPECT_FALSE(host.view().cpu_flag("vmx"));
}

TEST(HostView, AModulesSwitchIsYOr1) {
  test::FakeHost host;
  EXPECT_EQ(host.view().module_switch("kvm", "a"), std::nullopt);
  for (const auto& [text, value] : {std::pair{"Y\n", true}, {"1\n", true}, {"N\n", false}, {"0\n", false}, {"-1\n", false}}) {
    host.sysfs("module/kvm/parameters/a", text);
    EXPECT_EQ(host.view().module_switch("kvm", "a"), value) << text;
  }
}

TEST(HostView, AKernelsVersionIsTheBeginningOfItsRelease) {
  test::FakeHost host;
  const auto version = [&](const char* release) {
    host.procfs("sys/kernel/osrelease", release);
    return host.view().kernel_version();
  };
  EXPECT_EQ(version("6.1.0-18-amd64\n"), std::pair(6u, 1u));
  EXPECT_EQ(version("6.12\n"), std::pair(6u, 12u));
  EXPECT_EQ(version("7\n"), std::pair(7u, 0u));
  EXPECT_EQ(version("odd\n"), std::pair(0u, 0u));
}

TEST(HostView, ThisMachineCanBeLookedAt) {
  const HostView host = HostView::real();
  EXPECT_FALSE(host.kernel_release().empty());
  EXPECT_FALSE(host.user.empty());
  EXPECT_EQ(host.open_device("/dev/null").error, 0);
  EXPECT_EQ(host.open_device("/dev/null").group, "") << "root's, whoever may write to it";
  EXPECT_EQ(host.open_device("/nonexistent").error, ENOENT);
}

}  // namespace
}  // namespace strait::host
