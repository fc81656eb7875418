#include "app/cluster/members.hpp"

#include "app/cluster/key_file.hpp"
#include "runtime/system_secrets.hpp"
#include "unit/app/stage.hpp"

namespace anode::app {
namespace {

using api::Belonging;
using membership::MemberState;
using testing::AllOf;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

/// One node's membership over real sockets, its ledger on an engine whose store does nothing.
class Node {
public:
    Node(const TempDirectory& directory, std::uint8_t id, std::vector<std::string> contacts,
         std::string_view more = {}, const std::string& listen = "127.0.0.1:0")
        : run_(store_), ledger_(*run_.engine, "n-x") {
        identity_.node.bytes.fill(id);
        identity_.epoch = {id};
        facts_.id = identity_.node;
        facts_.id_text = identity_.node.text();
        facts_.name = "host";  // the same for all: ids keep them apart
        facts_.cluster = "spec";
        facts_.version = "1.2.3";
        std::string toml = "[gossip]\ncluster = 'spec'\nlisten = '" + listen + "'\njoin = [";
        for (const std::string& contact : contacts) toml += "'" + contact + "',";
        toml.append("]\nprofile = 'local'\n").append(more);
        file_ = directory.file("anode.toml", toml);
        aside_.start();
    }

    Result<void> opens() {
        auto opened =
            Members::open(*Config::load({file_, {}, {}}), identity_,
                          {.facts = facts_,
                           .ledger = ledger_,
                           .metrics = run_.metrics,
                           .secrets = secrets_,
                           .aside = [this](Loop::Task task) { aside_.post(std::move(task)); }});
        if (!opened) return std::unexpected(opened.error());
        members = std::move(*opened);
        return {};
    }
    Node& starts() {
        const auto opened = opens();
        if (!opened) throw std::runtime_error(opened.error().what);
        members->start({"127.0.0.1:1"});
        return *this;
    }
    api::ClusterView sees() {
        Awaited<api::ClusterView> view;
        members->view(view.reply());
        return view.get();
    }
    /// Asks until the view is as wanted.
    template <class Wanted>
    bool comes_to_see(Wanted wanted) {
        const auto until = std::chrono::steady_clock::now() + 20s;
        while (std::chrono::steady_clock::now() < until)
            if (wanted(sees())) return true;
        return false;
    }
    bool comes_to_see_alive(std::size_t alive) {
        return comes_to_see([alive](const api::ClusterView& view) {
            return std::ranges::count(view.members, MemberState::Alive, &api::MemberInfo::state) ==
                   static_cast<std::ptrdiff_t>(alive);
        });
    }
    template <class Ask>
    Result<void> asks(Ask ask) {
        Awaited<Result<void>> answer;
        ask(*members, answer.reply());
        return answer.get();
    }
    const std::string& id() const { return facts_.id_text; }
    std::string metrics() { return run_.metrics.prometheus(); }

private:
    ScriptedStore store_;
    RunningEngine run_;
    Ledger ledger_;
    Identity identity_;
    api::NodeFacts facts_;
    SystemSecrets secrets_;
    std::string file_;
    Loop aside_;

public:
    std::unique_ptr<Members> members;
};

class MembersSpec : public testing::Test {
protected:
    TempDirectory one, two;
};

TEST_F(MembersSpec, AloneByConfigurationANodeSeesItselfAndIsWell) {
    Node node(one, 1, {});
    node.starts();
    const api::ClusterView view = node.sees();
    ASSERT_EQ(view.members.size(), 1u);
    EXPECT_TRUE(view.members.front().self);
    EXPECT_EQ(view.members.front().id, node.id());
    EXPECT_EQ(view.members.front().name, "host");
    EXPECT_EQ(view.belonging, Belonging::Alone);
    EXPECT_FALSE(view.encrypted);
    EXPECT_EQ(node.members->health().status, "ok");
}

TEST_F(MembersSpec, WhoHasContactsIsNotWellBeforeItHasJoined) {
    Node node(one, 1, {"127.0.0.1:1"});
    node.starts();
    EXPECT_EQ(node.members->health().status, "fail");
    EXPECT_EQ(node.sees().belonging, Belonging::Joining);
}

TEST_F(MembersSpec, TwoOfOneHostNameJoinAndKnowEachOtherById) {
    Node first(one, 1, {});
    first.starts();
    Node second(two, 2, {first.members->bound()});
    second.starts();
    EXPECT_TRUE(first.comes_to_see_alive(2));
    EXPECT_TRUE(second.comes_to_see_alive(2));
    std::vector<std::string> ids;
    for (const api::MemberInfo& member : first.sees().members) {
        ids.push_back(member.id);
        EXPECT_EQ(member.url, "http://127.0.0.1:1");
        EXPECT_FALSE(member.foreign);
    }
    EXPECT_THAT(ids, UnorderedElementsAre(first.id(), second.id()));
    EXPECT_EQ(second.sees().belonging, Belonging::Joined);
    EXPECT_EQ(second.members->health().status, "ok");
}

TEST_F(MembersSpec, ADrainIsSeenByOthers) {
    Node first(one, 1, {});
    first.starts();
    Node second(two, 2, {first.members->bound()});
    second.starts();
    ASSERT_TRUE(first.comes_to_see_alive(2));
    second.members->set_draining(true);
    EXPECT_TRUE(first.comes_to_see([&](const api::ClusterView& view) {
        return std::ranges::any_of(view.members, [&](const api::MemberInfo& member) {
            return member.id == second.id() && member.draining;
        });
    }));
}

TEST_F(MembersSpec, WhoLeavesIsKnownToHaveLeftAndMayThenBeForgotten) {
    Node first(one, 1, {});
    first.starts();
    Node second(two, 2, {first.members->bound()});
    second.starts();
    ASSERT_TRUE(first.comes_to_see_alive(2));
    const auto forget = [&](Members& members, auto reply) {
        members.forget(second.id(), std::move(reply));
    };
    EXPECT_EQ(first.asks(forget).error().code, Errc::Conflict);
    EXPECT_TRUE(second.asks([](Members& members, auto reply) { members.leave(std::move(reply)); }));
    EXPECT_EQ(second.sees().belonging, Belonging::Left);
    EXPECT_EQ(second.members->health().status, "warn");
    const auto again = second.asks(
        [](Members& members, auto reply) { members.join({"127.0.0.1:1"}, std::move(reply)); });
    EXPECT_EQ(again.error().code, Errc::Conflict);
    ASSERT_TRUE(first.comes_to_see([&](const api::ClusterView& view) {
        return std::ranges::any_of(view.members, [](const api::MemberInfo& member) {
            return member.state == MemberState::Left;
        });
    }));
    EXPECT_TRUE(first.asks(forget));
    EXPECT_EQ(first.sees().members.size(), 1u);
    EXPECT_EQ(first.asks(forget).error().code, Errc::NotFound);
}

TEST_F(MembersSpec, AnEndSaysGoodbye) {
    Node first(one, 1, {});
    first.starts();
    Node second(two, 2, {first.members->bound()});
    second.starts();
    ASSERT_TRUE(first.comes_to_see_alive(2));
    ASSERT_TRUE(second.comes_to_see_alive(2));
    second.members->begin_to_leave();
    second.members->end(5s);
    EXPECT_TRUE(first.comes_to_see([](const api::ClusterView& view) {
        return std::ranges::any_of(view.members, [](const api::MemberInfo& member) {
            return member.state == MemberState::Left;
        });
    }));
}

TEST_F(MembersSpec, AChangedKeyRingIsWrittenToItsFile) {
    const std::string path =
        one.file("ring.json", R"({"keys":["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="],)"
                              R"("primary":0})");
    Node node(one, 1, {}, "keyring = { file = '" + path + "' }\n");
    node.starts();
    EXPECT_TRUE(node.sees().encrypted);
    Awaited<membership::KeyReport> report;
    node.members->keys({.op = membership::KeyOp::Install, .key = Bytes(32, 'k'), .fingerprint = {}},
                       report.reply());
    EXPECT_TRUE(report.get().done.has_value());
    const auto until = std::chrono::steady_clock::now() + 20s;
    std::size_t kept = 0;
    while (kept != 2 && std::chrono::steady_clock::now() < until) {
        std::ifstream in(path);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        kept = membership::parse_key_ring(text).value_or(membership::KeyRing()).size();
    }
    EXPECT_EQ(kept, 2u);
}

TEST_F(MembersSpec, WhatCannotBeOpenedNamesItsKey) {
    Node holder(one, 1, {});
    holder.starts();
    Node taken(two, 2, {}, {}, holder.members->bound());
    EXPECT_THAT(taken.opens().error().what,
                AllOf(HasSubstr("gossip.listen"), HasSubstr(holder.members->bound())));
    Node keyless(two, 3, {}, "keyring = { file = '/nonexistent' }\n");
    EXPECT_THAT(keyless.opens().error().what, HasSubstr("gossip.keyring"));
}

TEST_F(MembersSpec, MembersAreCountedByState) {
    Node first(one, 1, {});
    first.starts();
    Node second(two, 2, {first.members->bound()});
    second.starts();
    ASSERT_TRUE(first.comes_to_see_alive(2));
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (first.metrics().find("anode_gossip_members{state=\"alive\"} 2") == std::string::npos &&
           std::chrono::steady_clock::now() < until) {
    }
    EXPECT_THAT(first.metrics(), AllOf(HasSubstr("anode_gossip_members{state=\"alive\"} 2\n"),
                                       HasSubstr("anode_gossip_members{state=\"dead\"} 0\n"),
                                       HasSubstr("anode_gossip_decrypt_errors_total 0\n")));
}

}  // namespace
}  // namespace anode::app
