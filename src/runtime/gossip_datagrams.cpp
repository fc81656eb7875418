#include "runtime/gossip_datagrams.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/gossip_address.hpp"

namespace anode::gossip {
namespace {

using membership::Address;

constexpr std::size_t kInBatch = 32;
constexpr std::size_t kOutBatch = 64;
constexpr std::size_t kDatagramBytes = 65'536;  // any legal datagram fits
constexpr std::size_t kControlBytes = 64;
constexpr int kErrorsAtOnce = 64;

bool means_unreachable(int error) {
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
           error == ENETDOWN || error == EHOSTDOWN;
}

/// How many datagrams the kernel has dropped so far on this socket, if it says so.
void read_overflow(msghdr& header, std::uint32_t& total) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part))
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SO_RXQ_OVFL)
            std::memcpy(&total, CMSG_DATA(part), sizeof total);
}

int error_of(msghdr& header) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
         part = CMSG_NXTHDR(&header, part)) {
        const bool v4 = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR;
        const bool v6 = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR;
        if (!v4 && !v6) continue;
        sock_extended_err error{};
        std::memcpy(&error, CMSG_DATA(part), sizeof error);
        return static_cast<int>(error.ee_errno);
    }
    return 0;
}

}  // namespace

/// Room for a batch. The bytes are left as they are: pages that no large datagram touches are never there.
struct Datagrams::Incoming {
    struct alignas(cmsghdr) Control {
        char bytes[kControlBytes];
    };
    std::unique_ptr<char[]> bytes =
        std::make_unique_for_overwrite<char[]>(kInBatch * kDatagramBytes);
    std::array<mmsghdr, kInBatch> messages{};
    std::array<iovec, kInBatch> slices{};
    std::array<sockaddr_storage, kInBatch> from{};
    std::array<Control, kInBatch> control{};

    void prepare() {
        for (std::size_t i = 0; i < kInBatch; ++i) {
            slices[i] = {bytes.get() + i * kDatagramBytes, kDatagramBytes};
            messages[i].msg_hdr = {.msg_name = &from[i],
                                   .msg_namelen = sizeof from[i],
                                   .msg_iov = &slices[i],
                                   .msg_iovlen = 1,
                                   .msg_control = &control[i],
                                   .msg_controllen = sizeof control[i],
                                   .msg_flags = 0};
        }
    }
};

struct Datagrams::Outgoing {
    std::array<mmsghdr, kOutBatch> messages{};
    std::array<iovec, kOutBatch> slices{};
    std::array<SocketAddress, kOutBatch> to{};
    std::array<Address, kOutBatch> peers{};
    std::size_t count = 0;
};

Datagrams::Datagrams(Descriptor socket, int family, Sink& sink, GossipTraffic& traffic)
    : socket_(std::move(socket)),
      family_(family),
      sink_(sink),
      traffic_(traffic),
      in_(std::make_unique<Incoming>()),
      out_(std::make_unique<Outgoing>()) {}

Datagrams::~Datagrams() = default;

void Datagrams::receive(std::size_t datagrams_max) {
    for (std::size_t taken = 0; taken < datagrams_max && socket_.is_open();) {
        std::size_t received = 0;
        if (!receive_batch(received)) return;
        taken += std::max<std::size_t>(received, 1);
    }
}

/// False: nothing more waits.
bool Datagrams::receive_batch(std::size_t& received) {
    in_->prepare();
    const int count =
        ::recvmmsg(socket_.get(), in_->messages.data(), kInBatch, MSG_DONTWAIT, nullptr);
    traffic_.receive_calls++;
    if (count < 0) return errno == EINTR || (errno != EAGAIN && take_errors());
    received = static_cast<std::size_t>(count);
    std::uint32_t lost = lost_in_;
    read_overflow(in_->messages[received - 1].msg_hdr, lost);
    traffic_.datagrams_lost_in += lost - lost_in_;  // the kernel's count wraps, the difference not
    lost_in_ = lost;
    for (std::size_t i = 0; i < received && socket_.is_open(); ++i) {
        const std::size_t bytes = in_->messages[i].msg_len;
        traffic_.datagrams_in++;
        traffic_.datagram_bytes_in += bytes;
        const Address from = from_kernel(in_->from[i]);
        if (bytes == 0 || !from.set()) continue;
        sink_.received(from, {in_->bytes.get() + i * kDatagramBytes, bytes});
    }
    return received == kInBatch;
}

/// Answers of the network to what was sent before. A pending one also fails the next call on the socket, whatever its own
/// address: reading it here clears that. True if there was one.
bool Datagrams::take_errors() {
    bool any = false;
    for (int left = kErrorsAtOnce; left > 0 && socket_.is_open(); --left) {
        sockaddr_storage about{};
        alignas(cmsghdr) std::array<char, 512> control;
        msghdr header{.msg_name = &about,
                      .msg_namelen = sizeof about,
                      .msg_iov = nullptr,
                      .msg_iovlen = 0,
                      .msg_control = control.data(),
                      .msg_controllen = control.size(),
                      .msg_flags = 0};
        if (::recvmsg(socket_.get(), &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
        any = true;
        const Address to = from_kernel(about);
        if (to.set() && means_unreachable(error_of(header))) sink_.refused(to);
    }
    return any;
}

void Datagrams::queue(const Address& to, BytesView bytes) {
    const std::size_t at = out_->count;
    if (!to_kernel(to, family_, out_->to[at])) {
        traffic_.datagrams_lost_out++;
        return sink_.refused(to);
    }
    out_->peers[at] = to;
    out_->slices[at] = {const_cast<char*>(bytes.data()), bytes.size()};
    out_->messages[at].msg_hdr = {.msg_name = &out_->to[at].storage,
                                  .msg_namelen = out_->to[at].size,
                                  .msg_iov = &out_->slices[at],
                                  .msg_iovlen = 1,
                                  .msg_control = nullptr,
                                  .msg_controllen = 0,
                                  .msg_flags = 0};
    out_->count++;
}

bool Datagrams::full() const noexcept { return out_->count == kOutBatch; }

void Datagrams::flush() {
    bool retried = false;
    for (std::size_t next = 0; next < out_->count && socket_.is_open();)
        next += send_from(next, retried);
    out_->count = 0;
}

/// How many are done with, sent or not.
std::size_t Datagrams::send_from(std::size_t first, bool& retried) {
    const int sent =
        ::sendmmsg(socket_.get(), out_->messages.data() + first,
                   static_cast<unsigned>(out_->count - first), MSG_DONTWAIT | MSG_NOSIGNAL);
    traffic_.send_calls++;
    if (sent > 0) {
        retried = false;
        const auto done = static_cast<std::size_t>(sent);
        traffic_.datagrams_out += done;
        for (std::size_t i = first; i < first + done; ++i)
            traffic_.datagram_bytes_out += out_->slices[i].iov_len;
        return done;
    }
    const int error = errno;
    if (error == EINTR) return 0;
    if (error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS) {
        // Gossip is repeated by nature; what waited here would only be old when it goes out.
        traffic_.datagrams_lost_out += out_->count - first;
        return out_->count - first;
    }
    // The error may be the answer to an earlier datagram: then this one is tried once more.
    if (!std::exchange(retried, true)) {
        static_cast<void>(take_errors());
        return 0;
    }
    retried = false;
    traffic_.datagrams_lost_out++;
    if (means_unreachable(error)) sink_.refused(out_->peers[first]);
    return 1;
}

}  // namespace anode::gossip
