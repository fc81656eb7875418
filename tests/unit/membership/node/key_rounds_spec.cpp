#include "core/membership/key_rounds.hpp"

#include <map>

#include "core/membership/key_numbers.hpp"
#include "unit/membership/node/desk.hpp"

/// Work on everybody's key ring, the others being puppets.
namespace anode::membership::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Bytes kOld(32, 'o');
const Bytes kNew(32, 'n');
const std::string kOldPrint = KeyRing::fingerprint(kOld);
const std::string kNewPrint = KeyRing::fingerprint(kNew);

KeyRing ring_of(std::vector<Bytes> keys) {
    KeyRing ring;
    for (const Bytes& key : keys) EXPECT_TRUE(ring.add(key));
    return ring;
}

struct KeyRoundsSpec : testing::Test, KeyRoundsPort {
    struct Asked {
        Address to;
        PeerMessage message;
        std::uint64_t ticket;
    };
    std::vector<Member> others() override { return members; }
    std::optional<Member> find(std::string_view name) override {
        for (const Member& member : members) {
            if (member.name == name) return member;
        }
        return std::nullopt;
    }
    Result<void> send_keys(const Address& to, BytesView payload, std::uint64_t ticket) override {
        asked.push_back({to, *decode_peer_message(payload), ticket});
        return {};
    }
    void keys_changed() override { changes++; }

    void member(std::string name, std::uint8_t host, bool ours = true, std::size_t key = ~0u) {
        Member one;
        one.name = std::move(name);
        one.address = Address::v4(10, 0, 0, host, 7946);
        one.ours = ours;
        one.key = key;
        members.push_back(one);
    }
    void want(KeyOp op, Bytes key, std::string fingerprint) {
        rounds.request(
            {.id = 77, .op = op, .key = std::move(key), .fingerprint = std::move(fingerprint)});
    }
    /// Whoever was asked answers with these keys.
    void answers(const std::string& name, std::vector<std::string> fingerprints,
                 std::string error = "") {
        rounds.answered({.id = last_id(),
                         .from = name,
                         .error = std::move(error),
                         .fingerprints = std::move(fingerprints)});
    }
    std::uint64_t last_id() { return std::get<PeerKeyRequest>(asked.back().message).id; }
    KeyReport report() {
        const auto all = desk.outputs<KeyReport>();
        EXPECT_THAT(all, SizeIs(1));
        return all.empty() ? KeyReport{} : all.front();
    }

    Desk desk{config_named("us"), ring_of({kOld})};
    KeyRounds rounds{desk.shared, *this};
    std::vector<Member> members;
    std::vector<Asked> asked;
    int changes = 0;
};

TEST_F(KeyRoundsSpec, AListShowsEverybodysFingerprintsOurselvesFirst) {
    member("bob", 2);
    want(KeyOp::List, {}, {});
    ASSERT_THAT(asked, SizeIs(1));
    answers("bob", {kNewPrint, kOldPrint});
    const KeyReport got = report();
    EXPECT_EQ(got.id, 77u);
    EXPECT_TRUE(got.done);
    ASSERT_THAT(got.rows, SizeIs(2));
    EXPECT_EQ(got.rows[0].name, "us");
    EXPECT_THAT(got.rows[0].fingerprints, ElementsAre(kOldPrint));
    EXPECT_THAT(got.rows[1].fingerprints, ElementsAre(kNewPrint, kOldPrint));
}

TEST_F(KeyRoundsSpec, AloneAListEndsAtOnce) {
    want(KeyOp::List, {}, {});
    EXPECT_TRUE(report().done);
}

TEST_F(KeyRoundsSpec, WhoDoesNotAnswerIsNamedAfterFiveSeconds) {
    member("bob", 2);
    member("carol", 3);
    want(KeyOp::List, {}, {});
    answers("carol", {kOldPrint});
    desk.passes(4s);
    rounds.tick();
    EXPECT_THAT(desk.outputs<KeyReport>(), IsEmpty());
    desk.passes(1s);
    EXPECT_EQ(rounds.due(), desk.shared.now);
    rounds.tick();
    const KeyReport got = report();
    ASSERT_FALSE(got.done);
    EXPECT_EQ(got.done.error().code, Errc::Timeout);
    EXPECT_THAT(got.done.error().what, HasSubstr("bob"));
    EXPECT_EQ(rounds.due(), Instant::max());
}

