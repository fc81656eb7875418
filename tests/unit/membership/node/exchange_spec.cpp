#include "core/membership/exchange.hpp"

#include <map>

#include "unit/membership/node/desk.hpp"

/// Streams: one request, one answer, one deadline.
namespace anode::membership::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using End = wire::StreamReader::End;

const Bytes kKey(16, 'k');

KeyRing ring_with(const Bytes& key) {
    KeyRing ring;
    EXPECT_TRUE(ring.add(key));
    return ring;
}

constexpr StreamId accepted_id(std::uint64_t n) { return StreamId{2 * n + 1}; }

struct ExchangeSpec : testing::Test, ExchangePort {
    struct Ended {
        Errand errand;
        Result<void> how;
    };
    void local_state(wire::PushPull& out) override {
        out.nodes.clear();
        out.nodes.push_back(
            {.name = "us", .address = kUs, .meta = {}, .incarnation = 1, .versions = {}});
        out.user_state = our_state;
    }
    Result<void> merge(const wire::PushPull& remote, bool join, const Address&) override {
        if (refuses) return fail(Errc::Refused, "versions do not fit");
        for (const wire::NodeState& node : remote.nodes) merged.emplace_back(node.name);
        states.emplace_back(remote.user_state);
        joins.push_back(join);
        return {};
    }
    bool answers_to(BytesView node) override { return node.empty() || node == "us"; }
    void user_message(BytesView payload, bool sealed, const Address&) override {
        messages.emplace_back(payload);
        sealed_ = sealed;
    }
    void ended(const Errand& errand, const Result<void>& how) override {
        over.push_back({errand, how});
    }

    // -- the other end ---------------------------------------------------------------------------

    Bytes framed(BytesView content, End sender) {
        Bytes out;
        EXPECT_TRUE(wire::frame_stream(peer, sender, content,
                                       std::array<std::uint8_t, KeyRing::kNonceBytes>{}, out));
        return out;
    }
    static Bytes push_pull_content(bool join, BytesView state = "theirs") {
        Bytes out;
        wire::encode_push_pull(
            {.join = join,
             .nodes =
                 {{.name = "bob", .address = kBob, .meta = {}, .incarnation = 1, .versions = {}}},
             .user_state = state},
            out);
        return out;
    }
    static Bytes ping_content(std::string_view node, std::uint32_t seq = 42) {
        Bytes out;
        encode(wire::Ping{.seq = seq, .node = node, .source = {}, .source_node = {}}, out);
        return out;
    }
    static Bytes ack_content(std::uint32_t seq) {
        Bytes out;
        encode(wire::Ack{.seq = seq, .payload = {}}, out);
        return out;
    }
    static Bytes user_content(BytesView payload) {
        Bytes out;
        wire::encode_stream_user(payload, out);
        return out;
    }
    static Bytes error_content(BytesView text) {
        Bytes out;
        wire::encode_stream_error(text, out);
        return out;
    }

    void calls(StreamId id, BytesView bytes) {
        exchange.opened({id, kBob});
        exchange.bytes({id, bytes});
    }
    /// Everything sent on this stream.
    Bytes sent(StreamId id) {
        Bytes bytes;
        for (const SendStream& one : desk.outputs<SendStream>()) {
            if (one.id == id) bytes.append(desk.out.bytes(one.bytes));
        }
        return bytes;
    }
    bool closed(StreamId id) {
        for (const CloseStream& one : desk.outputs<CloseStream>()) {
            if (one.id == id) return true;
        }
        return false;
    }
    /// What the peer reads of it. `sender`: in which role we sent it.
    std::optional<wire::StreamMessage> read(StreamId id, End sender) {
        const Bytes bytes = sent(id);
        reader = std::make_unique<wire::StreamReader>(peer, sender);
        auto message = reader->add(bytes);
        EXPECT_TRUE(message) << (message ? "" : message.error().what);
        return message ? *message : std::nullopt;
    }
    std::uint64_t dropped(Drop reason) {
        return desk.shared.counters.dropped[static_cast<std::size_t>(reason)];
    }
    StreamId last_dial() { return desk.outputs<Dial>().back().id; }
    void passes(Duration time) {
        desk.passes(time);
        exchange.tick();
    }
    void both_label(std::string_view label) {
        desk.shared.config.label = label;
        peer.label = label;
    }
    void both_seal() {
        desk.shared.keys = ring_with(kKey);
        peer_ring = ring_with(kKey);
        peer.keys = &peer_ring;
    }

