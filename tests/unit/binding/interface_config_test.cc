#include "binding/interface_config.h"

#include <sched.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "binding/interface_addresses.h"
#include "binding/interface_link.h"
#include "binding/obstacles.h"
#include "host/network_interface.h"
#include "tests/fakes/fake_sysfs.h"
#include "tests/unit/binding/killed.h"
#include "tests/unit/error_of.h"

namespace strait::binding {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string output_of(const std::string& command) {
  std::string text;
  FILE* const pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> chunk;
  while (pipe != nullptr && std::fgets(chunk.data(), chunk.size(), pipe) != nullptr) text += chunk.data();
  if (pipe != nullptr) ::pclose(pipe);
  return text;
}

/// In a network namespace of its own, on the kernel itself. One end of a veth stands for a card's interface: `ip link del` is the driver
/// that goes, and `ip link add` with another name the driver that comes back.
class InterfaceConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    static const bool alone = enter_namespace();
    if (!alone) GTEST_SKIP() << "this user may have no network namespace";
    if (output_of("ip -V 2>&1").find("iproute2") == std::string::npos) GTEST_SKIP() << "there is no ip";
    run("ip link set lo up");
    run("echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad");
    add("lan");
  }
  void TearDown() override {
    for (const char* name : {"lan", "eth9", "br9", "wan"}) output_of("ip link del " + std::string(name) + " 2>/dev/null");
  }

  static bool enter_namespace() {
    if (::unshare(CLONE_NEWNET) == 0) return true;
    const auto uid = ::getuid();
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1\n";
    return ::getuid() == 0;
  }
  static void run(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }
  static void add(const std::string& name) {
    run("ip link add " + name + " type veth peer name " + name + "-wire && ip link set " + name + "-wire up");
  }
  /// As ip shows it, but for the number, which the kernel chooses anew, and the time.
  static std::string snapshot() {
    std::string text;
    // An address that the kernel asks for has no route to itself yet.
    for (int left = 50; left > 0; --left) {
      text = output_of(
          "ip -d -j link show dev lan; ip -d -j addr show dev lan; ip -d -j route show table all dev lan; ip -d -6 -j route show table "
          "all dev lan");
      if (text.find("\"tentative\":true") == std::string::npos) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    text = std::regex_replace(text, std::regex("\"(ifindex|link_index)\":[0-9]+|\"link\":\"[^\"]*\""), "");
    text = std::regex_replace(text, std::regex("\"tentative\":true,"), "");
    return std::regex_replace(text, std::regex("\"(expires|timestamp)\":[0-9]+"), "");
  }
  static std::string route(const std::string& destination) { return output_of("ip route show table all " + destination); }
  static void lose_driver() {
    run("ip link del lan 2>/dev/null || ip link del eth9");
    add("eth9");
  }
  static void configure() {
    run("ip link set lan address 02:11:22:33:44:55 mtu 1400 txqueuelen 77 alias 'the LAN' group 5");
    run("ip link property add dev lan altname lan-of-old altname lan0");
    run("echo 1 > /proc/sys/net/ipv4/conf/lan/proxy_arp; echo 0 > /proc/sys/net/ipv6/conf/lan/accept_ra");
    run("ip link set lan addrgenmode none promisc on allmulticast on up");
    run("ip addr add 192.0.2.1/24 dev lan label lan:one && ip addr add 192.0.2.2/24 dev lan && ip addr add 198.51.100.1 peer 198.51.100.9 "
        "dev lan");
    run("ip addr add 203.0.113.7/28 dev lan noprefixroute metric 50 scope link");
    run("ip addr add 2001:db8::1/64 dev lan && ip addr add 2001:db8::2/64 dev lan preferred_lft 0 && ip addr add fe80::7/64 dev lan");
    run("ip route add 10.0.0.0/8 via 192.0.2.254 dev lan metric 9 mtu 1300 && ip route add default via 192.0.2.253 dev lan table 77");
    run("ip route add 10.1.0.0/16 dev lan src 192.0.2.2 && ip route add 10.2.0.0/16 via 203.0.113.99 dev lan onlink");
    run("ip -6 route add 2001:db8:9::/48 via 2001:db8::fe dev lan && ip -6 route add default via fe80::1 dev lan");
  }
};

