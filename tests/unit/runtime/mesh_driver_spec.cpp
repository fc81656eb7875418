#include "runtime/mesh_driver.hpp"

#include <gmock/gmock.h>

#include <set>

#include "core/message/block.hpp"
#include "support/loop_fixture.hpp"
#include "support/tls_identity.hpp"

namespace anode {
namespace {

using support::Facts;
using testing::HasSubstr;

const Bytes kKey(32, 'k'), kOther(32, 'o');

NodeId node_id(std::uint8_t first) {
    NodeId id;
    id.bytes.fill(first);
    return id;
}

/// One node's mesh, and what it told.
struct Node {
    NodeId id;
    Epoch epoch;
    std::unique_ptr<MeshDriver> driver;
    std::set<NodeId> up;
    std::vector<mesh::LinkEnd> downs;
    std::vector<mesh::Deliver> delivered;
    std::vector<std::string> notices;
    Seq next = 1;
};

class MeshDriverSpec : public support::LoopSpec {
protected:
    ~MeshDriverSpec() override {
        on_loop([this] { nodes.clear(); });
    }
    static MeshSecurity keyed(std::vector<Bytes> keys, std::string cluster = "c") {
        MeshSecurity security;
        security.cluster = std::move(cluster);
        security.keys = std::move(keys);
        return security;
    }
    static MeshSecurity plain() {
        MeshSecurity security;
        security.mode = MeshSecurity::Mode::Plain;
        return security;
    }
    Node& start(std::uint8_t number, MeshSecurity security) {
        nodes.push_back(std::make_unique<Node>());
        Node& node = *nodes.back();
        node.id = node_id(number);
        node.epoch = {std::uint64_t{1} << 20 | number};
        on_loop([&] {
            MeshOptions options;
            options.config.node = node.id;
            options.config.epoch = node.epoch;
            options.config.name = "n" + std::to_string(number);
            options.config.cluster = "c";
            options.security = std::move(security);
            options.listen = "127.0.0.1:0";
            auto driver =
                MeshDriver::open(loop, std::move(options),
                                 [this, &node](const mesh::Output& output, const mesh::Outbox&) {
                                     facts.change([&] { note(node, output); });
                                 });
            ASSERT_TRUE(driver) << driver.error().what;
            node.driver = std::move(*driver);
            node.driver->start({});
        });
        return node;
    }
    static void note(Node& node, const mesh::Output& output) {
        if (const auto* up = std::get_if<mesh::PeerUp>(&output)) node.up.insert(up->node);
        if (const auto* down = std::get_if<mesh::PeerDown>(&output)) {
            node.up.erase(down->node);
            node.downs.push_back(down->end);
        }
        if (const auto* deliver = std::get_if<mesh::Deliver>(&output))
            node.delivered.push_back(*deliver);
        if (const auto* notice = std::get_if<mesh::Notice>(&output))
            node.notices.push_back(std::string(notice->what) + " " + notice->detail);
    }
    void introduce(Node& to, const Node& who) {
        mesh::Peer peer;
        peer.node = who.id;
        peer.epoch = who.epoch;
        peer.name = "peer";
        peer.address = "127.0.0.1:" + std::to_string(who.driver->port());
        to.driver->post(mesh::PeerSeen{peer});
    }
    void link(Node& a, Node& b) {
        introduce(a, b);
        introduce(b, a);
    }
    testing::AssertionResult linked(Node& a, Node& b, Duration patience = 10s) {
        if (facts.wait([&] { return a.up.contains(b.id) && b.up.contains(a.id); }, patience))
            return testing::AssertionSuccess();
        auto told = testing::AssertionFailure();
        facts.change([&] {
            for (const Node* node : {&a, &b})
                for (const std::string& notice : node->notices) told << notice << "; ";
        });
        return told;
    }
    void seals(Node& node, std::size_t payload) {
        BlockBuilder builder;
        Draft draft;
        draft.topic = "a.b";
        const Bytes body = "\"" + Bytes(payload, 'x') + "\"";
        draft.payload = body;
        builder.add(Hlc::at(1'700'000'000'000'000 + static_cast<WallTime>(node.next)), draft);
        const LogKey log{node.id, node.epoch, kDataLane};
        const BlockPtr block = builder.seal(log, node.next, Arrival{1});
        ++node.next;
        node.driver->post(
            mesh::Sealed{log,
                         {block->first_seq(), block->count(), block->first_hlc(), block->last_hlc(),
                          std::make_shared<const Bytes>(encode_block(*block, BlockCodec::None))}});
    }

    Facts facts;
    std::vector<std::unique_ptr<Node>> nodes;
};

TEST_F(MeshDriverSpec, OneSharedSecretLinksTwoNodesAndBlocksFlow) {
    Node& a = start(1, keyed({kKey}));
    Node& b = start(2, keyed({kKey}));
    link(a, b);
    ASSERT_TRUE(linked(a, b));
    for (int i = 0; i < 100; ++i) seals(a, 100);
    EXPECT_TRUE(facts.wait([&] { return b.delivered.size() == 100; }));
    for (Seq seq = 1; seq <= 100; ++seq) EXPECT_EQ(b.delivered[seq - 1].block.first, seq);
}

TEST_F(MeshDriverSpec, LargeBlocksPassAConnectionThatIsFullForAWhile) {
    for (const bool secret : {true, false}) {
        Node& a = start(secret ? 1 : 3, secret ? keyed({kKey}) : plain());
        Node& b = start(secret ? 2 : 4, secret ? keyed({kKey}) : plain());
        link(a, b);
        ASSERT_TRUE(linked(a, b));
        for (int i = 0; i < 60; ++i) seals(a, 500'000);
        EXPECT_TRUE(facts.wait([&] { return b.delivered.size() == 60; }, 30s))
            << b.delivered.size();
    }
}

TEST_F(MeshDriverSpec, AnotherKeyOrAnotherClusterIsNoPeer) {
    Node& a = start(1, keyed({kKey}));
    Node& other_key = start(2, keyed({kOther}));
    Node& other_cluster = start(3, keyed({kKey}, "d"));
    Node& clear = start(4, plain());
    for (Node* node : {&other_key, &other_cluster, &clear}) {
        link(a, *node);
        EXPECT_FALSE(linked(a, *node, 700ms));
    }
    EXPECT_TRUE(a.up.empty());
}

TEST_F(MeshDriverSpec, DuringARotationOldAndNewKeyBothLink) {
    Node& a = start(1, keyed({kOther, kKey}));
    Node& b = start(2, keyed({kKey, kOther}));
    link(a, b);
    EXPECT_TRUE(linked(a, b));
    Node& c = start(3, keyed({kKey}));
    on_loop([&] { c.driver->set_keys({kOther, kKey}); });
    link(a, c);
    EXPECT_TRUE(linked(a, c));
}

TEST_F(MeshDriverSpec, AProcessThatIsGoneIsNoticedAtOnceAndThePortRefusesThen) {
    Node& a = start(1, keyed({kKey}));
    Node& b = start(2, keyed({kKey}));
    link(a, b);
    ASSERT_TRUE(linked(a, b));
    on_loop([&] { b.driver->close(); });
    EXPECT_TRUE(facts.wait([&] { return !a.downs.empty(); }, 2s));
}

TEST_F(MeshDriverSpec, CertificatesBindANodeToItsId) {
    const auto authority = support::TlsIdentity::make("DNS:authority", true);
    const auto with = [&](const NodeId& id) {
        const auto own = support::TlsIdentity::make("URI:anode:" + id.text()).issued_by(authority);
        MeshSecurity security;
        security.mode = MeshSecurity::Mode::Certificates;
        security.ca = authority.pem;
        security.cert = own.pem;
        security.key = own.key_pem();
        return security;
    };
    Node& a = start(1, with(node_id(1)));
    Node& b = start(2, with(node_id(2)));
    Node& liar = start(3, with(node_id(9)));
    link(a, b);
    EXPECT_TRUE(linked(a, b));
    link(a, liar);
    EXPECT_FALSE(linked(a, liar, 700ms)) << "it says it is 3, its certificate is for 9";
}

TEST_F(MeshDriverSpec, GarbageAndSilenceCloseTheirOwnConnectionOnly) {
    Node& a = start(1, plain());
    Node& b = start(2, plain());
    link(a, b);
    ASSERT_TRUE(linked(a, b));
    Node& stranger = start(5, keyed({kKey}));  // speaks TLS to one that does not
    introduce(stranger, a);
    seals(a, 10);
    EXPECT_TRUE(facts.wait([&] { return b.delivered.size() == 1; }));
    EXPECT_TRUE(a.up.contains(b.id));
}

TEST_F(MeshDriverSpec, WhatCannotWorkIsRefusedWithItsReason) {
    MeshOptions options;
    options.security = keyed({});
    EXPECT_THAT(MeshDriver::open(loop, options, {}).error().what, HasSubstr("key ring"));
    options.security = plain();
    options.listen = "nowhere";
    EXPECT_THAT(MeshDriver::open(loop, options, {}).error().what, HasSubstr("mesh.listen"));
    Node& a = start(1, plain());
    options.listen = "127.0.0.1:" + std::to_string(a.driver->port());
    EXPECT_EQ(MeshDriver::open(loop, options, {}).error().code, Errc::Exists);
    options.security.mode = MeshSecurity::Mode::Certificates;
    EXPECT_THAT(MeshDriver::open(loop, options, {}).error().what, HasSubstr("mesh.tls.ca"));
}

}  // namespace
}  // namespace anode