    Desk desk;
    Exchange exchange{desk.shared, *this};
    KeyRing peer_ring;
    wire::Envelope peer;
    std::unique_ptr<wire::StreamReader> reader;
    Bytes our_state = "ours";
    std::vector<std::string> merged, states, messages;
    std::vector<bool> joins;
    std::vector<Ended> over;
    bool refuses = false, sealed_ = false;
};

// -- being called --------------------------------------------------------------------------------

TEST_F(ExchangeSpec, APushPullIsAnsweredWithOurStateAndTheJoinFlagAsItCame) {
    for (const bool join : {true, false}) {
        const StreamId id = accepted_id(join ? 1 : 2);
        calls(id, framed(push_pull_content(join), End::Dialler));
        const auto answer = read(id, End::Acceptor);
        ASSERT_TRUE(answer);
        const auto* state = std::get_if<wire::PushPull>(&*answer);
        ASSERT_NE(state, nullptr);
        EXPECT_EQ(state->join, join);
        EXPECT_EQ(state->user_state, "ours");
        EXPECT_TRUE(closed(id));
    }
    EXPECT_THAT(merged, ElementsAre("bob", "bob"));
    EXPECT_THAT(states, ElementsAre("theirs", "theirs"));
    EXPECT_THAT(joins, ElementsAre(true, false));
    EXPECT_EQ(exchange.accepted(), 0u);
}

TEST_F(ExchangeSpec, TheAnswerGoesOutEvenIfTheirStateIsRefused) {
    refuses = true;
    calls(accepted_id(1), framed(push_pull_content(true), End::Dialler));
    EXPECT_NE(sent(accepted_id(1)), "");
    EXPECT_EQ(dropped(Drop::Versions), 1u);
    EXPECT_EQ(desk.shared.counters.push_pull_failures, 1u);
}

TEST_F(ExchangeSpec, ByteByByteAPushPullIsTheSame) {
    both_label("blue");
    both_seal();
    exchange.opened({accepted_id(1), kBob});
    for (const char byte : framed(push_pull_content(true), End::Dialler)) {
        EXPECT_THAT(merged, IsEmpty());
        exchange.bytes({accepted_id(1), BytesView(&byte, 1)});
    }
    EXPECT_THAT(merged, ElementsAre("bob"));
    EXPECT_TRUE(read(accepted_id(1), End::Acceptor));
}

TEST_F(ExchangeSpec, AnAnswerCarriesNoLabel) {
    both_label("blue");
    calls(accepted_id(1), framed(push_pull_content(true), End::Dialler));
    EXPECT_NE(sent(accepted_id(1)).front(), '\xF4');
}

TEST_F(ExchangeSpec, APingByStreamIsAnsweredAndOneForAnotherNameIsClosed) {
    calls(accepted_id(1), framed(ping_content("us"), End::Dialler));
    const auto ack = read(accepted_id(1), End::Acceptor);
    ASSERT_TRUE(ack);
    EXPECT_EQ(std::get<wire::Ack>(*ack).seq, 42u);
    calls(accepted_id(2), framed(ping_content("carol"), End::Dialler));
    EXPECT_EQ(sent(accepted_id(2)), "");
    EXPECT_TRUE(closed(accepted_id(2)));
    EXPECT_EQ(dropped(Drop::Name), 1u);
}

TEST_F(ExchangeSpec, AUserMessageIsHandedOnAndAnEmptyOneIsNot) {
    calls(accepted_id(1), framed(user_content("hello"), End::Dialler));
    calls(accepted_id(2), framed(user_content(""), End::Dialler));
    EXPECT_THAT(messages, ElementsAre("hello"));
    EXPECT_TRUE(closed(accepted_id(1)));
    EXPECT_FALSE(sealed_);
}

TEST_F(ExchangeSpec, ASealedUserMessageIsKnownToBeSealed) {
    both_seal();
    calls(accepted_id(1), framed(user_content("hello"), End::Dialler));
    EXPECT_TRUE(sealed_);
}