TEST_F(KeyRoundsSpec, AForeignMemberIsShownButNotAsked) {
    member("go", 2, false, 0);
    want(KeyOp::List, {}, {});
    EXPECT_THAT(asked, IsEmpty());
    const KeyReport got = report();
    EXPECT_TRUE(got.rows[1].foreign);
    EXPECT_FALSE(got.rows[1].answered);
    EXPECT_THAT(got.rows[1].fingerprints, ElementsAre(kOldPrint));
}

TEST_F(KeyRoundsSpec, AnInstallAddsTheKeyHereAndEverywhere) {
    member("bob", 2);
    want(KeyOp::Install, kNew, {});
    EXPECT_THAT(desk.shared.keys.fingerprints(), ElementsAre(kOldPrint, kNewPrint));
    EXPECT_THAT(desk.outputs<KeysChanged>(), SizeIs(1));
    EXPECT_EQ(changes, 1);
    EXPECT_EQ(std::get<PeerKeyRequest>(asked.back().message).key, kNew);
    answers("bob", {kOldPrint, kNewPrint});
    EXPECT_TRUE(report().done);
}

TEST_F(KeyRoundsSpec, AnInstallInClearTextIsRefused) {
    member("bob", 2);
    desk.shared.config.verify_outgoing = false;
    want(KeyOp::Install, kNew, {});
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_EQ(report().done.error().code, Errc::Refused);
    EXPECT_THAT(desk.shared.keys.fingerprints(), ElementsAre(kOldPrint));
}

TEST_F(KeyRoundsSpec, AnInstallIntoAnEmptyRingIsRefused) {
    desk.shared.keys = {};
    member("bob", 2);
    want(KeyOp::Install, kNew, {});
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_EQ(report().done.error().code, Errc::Refused);
}

TEST_F(KeyRoundsSpec, AKeyOfAWrongSizeIsRefusedBeforeAnybodyIsAsked) {
    member("bob", 2);
    want(KeyOp::Install, Bytes(17, 'x'), {});
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_EQ(report().done.error().code, Errc::Malformed);
}

TEST_F(KeyRoundsSpec, WhoCannotInstallIsNamedWithItsReason) {
    member("bob", 2);
    want(KeyOp::Install, kNew, {});
    answers("bob", {kOldPrint}, "the ring is full");
    const KeyReport got = report();
    ASSERT_FALSE(got.done);
    EXPECT_THAT(got.done.error().what, HasSubstr("bob (the ring is full)"));
    EXPECT_EQ(got.rows[1].error, "the ring is full");
}

struct KeyRotationSpec : KeyRoundsSpec {
    KeyRotationSpec() {
        EXPECT_TRUE(desk.shared.keys.add(kNew));
        member("bob", 2);
        member("carol", 3);
    }
    void primary_is_new() { EXPECT_TRUE(desk.shared.keys.use(kNewPrint)); }
};

TEST_F(KeyRotationSpec, AKeyIsUsedOnceEverybodyHasIt) {
    want(KeyOp::Use, {}, kNewPrint);
    answers("bob", {kOldPrint, kNewPrint});
    answers("carol", {kOldPrint, kNewPrint});
    EXPECT_THAT(desk.shared.keys.fingerprints(), ElementsAre(kNewPrint, kOldPrint));
    ASSERT_THAT(asked, SizeIs(4));
    EXPECT_EQ(std::get<PeerKeyRequest>(asked[2].message).op, KeyOp::Use);
    answers("bob", {kNewPrint, kOldPrint});
    answers("carol", {kNewPrint, kOldPrint});
    const KeyReport got = report();
    EXPECT_TRUE(got.done);
    EXPECT_THAT(got.rows[1].fingerprints, ElementsAre(kNewPrint, kOldPrint));
}

TEST_F(KeyRotationSpec, AKeyThatOneMemberLacksIsNotUsedAnywhere) {
    want(KeyOp::Use, {}, kNewPrint);
    answers("bob", {kOldPrint, kNewPrint});
    answers("carol", {kOldPrint});
    const KeyReport got = report();
    ASSERT_FALSE(got.done);
    EXPECT_EQ(got.done.error().code, Errc::Refused);
    EXPECT_THAT(got.done.error().what, HasSubstr("carol"));
    EXPECT_THAT(desk.shared.keys.fingerprints(), ElementsAre(kOldPrint, kNewPrint));
}

