#include "sim/member.hpp"

#include "base/hash.hpp"

namespace anode::sim {
namespace {

namespace m = membership;

/// So many calls without time going on are a loop (a flood of packets reaches this many hardly ever).
constexpr unsigned kTicksAtOnceMax = 1000;
constexpr std::size_t kOutputsMax = 200'000;

template <class... Fs>
struct Overload : Fs... {
    using Fs::operator()...;
};

m::Input input_of(const Happening& happening) {
    return std::visit(
        Overload{
            [](const Started&) -> m::Input { return m::Start{}; },
            [](const Woken&) -> m::Input { return m::Tick{}; },
            [](const GotDatagram& it) -> m::Input { return m::Datagram{it.from, it.bytes}; },
            [](const GotRefusal& it) -> m::Input { return m::DatagramRefused{it.to}; },
            [](const GotStream& it) -> m::Input {
                return m::StreamOpened{m::StreamId{it.stream}, it.from};
            },
            [](const GotBytes& it) -> m::Input {
                return m::StreamBytes{m::StreamId{it.stream}, it.bytes};
            },
            [](const LostStream& it) -> m::Input {
                return m::StreamClosed{m::StreamId{it.stream}, it.refused};
            },
            [](const GotAddresses& it) -> m::Input {
                return m::Resolved{it.contact, it.addresses};
            },
        },
        happening);
}

m::NonceSource nonces_of(std::uint64_t seed) {
    return
        [rng = Rng(seed ^ 0x6e6f6e6365ULL)](std::span<std::uint8_t> out) mutable { rng.fill(out); };
}

}  // namespace

Member::Member(m::Config config, m::KeyRing keys, std::uint64_t seed,
               std::shared_ptr<m::NamePool> names, Witness witness)
    : machine_(std::move(config), std::move(keys), Rng(seed), nonces_of(seed), std::move(names)),
      witness_(std::move(witness)) {}

void Member::handle(const Happening& happening, Instant now, Kernel& kernel) {
    if (std::holds_alternative<Woken>(happening)) {
        calls_at_once_ = now == last_ ? calls_at_once_ + 1 : 0;
        last_ = now;
        if (calls_at_once_ > kTicksAtOnceMax) {
            calls_at_once_ = 0;
            kernel.misuse("asks for a tick again and again while no time passes");
        }
    }
    wish(input_of(happening), now, kernel);
}

void Member::wish(const m::Input& input, Instant now, Kernel& kernel) {
    outbox_.clear();
    machine_.handle(input, now, outbox_);
    for (const m::Output& output : outbox_.outputs()) perform(output, kernel);
    check(now, kernel);
}

void Member::perform(const m::Output& output, Kernel& kernel) {
    if (const auto* send = std::get_if<m::SendDatagram>(&output)) {
        const BytesView bytes = outbox_.bytes(send->bytes);
        if (!send->to.may_be_sent_to()) kernel.misuse("sends to " + send->to.text());
        if (bytes.empty()) kernel.misuse("sends an empty packet");
        if (bytes.size() > machine_.config().packet_bytes_max)
            kernel.misuse("sends a packet of " + std::to_string(bytes.size()) + " bytes");
        kernel.send(send->to, bytes);
    } else if (const auto* dial = std::get_if<m::Dial>(&output)) {
        const auto number = static_cast<std::uint64_t>(dial->id);
        if (dialled_ != 0 && number <= dialled_) kernel.misuse("uses a stream's number again");
        dialled_ = number;
        if (dial->timeout <= 0s) kernel.misuse("dials without time for it");
        kernel.dial(number, dial->to, dial->timeout);
    } else if (const auto* write = std::get_if<m::SendStream>(&output)) {
        kernel.write(static_cast<std::uint64_t>(write->id), outbox_.bytes(write->bytes));
    } else if (const auto* close = std::get_if<m::CloseStream>(&output)) {
        kernel.close(static_cast<std::uint64_t>(close->id));
    } else if (const auto* resolve = std::get_if<m::Resolve>(&output)) {
        kernel.resolve(resolve->contact);
    } else {
        if (std::holds_alternative<m::HasLeft>(output)) has_left_ = true;
        if (witness_) witness_(output);
    }
}

void Member::check(Instant now, Kernel& kernel) {
    if (outbox_.outputs().size() > kOutputsMax) kernel.misuse("answers one input without end");
    const m::Counters& counters = machine_.counters();
    if (counters.streams_open > 127 + 64)
        kernel.misuse(std::to_string(counters.streams_open) + " streams are open");
    if (counters.queue > 2 * machine_.config().members_max + 4096)
        kernel.misuse(std::to_string(counters.queue) + " messages wait to be gossiped");
    if (machine_.incarnation() > m::kIncarnationMax) kernel.misuse("its incarnation is too high");
    static_cast<void>(now);
}

}  // namespace anode::sim
