#include "app/cluster/owners.hpp"

#include "app/cluster/card.hpp"
#include "unit/app/stage.hpp"

namespace anode::app {
namespace {

using membership::Change;
using membership::MemberState;
using testing::ElementsAre;
using testing::IsEmpty;

NodeId node(std::uint8_t number) {
    NodeId id;
    id.bytes.fill(number);
    return id;
}

const NodeId kSelf = node(1), kOther = node(2);

/// A member that takes part in the mesh, as membership tells of it.
membership::MemberChanged member(const NodeId& id, Change change, MemberState state) {
    Card card;
    card.meta.node = id;
    card.meta.epoch = Epoch{7};
    card.meta.capabilities = membership::NodeMeta::kData;
    card.name = "other";
    membership::MemberChanged changed{change, {}};
    changed.member.name = id.text();
    changed.member.meta = card.encode();
    changed.member.state = state;
    return changed;
}

/// The owners of one node over a real loop; claims echo at once, as the small state of a lone node does.
class OwnersSpec : public testing::Test {
protected:
    OwnersSpec() {
        StoreOptions options;
        options.directory = directory.path() + "/store";
        options.min_free_fraction = 0;
        store = std::move(*Store::open(options));
        running = std::make_unique<RunningEngine>(*store);
        ledger = std::make_unique<Ledger>(*running->engine, kSelf.text());
        ownership::Timing timing;
        timing.failover_delay = 1ms;
        timing.failover_rank = 2ms;
        timing.warm_up = 0ms;
        owners = std::make_unique<Owners>(
            Owners::World{.loop = running->loop,
                          .ledger = *ledger,
                          .metrics = running->metrics,
                          .self = kSelf,
                          .epoch = Epoch{3},
                          .name = "one",
                          .zone = "",
                          .propose =
                              [this](const ownership::Claim& claim) {
                                  claims.push_back(claim);
                                  owners->claimed(claim);
                              },
                          .send = [this](const NodeId& to, std::uint8_t type,
                                         const Bytes&) { sent.emplace_back(to, type); },
                          .timing = timing});
        owners->set_work({.prepare = [this](const std::string& s) { owners->prepared(s); },
                          .run = [this](const ownership::Run& run) { runs.insert(run.source); },
                          .stop =
                              [this](const std::string& source, ownership::StopWhy) {
                                  runs.erase(source);
                                  owners->stopped(source, {});
                              }});
    }
    ~OwnersSpec() override {
        on_loop(running->loop, [this] { owners.reset(); });
    }

    void does(std::function<void()> step) { on_loop(running->loop, std::move(step)); }
    void knows(const std::string& name) {
        does([&] {
            ownership::SourceFacts facts;
            facts.name = name;
            owners->know({facts});
        });
    }
    /// Looks until it holds.
    bool soon(const std::function<bool()>& holds) {
        for (int look = 0; look < 2000; ++look) {
            if (on_loop(running->loop, holds)) return true;
            std::promise<void> later;
            does([&] { running->loop.after(2ms, [&later] { later.set_value(); }); });
            later.get_future().wait();
        }
        return false;
    }

    TempDirectory directory;
    std::unique_ptr<Store> store;
    std::unique_ptr<RunningEngine> running;
    std::unique_ptr<Ledger> ledger;
    std::unique_ptr<Owners> owners;
    std::vector<ownership::Claim> claims;
    std::vector<std::pair<NodeId, std::uint8_t>> sent;
    std::set<std::string> runs;
};

TEST_F(OwnersSpec, ALoneNodeRunsItsSourcesAtOnce) {
    does([&] { owners->start(true); });
    knows("a");
    EXPECT_THAT(runs, ElementsAre("a"));
    does([&] {
        EXPECT_EQ(owners->view("a").role, Owners::Role::Owner);
        EXPECT_EQ(owners->name_of(kSelf), "one");
        EXPECT_EQ(owners->find("one"), kSelf);
        EXPECT_EQ(owners->find("nobody"), std::nullopt);
    });
}

TEST_F(OwnersSpec, ANodeWithOthersWaitsUntilItKnowsWhatTheyKnow) {
    does([&] {
        owners->start(false);
        owners->member(member(kOther, Change::Joined, MemberState::Alive));
        owners->link_up(kOther);
    });
    knows("a");
    EXPECT_THAT(runs, IsEmpty());
    does([&] {
        owners->member(member(kOther, Change::Died, MemberState::Dead));
        owners->in_sync();
    });
    EXPECT_TRUE(soon([&] { return runs.contains("a"); }));
}

TEST_F(OwnersSpec, ASourceOfAnOwnerInDoubtIsTakenOverBeforeTheVerdict) {
    does([&] {
        owners->member(member(kOther, Change::Joined, MemberState::Alive));
        owners->link_up(kOther);
        owners->claimed({"a", kOther, Epoch{7}, 4, false});
        owners->start(true);
    });
    knows("a");
    EXPECT_THAT(runs, IsEmpty());
    does([&] { owners->member(member(kOther, Change::Suspected, MemberState::Suspect)); });
    EXPECT_THAT(runs, IsEmpty()) << "one witness is none";
    does([&] { owners->link_down(kOther, mesh::LinkEnd::Reset); });
    EXPECT_TRUE(soon([&] { return runs.contains("a"); }));
    EXPECT_EQ(claims.back().term, 5U);
}

TEST_F(OwnersSpec, ALinkThatOnlyFellSilentCastsNoDoubt) {
    does([&] {
        owners->member(member(kOther, Change::Joined, MemberState::Alive));
        owners->claimed({"a", kOther, Epoch{7}, 4, false});
        owners->start(true);
        owners->link_up(kOther);
        owners->link_down(kOther, mesh::LinkEnd::TimedOut);
        owners->member(member(kOther, Change::Suspected, MemberState::Suspect));
    });
    knows("a");
    EXPECT_THAT(runs, IsEmpty());
    does([&] { owners->member(member(kOther, Change::Died, MemberState::Dead)); });
    EXPECT_TRUE(soon([&] { return runs.contains("a"); }));
}

TEST_F(OwnersSpec, ADrainIsOverWhenNothingIsHeldAnyMore) {
    does([&] { owners->start(true); });
    knows("a");
    std::promise<void> drained;
    does([&] { owners->hand_over_all(10s, [&drained] { drained.set_value(); }); });
    EXPECT_EQ(drained.get_future().wait_for(20s), std::future_status::ready);
    EXPECT_THAT(runs, IsEmpty());
    EXPECT_TRUE(claims.back().released);
}

TEST_F(OwnersSpec, ADrainThatNobodyAnswersEndsInTime) {
    std::promise<void> drained;
    does([&] {
        owners->set_work({.prepare = [](const std::string&) {},
                          .run = [](const ownership::Run&) {},
                          .stop = [](const std::string&, ownership::StopWhy) {}});
        owners->start(true);
    });
    knows("a");
    does([&] { owners->hand_over_all(5ms, [&drained] { drained.set_value(); }); });
    EXPECT_EQ(drained.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(OwnersSpec, AForeignMemberIsNoNodeOfOurs) {
    membership::MemberChanged foreign{Change::Joined, {}};
    foreign.member.name = "somebody";
    does([&] {
        owners->member(foreign);
        EXPECT_THAT(owners->others_alive(), IsEmpty());
    });
}

}  // namespace
}  // namespace anode::app