TEST_F(KeyRotationSpec, AKeyThatIsNotHereIsNotUsed) {
    want(KeyOp::Use, {}, "0123456789abcdef");
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_EQ(report().done.error().code, Errc::NotFound);
}

TEST_F(KeyRotationSpec, AnOldKeyIsRemovedOnceNobodyNeedsIt) {
    primary_is_new();
    want(KeyOp::Remove, {}, kOldPrint);
    answers("bob", {kNewPrint, kOldPrint});
    answers("carol", {kNewPrint});
    answers("bob", {kNewPrint});
    answers("carol", {kNewPrint});
    EXPECT_TRUE(report().done);
    EXPECT_THAT(desk.shared.keys.fingerprints(), ElementsAre(kNewPrint));
}

TEST_F(KeyRotationSpec, ARemovalIsRefusedWhileAMemberLacksThePrimaryKey) {
    primary_is_new();
    want(KeyOp::Remove, {}, kOldPrint);
    answers("bob", {kOldPrint});
    answers("carol", {kNewPrint, kOldPrint});
    EXPECT_EQ(report().done.error().code, Errc::Refused);
    EXPECT_THAT(report().done.error().what, HasSubstr("bob"));
    EXPECT_THAT(desk.shared.keys.fingerprints(), SizeIs(2));
}

TEST_F(KeyRotationSpec, ARemovalIsRefusedWhileTheKeyIsAMembersPrimary) {
    primary_is_new();
    want(KeyOp::Remove, {}, kOldPrint);
    answers("bob", {kOldPrint, kNewPrint});
    answers("carol", {kNewPrint, kOldPrint});
    EXPECT_EQ(report().done.error().code, Errc::Refused);
    EXPECT_THAT(report().done.error().what, HasSubstr("still the primary key of bob"));
}

TEST_F(KeyRotationSpec, ARemovalIsRefusedWhileAMemberIsSilent) {
    primary_is_new();
    want(KeyOp::Remove, {}, kOldPrint);
    answers("bob", {kNewPrint, kOldPrint});
    desk.passes(5s);
    rounds.tick();
    EXPECT_EQ(report().done.error().code, Errc::Refused);
    EXPECT_THAT(report().done.error().what, HasSubstr("carol"));
}

TEST_F(KeyRotationSpec, ARemovalIsRefusedWhileAForeignMemberSealsWithTheKey) {
    primary_is_new();
    member("go", 4, false, 1);
    want(KeyOp::Remove, {}, kOldPrint);
    answers("bob", {kNewPrint, kOldPrint});
    answers("carol", {kNewPrint, kOldPrint});
    EXPECT_EQ(report().done.error().code, Errc::Refused);
    EXPECT_THAT(report().done.error().what, HasSubstr("go"));
}

TEST_F(KeyRotationSpec, OurOwnPrimaryKeyIsNotRemoved) {
    want(KeyOp::Remove, {}, kOldPrint);
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_EQ(report().done.error().code, Errc::Refused);
}

TEST_F(KeyRotationSpec, RoundsWaitForEachOtherAndAreBounded) {
    for (std::uint64_t id = 0; id < 20; ++id) {
        rounds.request({.id = id, .op = KeyOp::List, .key = {}, .fingerprint = {}});
    }
    EXPECT_THAT(desk.outputs<KeyReport>(), SizeIs(3));
    EXPECT_EQ(desk.outputs<KeyReport>()[0].done.error().code, Errc::Overloaded);
    for (int round = 0; round < 17; ++round) {
        const std::uint64_t id = last_id();
        rounds.answered({.id = id, .from = "bob", .error = {}, .fingerprints = {kOldPrint}});
        rounds.answered({.id = id, .from = "carol", .error = {}, .fingerprints = {kOldPrint}});
    }
    EXPECT_THAT(desk.outputs<KeyReport>(), SizeIs(20));
    EXPECT_EQ(rounds.due(), Instant::max());
}

TEST_F(KeyRotationSpec, AnswersOfStrangersAndOfOtherRoundsCountForNothing) {
    want(KeyOp::List, {}, {});
    answers("mallory", {kOldPrint});
    rounds.answered({.id = last_id() + 1, .from = "bob", .error = {}, .fingerprints = {}});
    EXPECT_THAT(desk.outputs<KeyReport>(), IsEmpty());
}

