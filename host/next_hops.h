#pragma once

#include <linux/rtnetlink.h>

#include <netlink/attr.h>

namespace strait::host {

/// Calls `visit(rtnexthop&)` for each next hop in a route's RTA_MULTIPATH (rtnetlink(7)); what is cut short is the end.
template <typename Visit>
void each_next_hop(nlattr* multipath, Visit visit) {
  auto* hop = static_cast<rtnexthop*>(nla_data(multipath));
  // RTNH_OK reads the next hop's length before it compares.
  for (int rest = nla_len(multipath); rest >= static_cast<int>(sizeof *hop) && RTNH_OK(hop, rest);) {
    rest -= static_cast<int>(RTNH_ALIGN(hop->rtnh_len));
    rtnexthop* const next = RTNH_NEXT(hop);
    visit(*hop);
    hop = next;
  }
}

}  // namespace strait::host
