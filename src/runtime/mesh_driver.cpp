#include "runtime/mesh_driver.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <utility>

#include "runtime/gossip_address.hpp"
#include "runtime/gossip_sockets.hpp"
#include "runtime/loop.hpp"
#include "runtime/mesh_connection.hpp"
#include "runtime/net_error.hpp"
#include "runtime/random.hpp"

namespace anode {
namespace {

using mesh::Input;
using mesh::LinkEnd;
using mesh::LinkId;

constexpr std::size_t kReadBytes = 64 << 10;
constexpr int kReadsPerWakeUp = 8;  // then the others have a turn
constexpr int kBacklog = 512;
constexpr Duration kAcceptedHandshake = 5s;
constexpr Duration kFinish = 2s;  // how long a closing connection may take to send its last bytes

void set(int fd, int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

LinkEnd end_of(const MeshConnection& connection, MeshConnection::Wait wait) {
    if (connection.untrusted()) return LinkEnd::Untrusted;
    if (wait == MeshConnection::Wait::Ended) return LinkEnd::Closed;
    switch (connection.error()) {
        case ECONNREFUSED:
            return LinkEnd::Refused;
        case ETIMEDOUT:
        case EHOSTUNREACH:
        case ENETUNREACH:
            return LinkEnd::TimedOut;
        default:
            return LinkEnd::Reset;
    }
}

}  // namespace

struct MeshDriver::State final : std::enable_shared_from_this<State>, Loop::Watcher {
    State(Loop& on, MeshOptions wishes, std::unique_ptr<MeshTls> trust, gossip::Descriptor socket,
          std::uint16_t at, OnOutput tell)
        : loop(on),
          tls(std::move(trust)),
          listener(std::move(socket)),
          port(at),
          connections_max(wishes.connections_max),
          on_output(std::move(tell)),
          machine(std::move(wishes.config), seeded_rng()) {}

    struct Link final : Loop::Watcher {
        Link(State& of, LinkId is, gossip::Descriptor socket, MeshTls::Ssl ssl, bool dialled)
            : state(of), id(is), connection(std::move(socket), std::move(ssl), dialled) {}
        void on_ready(std::uint32_t what) override { state.ready(*this, what); }
        [[nodiscard]] bool gathers() const noexcept override { return true; }
        State& state;
        LinkId id;
        MeshConnection connection;
        TimerId limit{};  ///< of connecting, of shaking hands, of finishing
        std::uint32_t events = 0;
        bool dirty = false;  ///< something was queued in this round
        bool finishing = false;
    };
    using Links = std::map<LinkId, std::unique_ptr<Link>>;

    void on_ready(std::uint32_t events) override;  ///< of the listener
    void ready(Link& link, std::uint32_t events);
    void advance(Link& link);
    void read(Link& link);
    void flush(Link& link);
    void watch(Link& link, std::uint32_t events);
    void ended(Link& link, LinkEnd end, std::string text);
    void failed(Link& link, MeshConnection::Wait wait);
    void remove(LinkId id);
    Link* add(LinkId id, gossip::Descriptor socket, bool accepting, bool connecting,
              Duration limit);

    void handle(const Input& input);
    void run_pending();
    void perform(const mesh::Output& output);
    void perform_dial(const mesh::Dial& dial);
    void settle();
    void arm();
    void close();

    Loop& loop;
    std::unique_ptr<MeshTls> tls;
    gossip::Descriptor listener;
    std::uint16_t port;
    std::size_t connections_max;
    OnOutput on_output;
    MeshTraffic traffic;
    mesh::Mesh machine;

