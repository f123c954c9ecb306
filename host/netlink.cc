#include "host/netlink.h"

#include <cerrno>
#include <cstring>

#include <netlink/errno.h>
#include <netlink/handlers.h>
#include <netlink/netlink.h>

#include "base/error.h"

namespace strait::host {
namespace {

struct Exchange {
  std::vector<NetlinkMessage>* answers;
  const NetlinkFilter& wanted;
  int error = 0;
  bool done = false;

  int finish(int with_error) {
    error = with_error;
    done = true;
    return NL_STOP;
  }
};

int keep_answer(nl_msg* message, void* exchange) {
  const auto* state = static_cast<Exchange*>(exchange);
  if (!state->wanted || state->wanted(*nlmsg_hdr(message))) state->answers->emplace_back(nlmsg_hdr(message));
  return NL_OK;
}

int acknowledged(nl_msg*, void* exchange) { return static_cast<Exchange*>(exchange)->finish(0); }

int dump_ended(nl_msg* message, void* exchange) { return static_cast<Exchange*>(exchange)->finish(dump_error(*nlmsg_hdr(message))); }

int refused(sockaddr_nl*, nlmsgerr* error, void* exchange) { return static_cast<Exchange*>(exchange)->finish(-error->error); }

}  // namespace

int dump_error(const nlmsghdr& done) {
  int code = 0;
  if (nlmsg_datalen(&done) < static_cast<int>(sizeof code)) return 0;
  std::memcpy(&code, nlmsg_data(&done), sizeof code);
  return code < 0 ? -code : 0;
}

NetlinkMessage::NetlinkMessage(const nlmsghdr* message) : bytes_((message->nlmsg_len + 7) / 8) {
  std::memcpy(bytes_.data(), message, message->nlmsg_len);
}

NetlinkRequest::NetlinkRequest(int type, int flags) : message_(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags), nlmsg_free) {
  if (!message_) throw Error::from_errno(ENOMEM, "making a netlink request");
}

NetlinkRequest& NetlinkRequest::append(const void* data, std::size_t size) {
  if (nlmsg_append(message_.get(), const_cast<void*>(data), size, NLMSG_ALIGNTO) != 0) {
    throw Error::from_errno(EMSGSIZE, "making a netlink request");
  }
  return *this;
}

NetlinkRequest& NetlinkRequest::put(int type, const void* data, std::size_t size) {
  if (nla_put(message_.get(), type, static_cast<int>(size), data) != 0) throw Error::from_errno(EMSGSIZE, "making a netlink request");
  return *this;
}

Netlink::Netlink() : socket_(nl_socket_alloc(), nl_socket_free) {
  if (!socket_ || nl_connect(socket_.get(), NETLINK_ROUTE) != 0) throw Error::from_errno(errno, "opening a netlink socket");
  nl_socket_enable_msg_peek(socket_.get());
}

int Netlink::exchange(const NetlinkRequest& request, std::vector<NetlinkMessage>& answers, const NetlinkFilter& wanted) {
  Exchange state{&answers, wanted};
  const std::unique_ptr<nl_cb, void (*)(nl_cb*)> callbacks(nl_cb_alloc(NL_CB_DEFAULT), nl_cb_put);
  if (!callbacks) return ENOMEM;
  nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, keep_answer, &state);
  nl_cb_set(callbacks.get(), NL_CB_ACK, NL_CB_CUSTOM, acknowledged, &state);
  nl_cb_set(callbacks.get(), NL_CB_FINISH, NL_CB_CUSTOM, dump_ended, &state);
  nl_cb_err(callbacks.get(), NL_CB_CUSTOM, refused, &state);
  // Any request ends with an acknowledgement, or with the end of its dump: nl_send_auto asks for it.
  if (const int sent = nl_send_auto(socket_.get(), request.message()); sent < 0) return sent == -NLE_PERM ? EPERM : EIO;
  while (!state.done) {
    const int received = nl_recvmsgs(socket_.get(), callbacks.get());
    if (received == -NLE_DUMP_INTR) return EINTR;
    if (received < 0 && !state.done) return EIO;
  }
  return state.error;
}

std::vector<NetlinkMessage> Netlink::ask(const NetlinkRequest& request, const std::string& attempt) {
  std::vector<NetlinkMessage> answers;
  if (const int error = exchange(request, answers, {})) throw Error::from_errno(error, attempt);
  return answers;
}

std::vector<NetlinkMessage> Netlink::dump(int request, std::uint8_t family, const NetlinkFilter& wanted) {
  // What changed under a dump makes it inconsistent, and the kernel says so: it is taken again.
  for (int attempts = 0; attempts < 20; ++attempts) {
    NetlinkRequest message(request, NLM_F_DUMP);
    // Each kind of dump has a body of its own that begins with the family; the kernel wants all of it.
    if (request == RTM_GETADDR) {
      message.body(ifaddrmsg{.ifa_family = family, .ifa_prefixlen = 0, .ifa_flags = 0, .ifa_scope = 0, .ifa_index = 0});
    } else if (request == RTM_GETROUTE) {
      rtmsg body = {};
      body.rtm_family = family;
      message.body(body);
    } else {
      ifinfomsg body = {};
      body.ifi_family = family;
      message.body(body);
    }
    std::vector<NetlinkMessage> answers;
    const int error = exchange(message, answers, wanted);
    if (error == 0) return answers;
    if (error != EINTR) throw Error::from_errno(error, "asking rtnetlink for the network's configuration");
    socket_.reset(nl_socket_alloc());  // The rest of the spoilt dump goes with the socket.
    if (!socket_ || nl_connect(socket_.get(), NETLINK_ROUTE) != 0) break;
    nl_socket_enable_msg_peek(socket_.get());
  }
  throw Error("the network's configuration changes all the time: rtnetlink gives no consistent answer", "try again");
}

}  // namespace strait::host