TEST_F(InterfaceConfigTest, EverythingComesBackAsItWas) {
  configure();
  const std::string before = snapshot();
  const auto config = read_interface_config("lan");
  lose_driver();
  restore_interface_config("eth9", config);
  EXPECT_EQ(snapshot(), before);
  EXPECT_EQ(output_of("cat /proc/sys/net/ipv4/conf/lan/proxy_arp /proc/sys/net/ipv6/conf/lan/accept_ra"), "1\n0\n");
}

TEST_F(InterfaceConfigTest, OneThatWasDownIsDown) {
  // What was never up has no queue yet, and never again once it was.
  const auto without_queue = [] { return std::regex_replace(snapshot(), std::regex("\"qdisc\":\"[a-z]*\""), ""); };
  const std::string before = without_queue();
  const auto config = read_interface_config("lan");
  lose_driver();
  run("ip link set eth9 up && ip link property add dev eth9 altname new-name");
  restore_interface_config("eth9", config);
  EXPECT_EQ(without_queue(), before);
}

TEST_F(InterfaceConfigTest, WhatIsAsItWasStaysUntouched) {
  configure();
  const std::string before = snapshot();
  restore_interface_config("lan", read_interface_config("lan"));
  EXPECT_EQ(snapshot(), before);
}

TEST_F(InterfaceConfigTest, KilledAtAnyPointItIsDoneByTheNext) {
  configure();
  const std::string before = snapshot();
  const auto config = read_interface_config("lan");
  int n = 1;
  for (;; ++n) {
    lose_driver();
    const bool killed = test::killed_at(n, [&] { restore_interface_config("eth9", config); });
    if (!killed) break;
    const bool renamed = !output_of("ip -o link show dev lan 2>/dev/null").empty();
    restore_interface_config(renamed ? "lan" : "eth9", config);
    ASSERT_EQ(snapshot(), before) << "killed at " << n;
  }
  EXPECT_GT(n, 20);
  EXPECT_EQ(snapshot(), before);
}

TEST_F(InterfaceConfigTest, LifetimesGoOnMeanwhile) {
  run("ip link set lan up && ip addr add 192.0.2.1/24 dev lan valid_lft 3000 preferred_lft 2000 && ip addr add 192.0.2.2/24 dev lan "
      "valid_lft 500 preferred_lft 400");
  auto config = read_interface_config("lan");
  config["addresses"]["time"] = config["addresses"]["time"].get<std::int64_t>() - 1000;
  lose_driver();
  restore_interface_config("eth9", config);
  const std::string text = output_of("ip -4 addr show dev lan");
  EXPECT_THAT(text, testing::ContainsRegex("valid_lft (2000|199[0-9])sec preferred_lft (1000|99[0-9])sec"));
  EXPECT_THAT(text, testing::Not(HasSubstr("192.0.2.2")));
}

/// DHCP gives both: what is without its lease is DHCP's to bring back.
TEST_F(InterfaceConfigTest, RoutesThatNeedAnAddressWhoseLifetimeHasPassedAreAWarning) {
  run("ip link set lan up && ip addr add 192.0.2.2/24 dev lan valid_lft 500 preferred_lft 400");
  run("ip route add default via 192.0.2.254 dev lan proto dhcp && ip route add 10.77.0.0/16 dev lan src 192.0.2.2 proto dhcp");
  run("ip route add 10.78.0.0/16 dev lan");
  auto config = read_interface_config("lan");
  lose_driver();
  config["addresses"]["time"] = config["addresses"]["time"].get<std::int64_t>() - 1000;
  testing::internal::CaptureStderr();
  restore_interface_config("eth9", config);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::AllOf(HasSubstr("its route default back: Network is unreachable: the lifetime of an address of the interface has"),
                             HasSubstr("its route 10.77.0.0/16 back: Invalid argument: the lifetime of an address")));
  EXPECT_THAT(route("10.78.0.0/16"), HasSubstr("dev lan")) << "which needs none";
  // All addresses being there, it is as it was: an error.
  config["addresses"]["list"].clear();
  EXPECT_THAT(test::error_of([&] { restore_interface_config("lan", config); }), HasSubstr("add it by hand (ip route add)"));
}