// -- being asked ---------------------------------------------------------------------------------

PeerKeyRequest request(KeyOp op, Bytes key = {}, std::string fingerprint = {}) {
    return {.id = 5,
            .reply_to = "bob",
            .op = op,
            .key = std::move(key),
            .fingerprint = std::move(fingerprint)};
}

TEST_F(KeyRotationSpec, AMemberIsAnsweredWithOurKeysAfterTheChange) {
    rounds.asked(request(KeyOp::Use, {}, kNewPrint), true, kBob);
    ASSERT_THAT(asked, SizeIs(1));
    const auto& answer = std::get<PeerKeyAnswer>(asked[0].message);
    EXPECT_EQ(answer.id, 5u);
    EXPECT_EQ(answer.from, "us");
    EXPECT_EQ(answer.error, "");
    EXPECT_THAT(answer.fingerprints, ElementsAre(kNewPrint, kOldPrint));
    EXPECT_THAT(desk.outputs<KeysChanged>(), SizeIs(1));
}

TEST_F(KeyRotationSpec, WhatChangesNothingIsNotWrittenToTheFile) {
    rounds.asked(request(KeyOp::Install, kNew), true, kBob);
    rounds.asked(request(KeyOp::List), true, kBob);
    rounds.asked(request(KeyOp::Remove, {}, "0123456789abcdef"), true, kBob);
    EXPECT_THAT(desk.outputs<KeysChanged>(), IsEmpty());
    for (const Asked& one : asked) EXPECT_EQ(std::get<PeerKeyAnswer>(one.message).error, "");
}

TEST_F(KeyRotationSpec, OurPrimaryKeyIsKeptAndTheReasonIsSaid) {
    rounds.asked(request(KeyOp::Remove, {}, kOldPrint), true, kBob);
    EXPECT_NE(std::get<PeerKeyAnswer>(asked.at(0).message).error, "");
    EXPECT_THAT(desk.shared.keys.fingerprints(), SizeIs(2));
}

TEST_F(KeyRotationSpec, AChangeInClearTextIsDropped) {
    rounds.asked(request(KeyOp::Install, Bytes(16, 'x')), false, kBob);
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_THAT(desk.shared.keys.fingerprints(), SizeIs(2));
    EXPECT_EQ(desk.shared.counters.dropped[static_cast<std::size_t>(Drop::Clear)], 1u);
}

TEST_F(KeyRotationSpec, AStrangerIsNotAnswered) {
    PeerKeyRequest stranger = request(KeyOp::List);
    stranger.reply_to = "mallory";
    rounds.asked(stranger, true, kBob);
    EXPECT_THAT(asked, IsEmpty());
}

TEST(KeyNumbersSpec, AKeyKeepsItsNumberWhileTheRingTurns) {
    KeyRing ring = ring_of({kOld, kNew});
    KeyNumbers numbers(ring);
    const std::size_t old_number = numbers.number(0);
    ASSERT_TRUE(ring.use(kNewPrint));
    numbers.changed(ring);
    EXPECT_EQ(numbers.index(old_number), 1u);
    EXPECT_EQ(numbers.number(1), old_number);
    ASSERT_TRUE(ring.remove(kOldPrint));
    numbers.changed(ring);
    EXPECT_EQ(numbers.index(old_number), KeyNumbers::kNone);
    EXPECT_EQ(numbers.number(KeyNumbers::kNone), KeyNumbers::kNone);
}

TEST(KeyNumbersSpec, AThousandRotationsNeedNoMoreNumbers) {
    KeyRing ring = ring_of({kOld});
    KeyNumbers numbers(ring);
    for (int i = 0; i < 1000; ++i) {
        Bytes key(32, 'k');
        key.replace(0, 4, std::to_string(1000 + i));
        ASSERT_TRUE(ring.add(key));
        ASSERT_TRUE(ring.use(KeyRing::fingerprint(key)));
        ASSERT_TRUE(ring.remove(ring.fingerprints()[1]));
        numbers.changed(ring);
        EXPECT_LT(numbers.number(0), KeyNumbers::kNumbers);
        EXPECT_EQ(numbers.index(numbers.number(0)), 0u);
    }
}

}  // namespace
}  // namespace anode::membership::spec
