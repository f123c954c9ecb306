#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

namespace strait::host {

/// One rtnetlink message of the kernel: a fixed body such as ifinfomsg, then attributes (rtnetlink(7)).
class NetlinkMessage {
 public:
  explicit NetlinkMessage(const nlmsghdr* message);

  int type() const { return header()->nlmsg_type; }
  template <typename Body>
  const Body& body() const {
    return *static_cast<const Body*>(nlmsg_data(header()));
  }
  /// The attribute `type` behind a Body; null where it is missing.
  template <typename Body>
  nlattr* attribute(int type) const {
    return nlmsg_find_attr(header(), sizeof(Body), type);
  }
  /// All attributes behind a Body, as they are.
  template <typename Body>
  std::span<const std::uint8_t> attributes() const {
    return {reinterpret_cast<const std::uint8_t*>(nlmsg_attrdata(header(), sizeof(Body))),
            static_cast<std::size_t>(nlmsg_attrlen(header(), sizeof(Body)))};
  }

 private:
  nlmsghdr* header() const { return reinterpret_cast<nlmsghdr*>(const_cast<std::uint64_t*>(bytes_.data())); }

  std::vector<std::uint64_t> bytes_;  ///< aligned, as the structures want it
};

/// A request in the making: body and attributes are added in the order in which they go.
class NetlinkRequest {
 public:
  /// `type` like RTM_NEWLINK, `flags` like NLM_F_CREATE.
  NetlinkRequest(int type, int flags);
  template <typename Body>
  NetlinkRequest& body(const Body& body) {
    return append(&body, sizeof body);
  }
  NetlinkRequest& raw(std::span<const std::uint8_t> attributes) { return append(attributes.data(), attributes.size()); }
  NetlinkRequest& put(int type, std::uint32_t value) { return put(type, &value, sizeof value); }
  /// With the zero at its end.
  NetlinkRequest& put(int type, const std::string& text) { return put(type, text.c_str(), text.size() + 1); }
  NetlinkRequest& put(int type, const void* data, std::size_t size);
  /// For attributes inside attributes.
  nl_msg* message() const { return message_.get(); }

 private:
  NetlinkRequest& append(const void* data, std::size_t size);

  std::unique_ptr<nl_msg, void (*)(nl_msg*)> message_;
};

/// Which objects of a dump are kept, looked at as they arrive: there may be a million routes.
using NetlinkFilter = std::function<bool(const nlmsghdr& message)>;

/// The error code with which the kernel ended a dump: its last message (NLMSG_DONE) has it. 0 for none. Pure.
int dump_error(const nlmsghdr& done);

/// A socket for rtnetlink, in the network namespace of the thread that made it. One thread.
class Netlink {
 public:
  /// Throws Error.
  Netlink();

  /// Everything that the kernel answers. Throws Error "ATTEMPT: ...", with the kernel's error code.
  std::vector<NetlinkMessage> ask(const NetlinkRequest& request, const std::string& attempt);
  /// All objects of a kind, or those that are `wanted`: `request` is of RTM_GETLINK, RTM_GETADDR or RTM_GETROUTE. Throws Error.
  std::vector<NetlinkMessage> dump(int request, std::uint8_t family = AF_UNSPEC, const NetlinkFilter& wanted = {});

 private:
  /// The kernel's error code, 0 for none.
  int exchange(const NetlinkRequest& request, std::vector<NetlinkMessage>& answers, const NetlinkFilter& wanted);

  std::unique_ptr<nl_sock, void (*)(nl_sock*)> socket_;
};

}  // namespace strait::host