TEST_F(InterfaceConfigTest, LifetimesOfRoutesGoOnMeanwhile) {
  run("ip link set lan up && ip addr add 2001:db8::1/64 dev lan && ip -6 route add 2001:db8:76::/48 via 2001:db8::fe dev lan");
  run("ip -6 route add 2001:db8:77::/48 via 2001:db8::fe dev lan expires 3000");
  run("ip -6 route add 2001:db8:78::/48 via 2001:db8::fe dev lan expires 500");
  auto config = read_interface_config("lan");
  for (auto& one : config["routes"]) {
    if (one.contains("expires")) one["expires"] = one["expires"].get<std::int64_t>() - 1000;
  }
  lose_driver();
  restore_interface_config("eth9", config);
  EXPECT_THAT(route("2001:db8:76::/48"), testing::AllOf(HasSubstr("dev lan"), testing::Not(HasSubstr("expires"))));
  EXPECT_THAT(route("2001:db8:77::/48"), testing::ContainsRegex("expires (2000|199[0-9])sec"));
  EXPECT_EQ(route("2001:db8:78::/48"), "");
}

TEST_F(InterfaceConfigTest, ItBelongsToItsBridgeAgain) {
  run("ip link add br9 type bridge && ip link set br9 up && ip link set lan up master br9");
  const auto config = read_interface_config("lan");
  EXPECT_EQ(host::interface_lookup()("lan")->master, "br9");
  lose_driver();
  restore_interface_config("eth9", config);
  EXPECT_EQ(host::interface_lookup()("lan")->master, "br9");
  run("ip link del br9");
  lose_driver();
  log::set_level(log::Level::kOff);
  restore_interface_config("eth9", config);
  log::set_level(log::Level::kWarning);
  EXPECT_EQ(host::interface_lookup()("lan")->master, "");
}

TEST_F(InterfaceConfigTest, AMasterThatRefusesIsAWarning) {
  run("ip link add br9 type bridge && ip link set lan up master br9");
  const auto config = read_interface_config("lan");
  run("ip link del br9 && ip link add br9 type veth peer name br9-wire");
  lose_driver();
  log::set_level(log::Level::kOff);
  restore_interface_config("eth9", config);
  log::set_level(log::Level::kWarning);
  EXPECT_TRUE(host::interface_lookup()("lan")->up);
}

/// To write it makes the kernel use it, which the administrator may not have wanted.
TEST_F(InterfaceConfigTest, TheSecretOfStableAddressesComesFirst) {
  run("echo 2001:db8::5ec > /proc/sys/net/ipv6/conf/lan/stable_secret && ip link set lan addrgenmode eui64");
  const auto config = read_interface_config("lan");
  lose_driver();
  restore_interface_config("eth9", config);
  EXPECT_EQ(output_of("cd /proc/sys/net/ipv6/conf/lan && cat addr_gen_mode stable_secret"), "0\n2001:0db8:0000:0000:0000:0000:0000:05ec\n");
}

