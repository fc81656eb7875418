#include "runtime/gossip_streams.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/assert.hpp"
#include "runtime/gossip_address.hpp"
#include "runtime/gossip_stream.hpp"

namespace anode::gossip {
namespace {

using membership::Address;
using membership::StreamClosed;
using membership::StreamId;
using membership::StreamOpened;

constexpr std::size_t kReadBytes = 64 << 10;
constexpr int kAcceptsAtOnce = 64;

/// The connection ended before we took it, or a signal came: the next one may be well.
bool passes_by(int error) {
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN ||
           error == EHOSTUNREACH || error == ENETUNREACH || error == EPERM;
}

}  // namespace

Streams::Streams(Loop& loop, Descriptor listener, Sink& sink, GossipTraffic& traffic,
                 Duration stream_timeout)
    : loop_(loop),
      listener_(std::move(listener)),
      sink_(sink),
      traffic_(traffic),
      stream_timeout_(stream_timeout),
      read_buffer_(std::make_unique_for_overwrite<char[]>(kReadBytes)) {}

Streams::~Streams() { close(); }

Result<void> Streams::watch() {
    auto watched = loop_.watch(listener_.get(), 0, *this);
    watching_ = watched.has_value();
    return watched;
}

void Streams::start() {
    started_ = true;
    ANODE_ASSERT(loop_.rewatch(listener_.get(), Loop::Readable, *this));
}

void Streams::close() {
    loop_.cancel(std::exchange(accept_timer_, {}));
    if (std::exchange(watching_, false)) loop_.unwatch(listener_.get(), *this);
    listener_.close();
    started_ = false;
    std::exchange(streams_, {}).clear();
}

std::shared_ptr<Streams::Stream> Streams::find(StreamId id) const {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second;
}

void Streams::forget(StreamId id) {
    // Taken out first: the stream's end must not meet a map that is being changed.
    const auto gone = streams_.extract(id);
}

void Streams::dial(const membership::Dial& dial) {
    if (streams_.size() >= kStreamsMax || !started_ ||
        !sink_.stream_passes(GossipPassage::Way::Dial, dial.to))
        return sink_.stream_input(StreamClosed{.id = dial.id});
    traffic_.dials++;
    const auto stream = std::make_shared<Stream>(*this, dial.id, dial.to, Descriptor());
    streams_.emplace(dial.id, stream);
    bool refused = false;
    if (stream->connect(dial.timeout, refused)) return;
    forget(dial.id);
    sink_.stream_input(StreamClosed{.id = dial.id, .refused = refused});
}

void Streams::send(StreamId id, BytesView bytes) {
    if (const auto stream = find(id)) stream->send(bytes);
}

void Streams::finish(StreamId id) {
    if (const auto stream = find(id)) stream->finish();
}

void Streams::read_all() {
    if (streams_.empty()) return;
    std::vector<std::shared_ptr<Stream>> all;
    for (const auto& [id, stream] : streams_)
        if (stream->readable()) all.push_back(stream);
    for (const auto& stream : all)
        if (stream->readable()) stream->read();
}

void Streams::on_ready(std::uint32_t) {
    sink_.round_begins();
    for (int left = kAcceptsAtOnce; left > 0 && listener_.is_open() && accept_one();) --left;
    sink_.round_ends();
}

bool Streams::accept_one() {
    SocketAddress from;
    from.size = sizeof from.storage;
    Descriptor socket(
        ::accept4(listener_.get(), from.pointer(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.is_open()) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
        traffic_.accept_errors++;
        if (passes_by(errno)) return true;
        accept_later();
        return false;
    }
    back_off_ = kBackOffMin;
    const Address peer = from_kernel(from.storage);
    traffic_.accepts++;
    if (streams_.size() >= kStreamsMax) {
        traffic_.streams_turned_away++;
        return true;
    }
    if (!sink_.stream_passes(GossipPassage::Way::Accept, peer)) return true;
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const StreamId id{next_accepted_};
    next_accepted_ += 2;
    const auto stream = std::make_shared<Stream>(*this, id, peer, std::move(socket));
    streams_.emplace(id, stream);
    if (!stream->accepted()) return true;
    sink_.stream_input(StreamOpened{.id = id, .from = peer});
    return true;
}

/// Without descriptors or memory a ready listener would spin: we look away for a while.
void Streams::accept_later() {
    ANODE_ASSERT(loop_.rewatch(listener_.get(), 0, *this));
    accept_timer_ = loop_.after(back_off_, [this] {
        accept_timer_ = {};
        ANODE_ASSERT(loop_.rewatch(listener_.get(), Loop::Readable, *this));
    });
    back_off_ = std::min(back_off_ * 2, kBackOffMax);
}

}  // namespace anode::gossip