TEST_F(ExchangeSpec, AnAnswerWhereARequestBelongsIsClosedWithoutAnswer) {
    calls(accepted_id(1), framed(ack_content(1), End::Dialler));
    calls(accepted_id(2), framed(error_content("no"), End::Dialler));
    EXPECT_THAT(desk.outputs<SendStream>(), IsEmpty());
    EXPECT_TRUE(closed(accepted_id(1)));
    EXPECT_TRUE(closed(accepted_id(2)));
    EXPECT_EQ(dropped(Drop::Type), 2u);
}

TEST_F(ExchangeSpec, AnotherLabelIsClosedWithoutAnswerAndNamedInTheNotice) {
    desk.shared.config.label = "blue";
    peer.label = "red";
    calls(accepted_id(1), framed(push_pull_content(true), End::Dialler));
    EXPECT_THAT(desk.outputs<SendStream>(), IsEmpty());
    EXPECT_TRUE(closed(accepted_id(1)));
    EXPECT_EQ(dropped(Drop::Label), 1u);
    ASSERT_THAT(desk.outputs<Notice>(), SizeIs(1));
    EXPECT_THAT(desk.outputs<Notice>()[0].detail, HasSubstr("\"red\""));
    EXPECT_THAT(desk.outputs<Notice>()[0].detail, HasSubstr("\"blue\""));
}

TEST_F(ExchangeSpec, AMissingLabelIsClosedWithoutAnswer) {
    desk.shared.config.label = "blue";
    calls(accepted_id(1), framed(push_pull_content(true), End::Dialler));
    EXPECT_THAT(desk.outputs<SendStream>(), IsEmpty());
    EXPECT_EQ(dropped(Drop::Label), 1u);
}

TEST_F(ExchangeSpec, AnotherKeyIsAnsweredWithAnErrorMessage) {
    both_seal();
    peer_ring = ring_with(Bytes(16, 'x'));
    calls(accepted_id(1), framed(push_pull_content(true), End::Dialler));
    peer_ring = ring_with(kKey);
    const auto answer = read(accepted_id(1), End::Acceptor);
    ASSERT_TRUE(answer);
    EXPECT_NE(std::get_if<wire::StreamError>(&*answer), nullptr);
    EXPECT_TRUE(closed(accepted_id(1)));
    EXPECT_EQ(dropped(Drop::Key), 1u);
    EXPECT_EQ(desk.shared.counters.decrypt_errors, 1u);
}

TEST_F(ExchangeSpec, ClearTextIsAnsweredWithAnErrorMessageByWhoeverHasKeys) {
    both_seal();
    peer.keys = nullptr;
    calls(accepted_id(1), framed(push_pull_content(true), End::Dialler));
    EXPECT_NE(sent(accepted_id(1)), "");
    EXPECT_EQ(dropped(Drop::Clear), 1u);
}

TEST_F(ExchangeSpec, SealedBytesAreAnsweredWithAnErrorMessageByWhoeverHasNoKey) {
    both_seal();
    desk.shared.keys = {};
    calls(accepted_id(1), framed(push_pull_content(true), End::Dialler));
    peer.keys = nullptr;
    const auto answer = read(accepted_id(1), End::Acceptor);
    ASSERT_TRUE(answer);
    EXPECT_NE(std::get_if<wire::StreamError>(&*answer), nullptr);
    EXPECT_EQ(dropped(Drop::Sealed), 1u);
}

TEST_F(ExchangeSpec, WhoConnectsAndGoesAwayHasDoneNothingWrong) {
    exchange.opened({accepted_id(1), kBob});
    exchange.closed({accepted_id(1)});
    EXPECT_THAT(desk.out.outputs(), IsEmpty());
    EXPECT_EQ(exchange.accepted(), 0u);
}

TEST_F(ExchangeSpec, WhoGoesAwayInTheMiddleIsCounted) {
    const Bytes whole = framed(push_pull_content(true), End::Dialler);
    calls(accepted_id(1), BytesView(whole).substr(0, whole.size() - 1));
    exchange.closed({accepted_id(1)});
    EXPECT_THAT(desk.outputs<CloseStream>(), IsEmpty());
    EXPECT_EQ(dropped(Drop::Truncated), 1u);
    EXPECT_EQ(exchange.accepted(), 0u);
}