/// The kernel sets it to the device's when the link comes.
TEST_F(InterfaceConfigTest, IPv6HasAnMtuOfItsOwnAgain) {
  run("ip link set lan up mtu 1400");
  host::Netlink netlink;
  const int index = host::interface_lookup()("lan")->index;
  ASSERT_TRUE(await_link(netlink, index));
  run("echo 1300 > /proc/sys/net/ipv6/conf/lan/mtu");
  const auto config = read_interface_config("lan");
  lose_driver();
  restore_interface_config("eth9", config);
  run("sleep 0.2");
  EXPECT_EQ(output_of("cat /proc/sys/net/ipv6/conf/lan/mtu"), "1300\n");
  run("ip link set eth9-wire down");
  EXPECT_FALSE(await_link(netlink, host::interface_lookup()("lan")->index, std::chrono::milliseconds(60)));
}

TEST_F(InterfaceConfigTest, RoutesOfSeveralLegsHaveThemAllAgain) {
  add("wan");
  run("ip link set lan up && ip addr add 2001:db8::1/64 dev lan && ip addr add 192.0.2.1/24 dev lan");
  run("ip link set wan up && ip addr add 2001:db8:1::1/64 dev wan && ip addr add 198.51.100.1/24 dev wan");
  run("ip -6 route add 2001:db8:77::/48 nexthop via 2001:db8::fe dev lan weight 3 nexthop via 2001:db8:1::fe dev wan");
  run("ip route add 10.77.0.0/16 nexthop via 192.0.2.254 dev lan nexthop via 198.51.100.254 dev wan weight 2");
  const std::string four = route("10.77.0.0/16"), six = "via 2001:db8::fe dev lan weight 3";
  EXPECT_THAT(route("2001:db8:77::/48"), HasSubstr(six));
  const auto config = read_interface_config("lan");
  lose_driver();
  EXPECT_THAT(route("2001:db8:77::/48"), testing::AllOf(HasSubstr("dev wan"), testing::Not(HasSubstr(six)))) << "the other leg stays";
  restore_interface_config("eth9", config);
  EXPECT_EQ(route("10.77.0.0/16"), four);
  EXPECT_THAT(route("2001:db8:77::/48"), testing::AllOf(HasSubstr("via 2001:db8:1::fe dev wan"), HasSubstr(six)));
  const std::string both = route("2001:db8:77::/48");
  restore_interface_config("lan", config);
  EXPECT_EQ(route("2001:db8:77::/48"), both) << "it is there already";
  // Without the others, a route has the legs that it can have.
  lose_driver();
  run("ip link del wan; ip route flush 10.77.0.0/16");
  testing::internal::CaptureStderr();
  restore_interface_config("eth9", config);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("the route 10.77.0.0/16 comes without its way by wan, which is not there"));
  EXPECT_THAT(route("10.77.0.0/16"), HasSubstr("via 192.0.2.254 dev lan"));
  EXPECT_THAT(route("2001:db8:77::/48"), HasSubstr("via 2001:db8::fe dev lan"));
}

/// Both are taken, and come back with other indices, one after the other.
TEST_F(InterfaceConfigTest, RoutesOfSeveralInterfacesThatWereTakenHaveThemAllAgain) {
  add("wan");
  run("ip link set lan up && ip addr add 2001:db8::1/64 dev lan && ip addr add 192.0.2.1/24 dev lan");
  run("ip link set wan up && ip addr add 2001:db8:1::1/64 dev wan && ip addr add 198.51.100.1/24 dev wan");
  run("ip -6 route add 2001:db8:77::/48 nexthop via 2001:db8::fe dev lan weight 3 nexthop via 2001:db8:1::fe dev wan");
  run("ip route add 10.77.0.0/16 nexthop via 192.0.2.254 dev lan nexthop via 198.51.100.254 dev wan weight 2");
  const std::string four = route("10.77.0.0/16");
  const auto lan = read_interface_config("lan"), wan = read_interface_config("wan");
  for (const bool lan_first : {true, false}) {
    run("ip link del wan");
    lose_driver();
    EXPECT_EQ(route("10.77.0.0/16"), "");
    testing::internal::CaptureStderr();
    if (lan_first) restore_interface_config("eth9", lan);
    add("wan");
    restore_interface_config("wan", wan);
    if (!lan_first) restore_interface_config("eth9", lan);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr(lan_first ? "its way by wan, which" : "its way by lan, which"));
    EXPECT_EQ(route("10.77.0.0/16"), four);
    EXPECT_THAT(route("2001:db8:77::/48"),
                testing::AllOf(HasSubstr("via 2001:db8:1::fe dev wan"), HasSubstr("via 2001:db8::fe dev lan weight 3")));
  }
}

