#include "runtime/gossip_stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "runtime/gossip_address.hpp"

namespace anode::gossip {
namespace {

using membership::StreamBytes;
using membership::StreamClosed;
using membership::StreamOpened;

constexpr std::size_t kReadBytes = 64 << 10;
constexpr int kReadsAtOnce = 8;  // then others have their turn
constexpr std::size_t kCompactBytes = 256 << 10;

}  // namespace

Streams::Stream::~Stream() { end(); }

bool Streams::Stream::accepted() {
    phase_ = Phase::Open;
    watch(Loop::Readable);
    return phase_ == Phase::Open;
}

bool Streams::Stream::connect(Duration timeout, bool& refused) {
    const int family = family_of(peer_);
    socket_ = Descriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    SocketAddress to;
    if (!socket_.is_open() || !to_kernel(peer_, family, to)) return false;
    const int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket_.get(), to.pointer(), to.size) != 0 && errno != EINPROGRESS) {
        refused = errno == ECONNREFUSED;
        return false;
    }
    arm(timeout, &Stream::connect_overdue);
    watch(Loop::Writable);
    return phase_ == Phase::Connecting;
}

/// True once it is up; otherwise it failed.
bool Streams::Stream::connecting() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        fail(error == ECONNREFUSED);
        return false;
    }
    owner_.loop_.cancel(std::exchange(timer_, {}));
    phase_ = Phase::Open;
    watch(Loop::Readable);
    owner_.sink_.stream_input(StreamOpened{.id = id_, .from = peer_});
    return phase_ != Phase::Ended;
}

/// After a stall of ours the connection may be up although its time is over.
void Streams::Stream::connect_overdue() {
    pollfd state{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
    if (::poll(&state, 1, 0) > 0)
        connecting();
    else
        fail(false);
}

void Streams::Stream::on_ready(std::uint32_t events) {
    const auto keep = shared_from_this();
    owner_.sink_.round_begins();
    if (phase_ == Phase::Connecting) {
        connecting();
    } else {
        if ((events & Loop::Writable) != 0 && !unsent_.empty() && !write()) unsent_.clear();
        if (phase_ == Phase::Open)
            read();
        else if (phase_ == Phase::Finishing || phase_ == Phase::Lingering)
            discard();
    }
    owner_.sink_.round_ends();
}

void Streams::Stream::read() {
    const auto keep = shared_from_this();
    for (int left = kReadsAtOnce; left > 0 && phase_ == Phase::Open; --left) {
        const ssize_t got = ::recv(socket_.get(), owner_.read_buffer_.get(), kReadBytes, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (got <= 0) return fail(false);
        const auto bytes = static_cast<std::size_t>(got);
        owner_.sink_.stream_input(
            StreamBytes{.id = id_, .bytes = {owner_.read_buffer_.get(), bytes}});
        if (bytes < kReadBytes) return;  // more, or the end, wakes us again
    }
}

/// A broken stream is told by the next reading, after what had come in before.
void Streams::Stream::send(BytesView bytes) {
    if (phase_ != Phase::Connecting && phase_ != Phase::Open) return;
    if (unsent_.size() - sent_ + bytes.size() > kUnsentMax) return fail(false);
    unsent_.append(bytes);
    if (phase_ == Phase::Open && !write()) unsent_.clear();
}

bool Streams::Stream::write() {
    while (sent_ < unsent_.size()) {
        const ssize_t put =
            ::send(socket_.get(), unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (sent_ > kCompactBytes) unsent_.erase(0, std::exchange(sent_, 0));
            watch(Loop::Readable | Loop::Writable);
            return true;
        }
        if (put < 0) {
            sent_ = 0;
            if (phase_ == Phase::Finishing) end();
            return false;
        }
        sent_ += static_cast<std::size_t>(put);
    }
    unsent_.clear();
    sent_ = 0;
    watch(Loop::Readable);
    if (phase_ == Phase::Finishing) linger();
    return true;
}

void Streams::Stream::finish() {
    if (phase_ == Phase::Connecting) return end();
    if (phase_ != Phase::Open) return;
    phase_ = Phase::Finishing;
    if (unsent_.empty()) return linger();
    arm(owner_.stream_timeout_, &Stream::end);
}

/// Closing at once while bytes of the other side wait unread would reset the connection and lose our last ones on the way.
void Streams::Stream::linger() {
    phase_ = Phase::Lingering;
    ::shutdown(socket_.get(), SHUT_WR);
    arm(kLinger, &Stream::end);
}

void Streams::Stream::discard() {
    for (int left = kReadsAtOnce; left > 0; --left) {
        const ssize_t got = ::recv(socket_.get(), owner_.read_buffer_.get(), kReadBytes, 0);
        if (got > 0 || (got < 0 && errno == EINTR)) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (got == 0 && phase_ == Phase::Finishing) return watch(Loop::Writable);
        return end();
    }
}

void Streams::Stream::watch(std::uint32_t events) {
    if (watched_ == events || phase_ == Phase::Ended) return;
    const auto done = watched_ == 0 ? owner_.loop_.watch(socket_.get(), events, *this)
                                    : owner_.loop_.rewatch(socket_.get(), events, *this);
    if (!done) return end();
    watched_ = events;
}

void Streams::Stream::arm(Duration delay, void (Stream::*action)()) {
    owner_.loop_.cancel(timer_);
    timer_ = owner_.loop_.after(delay, [weak = weak_from_this(), action] {
        const auto self = weak.lock();
        if (!self || self->phase_ == Phase::Ended) return;
        self->timer_ = {};
        Sink& sink = self->owner_.sink_;
        sink.round_begins();
        ((*self).*action)();
        sink.round_ends();
    });
}

void Streams::Stream::end() {
    if (phase_ == Phase::Ended) return;
    phase_ = Phase::Ended;
    owner_.loop_.cancel(std::exchange(timer_, {}));
    if (watched_ != 0) owner_.loop_.unwatch(socket_.get(), *this);
    socket_.close();
    owner_.forget(id_);
}

void Streams::Stream::fail(bool refused) {
    const bool tell = phase_ == Phase::Connecting || phase_ == Phase::Open;
    end();
    if (tell) owner_.sink_.stream_input(StreamClosed{.id = id_, .refused = refused});
}

}  // namespace anode::gossip