    Links links;
    std::vector<std::unique_ptr<Link>>
        graveyard;  ///< ended in this round; one of them may be running
    std::vector<LinkId> dirty;
    mesh::Outbox outbox;
    std::deque<Input>
        pending;  ///< inputs that came while outputs were performed; they hold no views
    Bytes buffer = Bytes(kReadBytes, '\0');
    std::uint64_t next_accepted = 1;
    TimerId alarm{};
    Instant alarm_at{};
    bool busy = false, started = false, closed = false;
};

// -- the machine -----------------------------------------------------------------------------------

void MeshDriver::State::handle(const Input& input) {
    if (closed) return;
    if (busy) {
        pending.push_back(input);
        return;
    }
    busy = true;
    const auto step = [this](const Input& one) {
        machine.handle(one, loop.now(), outbox);
        for (std::size_t i = 0; i < outbox.outputs().size() && !closed; ++i)
            perform(outbox.outputs()[i]);
        outbox.clear();
    };
    step(input);
    settle();
    while (!pending.empty() && !closed) {
        const Input next = std::move(pending.front());
        pending.pop_front();
        step(next);
        if (pending.empty()) settle();
    }
    busy = false;
    arm();
}

/// Inputs that a connection left outside of a round.
void MeshDriver::State::run_pending() {
    if (busy || pending.empty()) return;
    const Input next = std::move(pending.front());
    pending.pop_front();
    handle(next);
}

/// Sends what the round queued; where it went out, the machine may send more.
void MeshDriver::State::settle() {
    for (const LinkId id : std::exchange(dirty, {})) {
        const auto found = links.find(id);
        if (found == links.end()) continue;
        found->second->dirty = false;
        flush(*found->second);
    }
}

void MeshDriver::State::perform(const mesh::Output& output) {
    if (const auto* send = std::get_if<mesh::Send>(&output)) {
        const auto found = links.find(send->id);
        if (found == links.end() || found->second->finishing) return;
        Link& link = *found->second;
        link.connection.queue(outbox.bytes(send->bytes), send->tail);
        if (!std::exchange(link.dirty, true)) dirty.push_back(link.id);
    } else if (const auto* dial = std::get_if<mesh::Dial>(&output)) {
        perform_dial(*dial);
    } else if (const auto* wish = std::get_if<mesh::Close>(&output)) {
        const auto found = links.find(wish->id);
        if (found == links.end()) return;
        Link& link = *found->second;
        link.finishing = true;
        if (!link.connection.up()) return remove(link.id);
        if (!std::exchange(link.dirty, true)) dirty.push_back(link.id);
        loop.cancel(link.limit);
        link.limit = loop.after(kFinish, [this, id = link.id] { remove(id); });
    } else {
        on_output(output, outbox);
    }
}

void MeshDriver::State::arm() {
    if (!started || closed) return;
    const Instant due = machine.due();
    if (alarm != TimerId{} && alarm_at <= due) return;
    if (due == Instant::max()) return;
    loop.cancel(alarm);
    alarm_at = due;
    alarm = loop.after(std::max(Duration{0}, due - loop.now().mono), [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->alarm = {};
        self->handle(mesh::Tick{});
    });
}

// -- connections -----------------------------------------------------------------------------------

MeshDriver::State::Link* MeshDriver::State::add(LinkId id, gossip::Descriptor socket,
                                                bool accepting, bool connecting, Duration limit) {
    set(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    set(socket.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
    MeshTls::Ssl ssl = tls->begin(accepting, socket.get());
    auto link = std::make_unique<Link>(*this, id, std::move(socket), std::move(ssl), connecting);
    Link& made = *link;
    if (!loop.watch(made.connection.fd(), Loop::Readable | Loop::Writable, made)) return nullptr;
    made.events = Loop::Readable | Loop::Writable;
    made.limit = loop.after(limit, [this, id] {
        if (const auto found = links.find(id); found != links.end())
            ended(*found->second, LinkEnd::TimedOut, "no connection in time");
    });
    links.emplace(id, std::move(link));
    return &made;
}

void MeshDriver::State::on_ready(std::uint32_t) {
    graveyard.clear();
    for (int left = 16; left > 0; --left) {
        gossip::Descriptor socket(
            ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!socket.is_open()) return;
        ++traffic.accepts;
        if (links.size() >= connections_max) {
            ++traffic.turned_away;
            continue;
        }
        const LinkId id{next_accepted};
        next_accepted += 2;
        Link* const link = add(id, std::move(socket), true, false, kAcceptedHandshake);
        if (link != nullptr && link->connection.up())
            advance(*link);  // plain: there is nothing to wait for
    }
}

void MeshDriver::State::perform_dial(const mesh::Dial& dial) {
    ++traffic.dials;
    const auto refuse = [&](LinkEnd end, std::string text) {
        pending.push_back(mesh::LinkClosed{dial.id, end, std::move(text)});
    };
    const auto address = membership::Address::parse(dial.address);
    if (!address || !address->may_be_sent_to())
        return refuse(LinkEnd::Refused, "no address to dial: " + dial.address);
    const int family = gossip::family_of(*address);
    gossip::Descriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    gossip::SocketAddress to;
    if (!socket.is_open() || !gossip::to_kernel(*address, family, to))
        return refuse(LinkEnd::Refused, std::strerror(errno));
    if (::connect(socket.get(), to.pointer(), to.size) != 0 && errno != EINPROGRESS)
        return refuse(errno == ECONNREFUSED ? LinkEnd::Refused : LinkEnd::TimedOut,
                      std::strerror(errno));
    if (add(dial.id, std::move(socket), false, true, dial.timeout) == nullptr)
        refuse(LinkEnd::TimedOut, "the event loop takes no more");
}

void MeshDriver::State::ready(Link& link, std::uint32_t events) {
    if (!link.connection.up()) return advance(link);
    const LinkId id = link.id;
    if ((events & (Loop::Readable | Loop::Broken)) != 0) read(link);
    if ((events & Loop::Writable) != 0 && links.contains(id)) {
        flush(link);
        run_pending();
    }
}

void MeshDriver::State::advance(Link& link) {
    using Wait = MeshConnection::Wait;
    const Wait wait = link.connection.advance();
    switch (wait) {
        case Wait::Readable:
            return watch(link, Loop::Readable);
        case Wait::Writable:
            return watch(link, Loop::Readable | Loop::Writable);
        case Wait::Ended:
        case Wait::Failed:
            if (link.connection.untrusted()) ++traffic.handshake_failures;
            return failed(link, wait);
        case Wait::Nothing:
            break;
    }
    loop.cancel(std::exchange(link.limit, {}));
    watch(link, Loop::Readable);
    const LinkId id = link.id;
    handle(mesh::LinkOpened{id, link.connection.identity()});
    // TLS may hold bytes already that no descriptor will announce.
    if (const auto found = links.find(id); found != links.end()) read(*found->second);
}

void MeshDriver::State::read(Link& link) {
    using Wait = MeshConnection::Wait;
    const LinkId id = link.id;
    for (int left = kReadsPerWakeUp;; --left) {
        std::size_t bytes = 0;
        const Wait wait = link.connection.read(std::span(buffer.data(), buffer.size()), bytes);
        traffic.bytes_in += bytes;
        if (bytes > 0 && !link.finishing)
            handle(mesh::LinkBytes{id, BytesView(buffer.data(), bytes)});
        if (!links.contains(id)) return;
        if (wait == Wait::Ended || wait == Wait::Failed) return failed(link, wait);
        if (wait != Wait::Nothing) return;
        if (left == 0) {
            // More is there; bytes that TLS holds make no descriptor ready, so ask again behind the others.
            loop.defer([weak = weak_from_this(), id] {
                const auto self = weak.lock();
                if (!self) return;
                if (const auto found = self->links.find(id); found != self->links.end())
                    self->read(*found->second);
            });
            return;
        }
    }
}

void MeshDriver::State::flush(Link& link) {
    using Wait = MeshConnection::Wait;
    if (!link.connection.up()) return;
    const std::size_t before = link.connection.unsent();
    const Wait wait = link.connection.flush();
    const std::size_t after = link.connection.unsent();
    traffic.bytes_out += before - after;
    if (wait == Wait::Failed || wait == Wait::Ended) return failed(link, wait);
    watch(link, wait == Wait::Writable ? Loop::Readable | Loop::Writable : Loop::Readable);
    if (link.finishing) {
        if (after == 0) {
            link.connection.finish();
            remove(link.id);
        }
        return;
    }
    if (before != after) pending.push_back(mesh::LinkRoom{link.id, after});
}

void MeshDriver::State::watch(Link& link, std::uint32_t events) {
    if (link.events == events) return;
    link.events = events;
    static_cast<void>(loop.rewatch(link.connection.fd(), events, link));
}

void MeshDriver::State::failed(Link& link, MeshConnection::Wait wait) {
    std::string text = link.connection.words();
    if (text.empty())
        text = wait == MeshConnection::Wait::Ended ? "closed by the other end"
                                                   : std::strerror(link.connection.error());
    ended(link, end_of(link.connection, wait), std::move(text));
}

void MeshDriver::State::ended(Link& link, LinkEnd end, std::string text) {
    const LinkId id = link.id;
    const bool told = !link.finishing;
    // One that was accepted and never got through its handshake is nobody's link; why it failed is still worth a word.
    remove(id);
    if (told) handle(mesh::LinkClosed{id, end, std::move(text)});
}

void MeshDriver::State::remove(LinkId id) {
    const auto found = links.find(id);
    if (found == links.end()) return;
    Link& link = *found->second;
    loop.cancel(link.limit);
    loop.unwatch(link.connection.fd(), link);
    graveyard.push_back(std::move(found->second));
    links.erase(found);
    // Not now: the link may be the caller.
    loop.defer([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->graveyard.clear();
    });
}

void MeshDriver::State::close() {
    if (std::exchange(closed, true)) return;
    loop.cancel(alarm);
    if (listener.is_open() && started) loop.unwatch(listener.get(), *this);
    listener.close();
    for (auto& [id, link] : links) {
        loop.cancel(link->limit);
        loop.unwatch(link->connection.fd(), *link);
    }
    links.clear();
    pending.clear();
}

// -- the driver ------------------------------------------------------------------------------------

namespace {

struct Listener {
    gossip::Descriptor socket;
    std::uint16_t port = 0;
};

Result<Listener> listen_on(const std::string& text) {
    const auto address = membership::Address::parse(text);
    if (!address) return fail(Errc::Malformed, "mesh.listen: " + address.error().what);
    const auto refuse = [&](const char* doing) {
        return fail(errno == EADDRINUSE ? Errc::Exists : Errc::Io,
                    std::string(doing) + " " + text + ": " + std::strerror(errno));
    };
    const int family = gossip::family_of(*address);
    gossip::Descriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return refuse("socket");
    const bool any = std::ranges::all_of(address->ip_bytes(), [](char byte) { return byte == 0; });
    if (family == AF_INET6) set(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, any ? 0 : 1);
    set(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    gossip::SocketAddress kernel;
    static_cast<void>(gossip::to_kernel(*address, family, kernel));
    if (::bind(socket.get(), kernel.pointer(), kernel.size) != 0) return refuse("bind");
    if (::listen(socket.get(), kBacklog) != 0) return refuse("listen");
    kernel.size = sizeof kernel.storage;
    if (::getsockname(socket.get(), kernel.pointer(), &kernel.size) != 0)
        return refuse("getsockname");
    return Listener{std::move(socket), gossip::from_kernel(kernel.storage).port};
}

}  // namespace

MeshDriver::MeshDriver(std::shared_ptr<State> state) : state_(std::move(state)) {}
MeshDriver::~MeshDriver() { state_->close(); }

Result<std::unique_ptr<MeshDriver>> MeshDriver::open(Loop& loop, MeshOptions options,
                                                     OnOutput on_output) {
    auto tls = MeshTls::make(options.security);
    if (!tls) return std::unexpected(tls.error());
    auto listener = listen_on(options.listen);
    if (!listener) return std::unexpected(listener.error());
    return std::unique_ptr<MeshDriver>(new MeshDriver(std::make_shared<State>(
        loop, std::move(options), std::move(*tls), std::move(listener->socket), listener->port,
        std::move(on_output))));
}

void MeshDriver::start(std::vector<mesh::KnownLog> logs) {
    state_->started = true;
    static_cast<void>(state_->loop.watch(state_->listener.get(), Loop::Readable, *state_));
    state_->handle(mesh::Start{std::move(logs)});
}

void MeshDriver::handle(const mesh::Input& input) { state_->handle(input); }

void MeshDriver::post(mesh::Input input) {
    state_->loop.post([weak = std::weak_ptr(state_), input = std::move(input)] {
        if (const auto state = weak.lock()) state->handle(input);
    });
}

void MeshDriver::set_keys(const std::vector<Bytes>& keys) { state_->tls->set_keys(keys); }
void MeshDriver::close() { state_->close(); }
const mesh::Mesh& MeshDriver::machine() const noexcept { return state_->machine; }
std::uint16_t MeshDriver::port() const noexcept { return state_->port; }
const MeshTraffic& MeshDriver::traffic() const noexcept { return state_->traffic; }

}  // namespace anode
