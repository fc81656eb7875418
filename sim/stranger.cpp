#include "sim/stranger.hpp"

#include "core/membership/wire/lzw.hpp"
#include "core/membership/wire/messages.hpp"
#include "sim/world.hpp"

namespace anode::sim {
namespace {

namespace m = membership;
namespace wire = membership::wire;

constexpr std::size_t kRememberedMax = 512;
const Address kOwn = Address::v4(10, 66, 6, 6, 7946);

Bytes random_bytes(Rng& rng, std::size_t size) {
    Bytes out(size, '\0');
    for (char& byte : out) byte = static_cast<char>(rng.next());
    return out;
}

void put_u16(Bytes& out, std::size_t value) {
    out.push_back(static_cast<char>(value >> 8 & 0xff));
    out.push_back(static_cast<char>(value & 0xff));
}

/// A compressed message of so many zeros: few bytes on the wire, many behind it.
Bytes bomb(std::size_t size) {
    Bytes coded;
    wire::lzw_encode(Bytes(size, '\0'), coded);
    coded.resize(std::min<std::size_t>(coded.size(), 65'535));
    Bytes out(
        "\x09\x82\xa4"
        "Algo"
        "\x00\xa3"
        "Buf\xda",
        13);
    put_u16(out, coded.size());
    return out + coded;
}
/// Made once: they are the same every time.
const Bytes& packet_bomb() {
    static const Bytes made = bomb(2u << 20);
    return made;
}
const Bytes& stream_bomb() {
    static const Bytes made = bomb(60u << 20);
    return made;
}

/// A compound that announces more than it brings.
Bytes broken_compound(Rng& rng) {
    Bytes out(1, '\x07');
    out.push_back(static_cast<char>(rng.next()));
    for (int part = 0; part < 8; ++part) put_u16(out, rng.below(2) == 0 ? rng.below(65'536) : 4);
    return out + random_bytes(rng, rng.below(200));
}

m::Incarnation age(Rng& rng) {
    switch (rng.below(7)) {
        case 0:
            return 0;
        case 1:
            return 1;
        case 2:
            return static_cast<m::Incarnation>(1 + rng.below(20));
        case 3:
            return 1u << 31;
        case 4:
            return m::kIncarnationMax;
        case 5:
            return m::kIncarnationMax - static_cast<m::Incarnation>(rng.below(3));
        default:
            return 0xFFFFFFF0u + static_cast<m::Incarnation>(rng.below(16));
    }
}

}  // namespace

/// Dials and writes what it was given, then stays silent: the other side has to end it.
class Stranger::Process final : public Machine {
public:
    void handle(const Happening& happening, Instant /*now*/, Kernel& kernel) override {
        if (const auto* open = std::get_if<GotStream>(&happening)) {
            const auto found = letters_.find(open->stream);
            if (found == letters_.end()) return kernel.close(open->stream);
            kernel.write(open->stream, found->second);
            letters_.erase(found);
        } else if (const auto* lost = std::get_if<LostStream>(&happening)) {
            letters_.erase(lost->stream);
        }
    }
    [[nodiscard]] Instant due() const noexcept override { return Instant::max(); }

    void post(const Address& to, Bytes letter, Kernel& kernel) {
        next_ += 2;
        letters_.emplace(next_, std::move(letter));
        kernel.dial(next_, to, 5s);
    }

private:
    StreamNumber next_ = 0;
    std::map<StreamNumber, Bytes> letters_;
};

Stranger::Stranger(World& world, std::uint64_t seed)
    : world_(world), rng_(seed), host_(world.add_host(kOwn)) {
    auto process = std::make_unique<Process>();
    process_ = process.get();
    world.boot(host_, std::move(process), Instant{});
}

void Stranger::overhear(const Address& to, BytesView bytes) {
    ++overheard_;
    if (remembered_.size() < kRememberedMax)
        remembered_.push_back({to, Bytes(bytes)});
    else if (rng_.below(16) == 0)
        remembered_[rng_.below(kRememberedMax)] = {to, Bytes(bytes)};
}

void Stranger::send(const Address& to, BytesView bytes) { world_.inject(host_, kOwn, to, bytes); }

void Stranger::stream(const Address& to, Bytes bytes) {
    world_.with(host_, [&](Machine&, Instant, Kernel& kernel) {
        process_->post(to, std::move(bytes), kernel);
    });
}

Bytes Stranger::packet_of_noise() {
    Bytes real = remembered_.empty() ? random_bytes(rng_, 60)
                                     : remembered_[rng_.below(remembered_.size())].bytes;
    switch (rng_.below(8)) {
        case 0:
            return random_bytes(rng_, 1 + rng_.below(1400));
        case 1:
            return Bytes(1, static_cast<char>(rng_.next())) + random_bytes(rng_, rng_.below(40));
        case 2:
            real.resize(rng_.below(real.size() + 1));
            return real;
        case 3:
            return packet_bomb();
        case 4:
            return broken_compound(rng_);
        case 5:
            return Bytes("\xf4", 1) + static_cast<char>(rng_.next()) + random_bytes(rng_, 20);
        case 6:
            return Bytes(1, static_cast<char>(rng_.below(2))) + random_bytes(rng_, 60);
        default:
            for (int flips = 0; flips < 3 && !real.empty(); ++flips)
                real[rng_.below(real.size())] ^= static_cast<char>(1u << rng_.below(8));
            return real;
    }
}

Bytes Stranger::stream_of_noise() {
    switch (rng_.below(6)) {
        case 0:
            return {};
        case 1:
            return random_bytes(rng_, 1 + rng_.below(4000));
        case 2:
            return Bytes("\x0a\x7f\xff\xff\xff", 5) + random_bytes(rng_, 100);
        case 3:
            return Bytes(
                "\x06\x83\xa4Join\xc3\xa5Nodes\xd2\x00\x0f\xff\xff\xac"
                "UserStateLen"
                "\x00",
                33);
        case 4:
            return stream_bomb();
        default: {
            Bytes out;
            wire::encode_stream_user(random_bytes(rng_, 300), out);
            out.resize(rng_.below(out.size()));
            return out;
        }
    }
}

void Stranger::noise(const Address& to) {
    if (rng_.chance(0.2)) return stream(to, stream_of_noise());
    const Bytes bytes = packet_of_noise();
    if (!bytes.empty()) send(to, bytes);
}

void Stranger::echo(const Address& to) {
    if (remembered_.empty()) return;
    const Remembered& old = remembered_[rng_.below(remembered_.size())];
    const Address from = rng_.chance(0.5) ? kOwn : old.to;
    world_.inject(host_, from, rng_.chance(0.5) ? to : old.to, old.bytes);
}

void Stranger::lie(const Address& to, const Target& about, const std::vector<Target>& members) {
    Bytes out;
    const Target& other = members[rng_.below(members.size())];
    const m::Incarnation when = age(rng_);
    const auto seq = static_cast<std::uint32_t>(rng_.below(3) == 0 ? rng_.next() : rng_.below(500));
    const auto accusation = [&](BytesView from) {
        m::wire::Accusation it;
        it.incarnation = when, it.node = about.name, it.from = from;
        return it;
    };
    wire::Alive alive{.incarnation = when, .node = about.name, .address = about.address};
    switch (rng_.below(12)) {
        case 0:
            wire::encode(wire::Suspect{accusation(other.name)}, out);
            break;
        case 1:
            wire::encode(wire::Dead{accusation(other.name)}, out);
            break;
        case 2:
            wire::encode(wire::Dead{accusation(about.name)}, out);
            break;
        case 3:
            alive.meta = "something else";
            wire::encode(alive, out);
            break;
        case 4:
            alive.address = kOwn;
            wire::encode(alive, out);
            break;
        case 5: {
            const std::string ghost = "ghost" + std::to_string(ghosts_++ % 20);
            alive.node = ghost, alive.address = rng_.chance(0.5) ? kOwn : other.address;
            wire::encode(alive, out);
            break;
        }
        case 6:
            wire::encode(wire::Ack{seq, "x"}, out);
            break;
        case 7:
            wire::encode(wire::Nack{seq}, out);
            break;
        case 8:
            wire::encode(wire::Ping{seq, about.name, other.address, other.name}, out);
            break;
        case 9:
            wire::encode(
                wire::IndirectPing{seq, other.address, other.name, true, about.address, about.name},
                out);
            break;
        case 10:
            alive.versions.bytes = {0, 0, 0, 0, 0, 0};
            alive.versions.bytes[rng_.below(6)] = static_cast<std::uint8_t>(rng_.next());
            wire::encode(alive, out);
            break;
        default: {
            wire::PushPull state{.join = rng_.chance(0.5)};
            for (const Target& member : members)
                state.nodes.push_back({.name = member.name,
                                       .address = rng_.chance(0.9) ? member.address : kOwn,
                                       .incarnation = age(rng_),
                                       .state = static_cast<std::uint8_t>(rng_.below(5))});
            wire::encode_push_pull(state, out);
            return stream(to, std::move(out));
        }
    }
    send(to, out);
}

}  // namespace anode::sim
