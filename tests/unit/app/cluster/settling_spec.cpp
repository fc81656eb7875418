#include "app/cluster/settling.hpp"

#include "unit/app/stage.hpp"

namespace anode::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

NodeId node(std::uint8_t number) {
    NodeId id;
    id.bytes.fill(number);
    return id;
}
LogKey lane(std::uint8_t number) { return {node(number), Epoch{7}, kSystemLane}; }

/// One node's waiting over a real loop; what the mesh knows is what the spec says.
class Waiter {
public:
    Waiter() {
        loop.start();
        settling = std::make_unique<Settling>(Settling::World{
            .loop = loop,
            .log = lane(1),
            .alive = [this] { return alive; },
            .having = [this](Seq, Settling::Reply<std::vector<NodeId>> reply) { reply(having); },
            .has = [this](const LogKey&, Seq seq,
                          Settling::Reply<bool> reply) { reply(seq <= has); },
            .say = [this](const Bytes& entry) { said.push_back(entry); }});
    }
    ~Waiter() {
        loop.stop();
        loop.join();
    }
    template <class F>
    void does(F step) {
        on_loop(loop, std::move(step));
    }
    /// Who is missing when the wait for entry 5 ends.
    std::vector<NodeId> waits(Duration timeout, std::function<void()> meanwhile = {}) {
        Awaited<std::vector<NodeId>> missing;
        does([&] { settling->wait(5, timeout, missing.reply()); });
        if (meanwhile) does(std::move(meanwhile));
        return missing.get();
    }
    void spoken(std::size_t times) {
        for (int look = 0;
             look < 2000 && on_loop(loop, [&] { return said.size(); }) < times; ++look) {
            std::promise<void> later;
            does([&] { loop.after(2ms, [&later] { later.set_value(); }); });
            later.get_future().wait();
        }
        ASSERT_EQ(on_loop(loop, [&] { return said.size(); }), times);
    }
    WallTime now() {
        return on_loop(loop, [this] { return loop.now().wall; });
    }

    Loop loop{LoopOptions{.name = "settling"}};
    std::vector<NodeId> alive, having;
    Seq has = 0;
    std::vector<Bytes> said;
    std::unique_ptr<Settling> settling;
};

class SettlingSpec : public testing::Test, public Waiter {};

TEST_F(SettlingSpec, ALoneNodeWaitsForNobody) { EXPECT_THAT(waits(10s), IsEmpty()); }

TEST_F(SettlingSpec, LinkedNodesAreNotAskedAndAreEnough) {
    alive = having = {node(2), node(3)};
    does([&] {
        settling->peer_up(node(2));
        settling->peer_up(node(3));
    });
    EXPECT_THAT(waits(10s), IsEmpty());
    EXPECT_THAT(said, IsEmpty());
}

TEST_F(SettlingSpec, WhoIsMissingWhenTheTimeIsOverIsNamed) {
    alive = {node(2), node(3)};
    having = {node(2)};
    does([&] {
        settling->peer_up(node(2));
        settling->peer_up(node(3));
    });
    EXPECT_THAT(waits(50ms), ElementsAre(node(3)));
}

TEST_F(SettlingSpec, WhoDiesMeanwhileIsNotWaitedFor) {
    alive = {node(2)};
    EXPECT_THAT(waits(20s, [this] { alive.clear(); }), IsEmpty());
}

TEST_F(SettlingSpec, ANodeWithoutALinkIsAskedOnceAndItsAnswerCounts) {
    alive = {node(2), node(9)};
    having = {node(2)};
    does([&] { settling->peer_up(node(2)); });
    Awaited<std::vector<NodeId>> missing;
    does([&] { settling->wait(5, 20s, missing.reply()); });
    spoken(1);

    Waiter far;  // node 9 hears it, has it a moment later, and answers
    const Bytes question = on_loop(loop, [&] { return said.front(); });
    const WallTime at = now();
    far.does([&] { far.settling->heard(lane(1), at, question); });
    far.does([&] { far.has = 4; });
    EXPECT_THAT(on_loop(far.loop, [&] { return far.said; }), IsEmpty());
    far.does([&] { far.has = 5; });
    far.spoken(1);

    does([&] { settling->heard(lane(9), at, far.said.front()); });
    EXPECT_THAT(missing.get(), IsEmpty());
    EXPECT_THAT(said, SizeIs(1));
}

TEST_F(SettlingSpec, AnAnswerAboutAnEarlierRunOrLessThanAskedDoesNotCount) {
    alive = {node(9)};
    Awaited<std::vector<NodeId>> missing;
    does([&] { settling->wait(5, 200ms, missing.reply()); });
    spoken(1);
    Waiter far;
    far.has = 100;
    Bytes less = said.front();
    less.back() = 4;
    const WallTime at = now();
    far.does([&] {
        far.settling->heard(lane(1), at, less);
        far.settling->heard({node(1), Epoch{6}, kSystemLane}, at, said.front());
    });
    far.spoken(2);
    does([&] {
        for (const Bytes& answer : far.said) settling->heard(lane(9), at, answer);
    });
    EXPECT_THAT(missing.get(), ElementsAre(node(9)));
}

TEST_F(SettlingSpec, OldQuestionsAndBrokenEntriesAreNotAnswered) {
    has = 100;
    const WallTime at = now();
    Bytes question{"\0\0\5", 3};
    question[0] = 1;
    does([&] {
        settling->heard(lane(2), at - 120'000'000, question);
        settling->heard(lane(2), at, "");
        settling->heard(lane(2), at, question.substr(0, 2));
        settling->heard(lane(2), at, Bytes(40, '\xff'));
        settling->peer_up(node(3));
        settling->heard(lane(3), at, question);  // the mesh tells that one
        settling->heard(lane(4), at, question);
    });
    spoken(1);
}

}  // namespace
}  // namespace anode::app