// -- limits --------------------------------------------------------------------------------------

TEST_F(ExchangeSpec, The128thStreamAtOnceIsClosedWithoutAnswer) {
    for (std::uint64_t n = 0; n < 127; ++n) exchange.opened({accepted_id(n), kBob});
    EXPECT_THAT(desk.outputs<CloseStream>(), IsEmpty());
    exchange.opened({accepted_id(127), kBob});
    EXPECT_TRUE(closed(accepted_id(127)));
    EXPECT_EQ(dropped(Drop::Full), 1u);
    exchange.bytes({accepted_id(127), framed(push_pull_content(true), End::Dialler)});
    EXPECT_THAT(merged, IsEmpty());
    exchange.closed({accepted_id(0)});
    calls(accepted_id(128), framed(push_pull_content(true), End::Dialler));
    EXPECT_THAT(merged, SizeIs(1)) << "a place is free again";
}

TEST_F(ExchangeSpec, ASlowSenderIsCutOffHoweverOftenItSendsAByte) {
    const Bytes whole = framed(push_pull_content(true), End::Dialler);
    exchange.opened({accepted_id(1), kBob});
    for (std::size_t i = 0; i + 1 < whole.size() && exchange.accepted() > 0; ++i) {
        exchange.bytes({accepted_id(1), BytesView(whole).substr(i, 1)});
        passes(1s);
    }
    EXPECT_EQ(exchange.accepted(), 0u);
    EXPECT_EQ(desk.shared.now, Instant{} + desk.shared.config.timing.stream_timeout);
    EXPECT_TRUE(closed(accepted_id(1)));
    EXPECT_EQ(dropped(Drop::Truncated), 1u);
}

TEST_F(ExchangeSpec, WhatStrangersHoldIsBoundedAndTheGreediestGoesFirst) {
    // A push/pull that declares as much user state as is allowed, many times at once, and never ends.
    Bytes head;
    wire::encode_push_pull({.join = true, .nodes = {}, .user_state = Bytes(20u << 20, 's')}, head);
    const Bytes chunk = head.substr(0, 1u << 20);
    for (std::uint64_t n = 0; n < 100; ++n) {
        exchange.opened({accepted_id(n), kBob});
        exchange.bytes({accepted_id(n), chunk});
    }
    EXPECT_LE(exchange.accepted(), 64u);
    EXPECT_GT(exchange.accepted(), 50u);
    EXPECT_GT(dropped(Drop::Full), 30u);
}

