#include "binding/interface_link.h"

#include <linux/if.h>

#include "binding/await.h"
#include "host/link_message.h"

namespace strait::binding {

bool await_link(host::Netlink& netlink, int index, std::chrono::milliseconds patience) {
  // The carrier is there before the protocols are told, and this flag behind that.
  return await(patience, [&] { return (host::get_link(netlink, index).body<ifinfomsg>().ifi_flags & IFF_RUNNING) != 0; });
}

}  // namespace strait::binding