/// The interface is there, but what the route needs of it is not.
TEST_F(InterfaceConfigTest, AWayByAnotherInterfaceThatTheKernelRefusesIsAWarning) {
  add("wan");
  run("ip link set lan up && ip addr add 192.0.2.1/24 dev lan && ip link set wan up && ip addr add 198.51.100.1/24 dev wan");
  run("ip route add 10.77.0.0/16 nexthop via 192.0.2.254 dev lan nexthop via 198.51.100.254 dev wan");
  const auto config = read_interface_config("lan");
  lose_driver();
  run("ip addr flush dev wan");
  testing::internal::CaptureStderr();
  restore_interface_config("eth9", config);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("it comes without its ways by other interfaces"));
  EXPECT_THAT(route("10.77.0.0/16"), HasSubstr("via 192.0.2.254 dev lan"));
}

TEST_F(InterfaceConfigTest, ARouteThatIsSomebodyElsesBySameKeyStays) {
  add("wan");
  run("ip link set lan up && ip addr add 2001:db8::1/64 dev lan && ip -6 route add 2001:db8:77::/48 via 2001:db8::fe dev lan");
  const auto config = read_interface_config("lan");
  lose_driver();
  run("ip link set wan up && ip addr add 2001:db8:1::1/64 dev wan && ip -6 route add 2001:db8:77::/48 via 2001:db8:1::fe dev wan");
  testing::internal::CaptureStderr();
  restore_interface_config("eth9", config);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("the route 2001:db8:77::/48 is there again by another way, which stays"));
  EXPECT_THAT(route("2001:db8:77::/48"), testing::Not(HasSubstr("dev lan")));
}

TEST_F(InterfaceConfigTest, RoutesOfDaemonsAreTheirs) {
  run("ip link set lan up && ip addr add 192.0.2.1/24 dev lan");
  int metric = 0;
  const auto add_route = [&metric](const std::string& by) {
    run("ip route add 10.77.0.0/16 dev lan metric " + std::to_string(++metric) + " proto " + by);
  };
  for (const char* by : {"bgp", "ospf", "zebra", "bird", "babel", "99"}) add_route(by);
  EXPECT_TRUE(read_interface_config("lan")["routes"].empty());
  for (const char* by : {"boot", "static", "dhcp"}) add_route(by);
  EXPECT_EQ(read_interface_config("lan")["routes"].size(), 3u);
}

/// The kernel refuses a source address until it knows that nobody else has it.
TEST_F(InterfaceConfigTest, ARouteFromAnAddressComesWhenThatMayBeUsed) {
  host::Netlink netlink;
  run("ip link set lan up && ip addr add 2001:db8::1/64 dev lan");
  ASSERT_TRUE(await_addresses(netlink, host::interface_lookup()("lan")->index));
  run("ip -6 route add 2001:db8:77::/48 dev lan src 2001:db8::1");
  auto config = read_interface_config("lan");
  config["sysctls"]["ipv6/accept_dad"] = "1";
  const std::string before = route("2001:db8:77::/48");
  lose_driver();
  restore_interface_config("eth9", config);
  EXPECT_EQ(route("2001:db8:77::/48"), before);
  run("ip link set eth9-wire down && ip addr flush dev lan && ip addr add 2001:db8::2/64 dev lan");
  EXPECT_FALSE(await_addresses(netlink, host::interface_lookup()("lan")->index, std::chrono::milliseconds(60))) << "without a link";
}

