#include "core/membership/wire/stream.hpp"
#include "unit/membership/wire/support.hpp"

/// Generated messages come back as they went, and no damage to them does more than lose them.
namespace anode::membership::wire {

using namespace spec;

namespace {

/// Owns what a message looks at.
struct Source {
    explicit Source(std::uint64_t seed) : rng(seed) {}
    BytesView bytes(std::size_t bytes_max) {
        kept.push_back(std::make_unique<Bytes>(random_bytes(rng, rng.below(bytes_max + 1))));
        return *kept.back();
    }
    Address address() {
        const std::size_t size = rng.chance(0.5) ? 4 : 16;
        return Address::from(random_bytes(rng, size),
                             static_cast<std::uint16_t>(1 + rng.below(65'535)));
    }
    std::uint32_t number() {
        return static_cast<std::uint32_t>(rng.next() >> (32 + rng.below(32)));
    }
    Versions versions() {
        Versions v;
        rng.fill(v.bytes);
        return v;
    }
    Bytes message() {
        Bytes out;
        switch (rng.below(8)) {
            case 0:
                encode(Ping{number(), bytes(300), address(), bytes(40)}, out);
                break;
            case 1:
                encode(IndirectPing{number(), address(), bytes(40), rng.chance(0.5), address(),
                                    bytes(40)},
                       out);
                break;
            case 2:
                encode(Ack{number(), bytes(100)}, out);
                break;
            case 3:
                encode(Nack{number()}, out);
                break;
            case 4:
                encode(Suspect{{number(), bytes(40), bytes(40)}}, out);
                break;
            case 5:
                encode(Dead{{number(), bytes(40), bytes(40)}}, out);
                break;
            case 6:
                encode(Alive{number(), bytes(255), address(), bytes(512), versions(), 6}, out);
                break;
            default:
                encode(User{bytes(600)}, out);
                break;
        }
        return out;
    }
    Rng rng;
    std::vector<std::unique_ptr<Bytes>> kept;
};

Bytes again(const Message& message) {
    Bytes out;
    std::visit([&](const auto& m) { encode(m, out); }, message);
    return out;
}

}  // namespace

TEST(WireProperties, EveryMessageComesBackAsItWent) {
    Source source(42);
    for (int round = 0; round < 5000; ++round) {
        const Bytes out = source.message();
        const auto read = decode(out);
        ASSERT_TRUE(read.has_value()) << text::hex(out);
        ASSERT_EQ(text::hex(again(*read)), text::hex(out));
    }
}

TEST(WireProperties, AMessageThatIsCutIsTruncated) {
    Source source(43);
    for (int round = 0; round < 300; ++round) {
        const Bytes out = source.message();
        if (out[0] == '\x08') continue;
        for (std::size_t size = 0; size < out.size(); ++size) {
            const auto read = decode(BytesView(out).substr(0, size));
            ASSERT_FALSE(read.has_value());
            ASSERT_EQ(read.error().code, Errc::Truncated);
        }
    }
}

TEST(WireProperties, APushPullComesBackAsItWent) {
    Source source(44);
    for (int round = 0; round < 100; ++round) {
        PushPull message;
        message.join = source.rng.chance(0.5);
        for (std::uint64_t i = source.rng.below(300); i > 0; --i) {
            const BytesView name = source.bytes(40);
            message.nodes.push_back(
                {name.empty() ? "n" : name, source.address(), source.bytes(60), source.number(),
                 static_cast<std::uint8_t>(source.rng.below(4)), source.versions(), 6});
        }
        message.user_state = source.bytes(3000);
        Bytes out;
        encode_push_pull(message, out);
        const auto read = decode_stream(out, true);
        ASSERT_TRUE(read && *read);
        Bytes copy;
        encode_push_pull(std::get<PushPull>(**read), copy);
        ASSERT_TRUE(copy == out);
        const std::size_t cut = source.rng.below(out.size());
        const auto part = decode_stream(BytesView(out).substr(0, cut), false);
        ASSERT_TRUE(part && !*part) << "more is wanted";
        ASSERT_FALSE(decode_stream(BytesView(out).substr(0, cut), true));
    }
}

TEST(WireProperties, NoDamageToAPacketDoesMoreThanLoseIt) {
    Source source(45);
    const KeyRing ring = recorded_ring();
    PacketWriter writer;
    for (int round = 0; round < 2000; ++round) {
        const Envelope envelope{.label = round % 3 == 0 ? "blue" : "",
                                .keys = round % 5 == 0 ? &ring : nullptr,
                                .compression = round % 2 == 0};
        writer.begin(envelope, 1400, round % 7 == 0);
        for (std::uint64_t i = 1 + source.rng.below(5); i > 0; --i)
            (void)writer.add(source.message());
        Bytes packet(writer.finish(recorded_nonce()));
        for (std::uint64_t i = 1 + source.rng.below(3); i > 0; --i) {
            packet[source.rng.below(packet.size())] ^= static_cast<char>(1U << source.rng.below(8));
        }
        (void)tell(envelope, packet);
        (void)tell(envelope, BytesView(packet).substr(0, source.rng.below(packet.size())));
        source.kept.clear();
    }
}

TEST(WireProperties, NoDamageToAStreamDoesMoreThanLoseIt) {
    Source source(46);
    const KeyRing ring = recorded_ring();
    for (int round = 0; round < 2000; ++round) {
        const Envelope envelope{.label = round % 3 == 0 ? "blue" : "",
                                .keys = round % 5 == 0 ? &ring : nullptr,
                                .compression = round % 2 == 0};
        PushPull message;
        for (std::uint64_t i = source.rng.below(5); i > 0; --i) {
            message.nodes.push_back({"name", source.address(), source.bytes(60), 1, 0, {}, 6});
        }
        message.user_state = source.bytes(100);
        Bytes content, stream;
        encode_push_pull(message, content);
        ASSERT_TRUE(
            frame_stream(envelope, StreamReader::End::Dialler, content, recorded_nonce(), stream));
        stream[source.rng.below(stream.size())] ^= static_cast<char>(1U << source.rng.below(8));
        const std::size_t cut = source.rng.below(stream.size());
        StreamReader reader(envelope, StreamReader::End::Dialler);
        (void)reader.add(BytesView(stream).substr(0, cut));
        (void)reader.add(BytesView(stream).substr(cut));
        (void)reader.end();
        source.kept.clear();
    }
}

}  // namespace anode::membership::wire
