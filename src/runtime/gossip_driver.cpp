#include "runtime/gossip_driver.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/assert.hpp"
#include "runtime/gossip_address.hpp"
#include "runtime/gossip_datagrams.hpp"
#include "runtime/gossip_lookups.hpp"
#include "runtime/gossip_streams.hpp"
#include "runtime/loop.hpp"
#include "runtime/random.hpp"

namespace anode {
namespace {

using membership::Address;
using membership::Input;

constexpr std::size_t kDatagramsPerWakeUp = 256;
/// Before the machine is told the time: about as many as the kernel's buffer holds.
constexpr std::size_t kDatagramsPerTick = 4096;
/// More datagrams than this do not wait for the end of a round.
constexpr std::size_t kSendsAtOnce = 512;
/// An outbox that grew beyond this (a whole table, a large message) gives its memory back.
constexpr std::size_t kOutboxBytesKept = 1 << 20;

}  // namespace

struct GossipDriver::State final : std::enable_shared_from_this<State>,
                                   Loop::Watcher,
                                   gossip::Datagrams::Sink,
                                   gossip::Streams::Sink {
    State(Loop& on, GossipOptions wishes, gossip::Sockets sockets, OnOutput tell)
        : loop(on),
          filter(std::move(wishes.filter)),
          on_output(std::move(tell)),
          bound(sockets.bound),
          machine(std::move(wishes.config), std::move(wishes.keys), seeded_rng(), os_random),
          datagrams(std::move(sockets.datagrams), sockets.family, *this, traffic),
          streams(on, std::move(sockets.streams), *this, traffic,
                  machine.config().timing.stream_timeout),
          lookups(on, std::move(wishes.lookup)) {}

    // -- the loop's words
    void on_ready(std::uint32_t events) override;
    void on_alarm();

    // -- the sockets' words
    void received(const Address& from, BytesView bytes) override;
    void refused(const Address& to) override { apply(membership::DatagramRefused{to}); }
    void stream_input(const Input& input) override { apply(input); }
    bool stream_passes(GossipPassage::Way way, const Address& peer) override {
        return passes(way, peer, 0);
    }
    void round_begins() override { ++depth; }
    void round_ends() override;

    // -- the machine
    Result<void> watch();
    void start();
    void handle(Input input);
    void apply(const Input& input);
    void step(const Input& input);
    void perform_all();
    void perform(const membership::SendDatagram& output);
    void perform(const membership::Dial& output) { streams.dial(output); }
    void perform(const membership::SendStream& output) {
        streams.send(output.id, bytes_of(output.bytes));
    }
    void perform(const membership::CloseStream& output) { streams.finish(output.id); }
    void perform(const membership::Resolve& output);
    BytesView bytes_of(membership::Slice slice) {
        outbox_bytes = std::max<std::size_t>(outbox_bytes, slice.offset + slice.size);
        return outbox.bytes(slice);
    }
    void settle();
    void flush();
    void arm();
    void close();
    bool passes(GossipPassage::Way way, const Address& peer, std::size_t bytes) {
        return !filter || filter({.way = way, .peer = peer, .bytes = bytes});
    }

    Loop& loop;
    std::function<bool(const GossipPassage&)> filter;
    OnOutput on_output;
    Address bound;
    GossipTraffic traffic;
    membership::Membership machine;
    gossip::Datagrams datagrams;
    gossip::Streams streams;
    gossip::Lookups lookups;

    membership::Outbox outbox;     ///< of the whole round, so that its datagrams go out together
    std::size_t performed = 0;     ///< outputs of it
    std::size_t outbox_bytes = 0;  ///< at least so many lie in it
    std::vector<membership::SendDatagram> sends, sending;
    std::deque<Input>
        pending;         ///< inputs that came while outputs were performed; they hold no views
    unsigned depth = 0;  ///< of rounds
    bool busy = false;
    bool watching = false;
    bool started = false;
    bool closed = false;
    TimerId alarm{};
    Instant alarm_at{};
};

// -- rounds --------------------------------------------------------------------------------------

void GossipDriver::State::on_ready(std::uint32_t) {
    round_begins();
    datagrams.receive(kDatagramsPerWakeUp);
    round_ends();
}

void GossipDriver::State::on_alarm() {
    alarm = {};
    if (closed) return;
    if (machine.due() > loop.now().mono) return arm();  // it was put off since
    round_begins();
    datagrams.receive(kDatagramsPerTick);
    streams.read_all();
    apply(membership::Tick{});
    round_ends();
}

void GossipDriver::State::round_ends() {
    if (depth == 1) {
        settle();
        arm();
    }
    --depth;
}

/// Sends what waits and empties the outbox.
void GossipDriver::State::settle() {
    // What a refused datagram makes the machine say may be datagrams again; two passes are enough for one round.
    for (int left = 2; left > 0 && !sends.empty(); --left) flush();
    traffic.datagrams_lost_out += sends.size();
    sends.clear();
    if (outbox_bytes > kOutboxBytesKept) outbox = {};
    outbox.clear();
    outbox_bytes = performed = 0;
}

void GossipDriver::State::flush() {
    busy = true;
    sending.swap(sends);
    for (const membership::SendDatagram& one : sending) {
        datagrams.queue(one.to, bytes_of(one.bytes));
        if (datagrams.full()) datagrams.flush();
    }
    datagrams.flush();
    sending.clear();
    perform_all();
}

/// One timer for all; it is moved only to ring earlier.
void GossipDriver::State::arm() {
    if (closed || !started) return;
    const Instant due = machine.due();
    if (alarm != TimerId{} && alarm_at <= due) return;
    loop.cancel(alarm);
    alarm_at = due;
    const Instant now = loop.now().mono;
    // Far ahead is as good as never, and does not overflow.
    alarm = loop.after(due > now ? std::min<Duration>(due - now, 1h) : Duration::zero(),
                       [this] { on_alarm(); });
}

// -- inputs and outputs --------------------------------------------------------------------------

void GossipDriver::State::received(const Address& from, BytesView bytes) {
    if (passes(GossipPassage::Way::DatagramIn, from, bytes.size()))
        apply(membership::Datagram{.from = from, .bytes = bytes});
}

void GossipDriver::State::handle(Input input) {
    round_begins();
    apply(input);
    round_ends();
}

void GossipDriver::State::apply(const Input& input) {
    if (closed) return;
    if (busy) {
        pending.push_back(input);
        return;
    }
    step(input);
}

void GossipDriver::State::step(const Input& input) {
    machine.handle(input, loop.now().mono, outbox);
    perform_all();
    if (sends.size() >= kSendsAtOnce) settle();
}

/// Performs what the machine asked, then applies what that brought, until nothing is left.
void GossipDriver::State::perform_all() {
    busy = true;
    for (;;) {
        for (; performed < outbox.outputs().size() && !closed; ++performed) {
            const membership::Output& output = outbox.outputs()[performed];
            std::visit(
                [&](const auto& one) {
                    if constexpr (requires { this->perform(one); })
                        this->perform(one);
                    else if (on_output)
                        on_output(output, outbox);
                },
                output);
        }
        if (pending.empty() || closed) break;
        const Input next = std::move(pending.front());
        pending.pop_front();
        machine.handle(next, loop.now().mono, outbox);
    }
    busy = false;
}

void GossipDriver::State::perform(const membership::SendDatagram& output) {
    if (passes(GossipPassage::Way::DatagramOut, output.to, output.bytes.size))
        sends.push_back(output);
}

void GossipDriver::State::perform(const membership::Resolve& output) {
    lookups.resolve(output.contact, bound.port, [this, contact = output.contact](auto addresses) {
        handle(membership::Resolved{.contact = contact, .addresses = std::move(addresses)});
    });
}

// -- life ----------------------------------------------------------------------------------------

void GossipDriver::State::start() {
    if (started || closed) return;
    started = true;
    // The loop knows both sockets since open(), so it cannot refuse them now. It reads them in its next round: the machine is
    // in its own table before it hears of anybody, and its first dial finds the streams ready.
    ANODE_ASSERT(loop.rewatch(datagrams.fd(), Loop::Readable, *this));
    streams.start();
    handle(membership::Start{});
}

/// Makes both sockets known to the loop, which is told of nothing yet.
Result<void> GossipDriver::State::watch() {
    if (auto streamed = streams.watch(); !streamed) return streamed;
    auto watched = loop.watch(datagrams.fd(), 0, *this);
    watching = watched.has_value();
    return watched;
}

void GossipDriver::State::close() {
    if (std::exchange(closed, true)) return;
    loop.cancel(std::exchange(alarm, {}));
    lookups.close();
    if (watching) loop.unwatch(datagrams.fd(), *this);
    datagrams.close();
    streams.close();
    sends.clear();
    pending.clear();
}

Result<std::unique_ptr<GossipDriver>> GossipDriver::open(Loop& loop, GossipOptions options,
                                                         OnOutput on_output) {
    const auto listen = Address::parse(options.listen);
    if (!listen)
        return fail(Errc::Malformed, "'" + options.listen + "' is no address and port to bind");
    auto sockets = gossip::open_sockets(*listen);
    if (!sockets) return std::unexpected(sockets.error());
    auto advertise = gossip::advertised_address(options.advertise, sockets->bound,
                                                gossip::addresses_of_this_machine());
    if (!advertise) return std::unexpected(advertise.error());
    options.config.advertise = *advertise;
    auto state = std::make_shared<State>(loop, std::move(options), std::move(*sockets),
                                         std::move(on_output));
    if (auto watched = state->watch(); !watched) return std::unexpected(watched.error());
    return std::unique_ptr<GossipDriver>(new GossipDriver(std::move(state)));
}

GossipDriver::GossipDriver(std::shared_ptr<State> state) : state_(std::move(state)) {}
GossipDriver::~GossipDriver() { state_->close(); }

void GossipDriver::start() { state_->start(); }
void GossipDriver::handle(Input input) { state_->handle(std::move(input)); }
void GossipDriver::close() { state_->close(); }
void GossipDriver::post(Input input) {
    state_->loop.post([weak = state_->weak_from_this(), input = std::move(input)]() mutable {
        if (const auto state = weak.lock()) state->handle(std::move(input));
    });
}

const membership::Membership& GossipDriver::machine() const noexcept { return state_->machine; }
const Address& GossipDriver::bound() const noexcept { return state_->bound; }
const Address& GossipDriver::advertised() const noexcept {
    return state_->machine.config().advertise;
}
const GossipTraffic& GossipDriver::traffic() const noexcept { return state_->traffic; }

}  // namespace anode