TEST_F(ExchangeSpec, CountsThatCannotBeAreClosedWithoutAnswer) {
    Bytes content = push_pull_content(true, "");
    const std::size_t at = content.find("Nodes") + 5;
    content.replace(at, 1, "\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 9);
    calls(accepted_id(1), content);
    EXPECT_THAT(desk.outputs<SendStream>(), IsEmpty());
    EXPECT_TRUE(closed(accepted_id(1)));
    EXPECT_THAT(merged, IsEmpty());
}

TEST_F(ExchangeSpec, RandomStreamsEndAndLeaveNothingBehind) {
    Rng rng(11);
    both_seal();
    for (std::uint64_t n = 0; n < 3000; ++n) {
        desk.out.clear();
        desk.shared.config.verify_incoming = rng.chance(0.5);
        Bytes bytes = rng.chance(0.3)   ? framed(push_pull_content(true), End::Dialler)
                      : rng.chance(0.5) ? push_pull_content(true)
                                        : Bytes(rng.below(64), '\x09');
        for (std::uint64_t flips = 1 + rng.below(4); flips > 0 && !bytes.empty(); --flips) {
            bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
        }
        calls(accepted_id(n), bytes);
        exchange.closed({accepted_id(n)});
        ASSERT_EQ(exchange.accepted(), 0u);
    }
    EXPECT_EQ(exchange.due(), Instant::max());
}

// -- calling -------------------------------------------------------------------------------------

TEST_F(ExchangeSpec, APushPullSaysOurStateAndTakesTheAnswerOver) {
    both_label("blue");
    both_seal();
    ASSERT_TRUE(exchange.push_pull(kBob, true, Errand::For::Contact, 3));
    const StreamId id = last_dial();
    EXPECT_FALSE(membership::accepted(id));
    exchange.opened({id, kBob});
    const auto said = read(id, End::Dialler);
    ASSERT_TRUE(said);
    EXPECT_TRUE(std::get<wire::PushPull>(*said).join);
    exchange.bytes({id, framed(push_pull_content(false), End::Acceptor)});
    EXPECT_THAT(joins, ElementsAre(true)) << "our own flag counts, not the answer's";
    ASSERT_THAT(over, SizeIs(1));
    EXPECT_TRUE(over[0].how);
    EXPECT_EQ(over[0].errand.ticket, 3u);
    EXPECT_TRUE(closed(id));
    EXPECT_EQ(exchange.dialled(), 0u);
    EXPECT_EQ(desk.shared.counters.push_pulls, 1u);
}

TEST_F(ExchangeSpec, AnErrorMessageEndsAPushPullWithItsText) {
    ASSERT_TRUE(exchange.push_pull(kBob, true, Errand::For::Contact, 3));
    exchange.opened({last_dial(), kBob});
    exchange.bytes({last_dial(), framed(error_content("no key fits"), End::Acceptor)});
    ASSERT_THAT(over, SizeIs(1));
    EXPECT_THAT(over[0].how.error().what, HasSubstr("no key fits"));
}

TEST_F(ExchangeSpec, EachWayAPushPullCanFailIsTold) {
    const auto dial = [this] {
        EXPECT_TRUE(exchange.push_pull(kBob, true, Errand::For::Contact, 0));
        return last_dial();
    };
    exchange.closed({dial(), true});
    EXPECT_EQ(over.back().how.error().code, Errc::Refused);
    exchange.closed({dial(), false});
    EXPECT_EQ(over.back().how.error().code, Errc::Closed);
    const StreamId silent = dial();
    exchange.opened({silent, kBob});
    exchange.closed({silent});
    EXPECT_THAT(over.back().how.error().what, HasSubstr("label"));
    const StreamId wrong = dial();
    exchange.opened({wrong, kBob});
    exchange.bytes({wrong, framed(ack_content(1), End::Acceptor)});
    EXPECT_EQ(over.back().how.error().code, Errc::Malformed);
    refuses = true;
    const StreamId versions = dial();
    exchange.opened({versions, kBob});
    exchange.bytes({versions, framed(push_pull_content(true), End::Acceptor)});
    EXPECT_EQ(over.back().how.error().code, Errc::Refused);
    const StreamId half = dial();
    exchange.opened({half, kBob});
    exchange.bytes({half, framed(push_pull_content(true), End::Acceptor).substr(0, 5)});
    exchange.closed({half});
    EXPECT_EQ(over.back().how.error().code, Errc::Malformed);
    EXPECT_THAT(over, SizeIs(6));
    EXPECT_EQ(desk.shared.counters.push_pull_failures, 6u);
    EXPECT_EQ(exchange.dialled(), 0u);
}

TEST_F(ExchangeSpec, TheDeadlineStartsAnewOnceTheConnectionIsUpAndIsAbsoluteThen) {
    ASSERT_TRUE(exchange.push_pull(kBob, true, Errand::For::Contact, 0));
    passes(9s);
    exchange.opened({last_dial(), kBob});
    const Bytes answer = framed(push_pull_content(true), End::Acceptor);
    for (int second = 0; second < 9; ++second) {
        exchange.bytes(
            {last_dial(), BytesView(answer).substr(static_cast<std::size_t>(second), 1)});
        passes(1s);
        EXPECT_THAT(over, IsEmpty());
    }
    passes(1s);
    ASSERT_THAT(over, SizeIs(1));
    EXPECT_EQ(over[0].how.error().code, Errc::Timeout);
}

TEST_F(ExchangeSpec, APingByStreamSucceedsOnTheSameSequenceNumberOnly) {
    const Instant until = desk.shared.now + 500ms;
    for (const std::uint32_t answered : {7u, 8u}) {
        ASSERT_TRUE(exchange.ping(kBob, "bob", 7, until));
        exchange.opened({last_dial(), kBob});
        exchange.bytes({last_dial(), framed(ack_content(answered), End::Acceptor)});
    }
    ASSERT_THAT(over, SizeIs(2));
    EXPECT_TRUE(over[0].how);
    EXPECT_EQ(over[0].errand.ticket, 7u);
    EXPECT_FALSE(over[1].how);
}

TEST_F(ExchangeSpec, APingByStreamKeepsTheDeadlineOfItsProbe) {
    ASSERT_TRUE(exchange.ping(kBob, "bob", 7, desk.shared.now + 500ms));
    exchange.opened({last_dial(), kBob});
    EXPECT_EQ(exchange.due(), desk.shared.now + 500ms);
    passes(500ms);
    ASSERT_THAT(over, SizeIs(1));
    EXPECT_EQ(over[0].how.error().code, Errc::Timeout);
}

TEST_F(ExchangeSpec, AUserMessageIsDoneOnceItIsSent) {
    ASSERT_TRUE(exchange.user(kBob, "hello", Errand::For::Anybody, 1));
    exchange.opened({last_dial(), kBob});
    const auto said = read(last_dial(), End::Dialler);
    ASSERT_TRUE(said);
    EXPECT_EQ(std::get<wire::StreamUser>(*said).payload, "hello");
    EXPECT_TRUE(closed(last_dial()));
    ASSERT_THAT(over, SizeIs(1));
    EXPECT_TRUE(over[0].how);
}

TEST_F(ExchangeSpec, UserMessagesGoOutAFewAtATime) {
    for (std::uint64_t n = 0; n < 1000; ++n) {
        ASSERT_TRUE(exchange.user(kBob, "hello", Errand::For::Anybody, n));
    }
    EXPECT_EQ(exchange.dialled(), Exchange::kUsersMax);
    for (int step = 0; step < 1000; ++step) exchange.closed({last_dial(), true});
    std::size_t dials = 0;
    while (exchange.dialled() > 0) {
        ASSERT_LT(dials++, 2000u);
        for (const Dial& dial : desk.outputs<Dial>()) exchange.opened({dial.id, kBob});
    }
    EXPECT_THAT(over, SizeIs(1000));
}

TEST_F(ExchangeSpec, UserMessagesThatWaitAreBounded) {
    const Bytes large(16u << 20, 'u');
    for (int n = 0; n < 3; ++n) {
        EXPECT_TRUE(exchange.user(kBob, large, Errand::For::Anybody, 0));
    }
    EXPECT_EQ(exchange.user(kBob, large, Errand::For::Anybody, 0).error().code, Errc::Overloaded);
    EXPECT_EQ(
        exchange.user(kBob, Bytes((20u << 20) + 1, 'u'), Errand::For::Anybody, 0).error().code,
        Errc::TooLarge);
    for (const Dial& dial : desk.outputs<Dial>()) exchange.closed({dial.id, true});
    EXPECT_TRUE(exchange.user(kBob, large, Errand::For::Anybody, 0)) << "there is room again";
}

TEST_F(ExchangeSpec, AUserMessageThatGrowsPastTheSealIsTold) {
    both_seal();
    desk.shared.config.compression = false;
    ASSERT_TRUE(exchange.user(kBob, Bytes(20u << 20, 'u'), Errand::For::Anybody, 0));
    exchange.opened({last_dial(), kBob});
    ASSERT_THAT(over, SizeIs(1));
    EXPECT_EQ(over[0].how.error().code, Errc::TooLarge);
}

TEST_F(ExchangeSpec, DialledStreamsAreBounded) {
    for (std::size_t n = 0; n < Exchange::kDialledMax; ++n) {
        ASSERT_TRUE(exchange.push_pull(kBob, false, Errand::For::Anybody, 0));
    }
    EXPECT_EQ(exchange.push_pull(kBob, false, Errand::For::Anybody, 0).error().code,
              Errc::Overloaded);
    EXPECT_EQ(exchange.ping(kBob, "bob", 1, desk.shared.now + 1s).error().code, Errc::Overloaded);
    passes(10s);
    EXPECT_THAT(over, SizeIs(Exchange::kDialledMax));
    EXPECT_TRUE(exchange.ping(kBob, "bob", 1, desk.shared.now + 1s));
}

}  // namespace
}  // namespace anode::membership::spec