TEST_F(InterfaceConfigTest, OneThingThatIsRefusedKeepsNothingElseFromComing) {
  run("ip link set lan up mtu 1400 && ip addr add 192.0.2.1/24 dev lan && ip route add 10.77.0.0/16 via 192.0.2.254 dev lan");
  const auto config = read_interface_config("lan");
  lose_driver();
  run("ip link add lan type bridge");
  EXPECT_EQ(test::error_of([&] { restore_interface_config("eth9", config); }),
            "giving the network interface lan its name back: File exists; rename the interface that has this name now");
  EXPECT_EQ(host::interface_lookup()("eth9")->mtu, 1400u);
  EXPECT_THAT(host::interface_lookup()("eth9")->addresses, testing::Contains("192.0.2.1/24"));
  EXPECT_THAT(route("10.77.0.0/16"), HasSubstr("via 192.0.2.254 dev eth9"));
  EXPECT_EQ(test::error_of([&] { restore_interface_config("nothing", config); }), "there is no network interface nothing");
  EXPECT_EQ(test::error_of([&] { read_interface_config("nothing"); }), "there is no network interface nothing");
}

TEST_F(InterfaceConfigTest, WhatHangsOnItIsNamedAsLost) {
  const host::Bdf function = host::Bdf::parse("0000:01:10.0");
  test::FakeSysfs sysfs;
  sysfs.add(function.to_string(), "igbvf", 1);
  sysfs.add_interface(function.to_string(), "lan");
  const Host host{.sysfs = sysfs.root()};
  EXPECT_THAT(losses_of(function, host), IsEmpty());
  run("ip link add link lan name lan.5 type macvlan");
  std::filesystem::create_directories(sysfs.root() / "class/net/lan/brport");
  EXPECT_THAT(losses_of(function, host), ElementsAre("lan.5 on top of lan will be gone, and not put back",
                                                     HasSubstr("lan will be a port of its bridge again, but with a new port's settings")));
}

TEST_F(InterfaceConfigTest, NetworkInterfaceTellsWhatUsesIt) {
  run("ip link property add dev lan altname lan0 && ip link set lan mtu 1400 address 02:11:22:33:44:55");
  const auto idle = host::interface_lookup()("lan");
  ASSERT_TRUE(idle);
  EXPECT_FALSE(idle->up);
  EXPECT_THAT(uses_of(*idle), IsEmpty());
  run("ip link set lan up && ip addr add 192.0.2.1/24 dev lan && ip route add default via 192.0.2.254");
  run("ip link add link lan name lan.5 type macvlan");
  const auto used = host::interface_lookup()("lan0");
  ASSERT_TRUE(used);
  EXPECT_EQ(used->name, "lan");
  EXPECT_EQ(used->mac, "02:11:22:33:44:55");
  EXPECT_EQ(used->mtu, 1400u);
  EXPECT_TRUE(used->up);
  EXPECT_TRUE(used->carrier);
  EXPECT_THAT(used->altnames, ElementsAre("lan0"));
  EXPECT_THAT(uses_of(*used), ElementsAre("lan has the default route", "lan has the address 192.0.2.1/24", "lan carries lan.5"));
  EXPECT_FALSE(host::interface_lookup()("nothing"));
}

/// A router has a million routes: they are asked for once, however many interfaces are looked at.
TEST_F(InterfaceConfigTest, ALookupAnswersFromWhatItFirstSaw) {
  run("ip link set lan up && ip addr add 192.0.2.1/24 dev lan && ip route add 198.51.100.0/24 via 192.0.2.254");
  const auto look_up = host::interface_lookup();
  EXPECT_FALSE(look_up("lan")->default_route);
  run("ip route add default via 192.0.2.254 table 77");
  EXPECT_FALSE(look_up("lan")->default_route);
  EXPECT_TRUE(host::interface_lookup()("lan")->default_route) << "of any table";
}

}  // namespace
}  // namespace strait::binding
