#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/mesh/net.hpp"

namespace anode::mesh::test {
namespace {

using testing::ElementsAre;

TEST(MeshWalk, ABlockOfOneNodeArrivesAtTheOther) {
    Net net;
    Node& a = net.add(1);
    Node& b = net.add(2);
    net.introduce_all();
    net.run(100ms);
    ASSERT_EQ(a.link_state(b.id), "up");
    ASSERT_EQ(b.link_state(a.id), "up");
    const WireBlock block = net.publish(a, 3);
    net.run(10ms);
    EXPECT_EQ(b.view(a.log()).state, "attached");
    ASSERT_EQ(b.deliveries.size(), 1u);
    EXPECT_EQ(*b.deliveries[0].block.wire, *block.wire);
    EXPECT_EQ(b.deliveries[0].hops, 0);
    EXPECT_FALSE(b.deliveries[0].late);
    EXPECT_TRUE(a.mesh->settled());
    EXPECT_TRUE(b.mesh->settled());
    EXPECT_EQ(b.mesh->unrest(), "");
    EXPECT_EQ(a.mesh->content_hash(), b.mesh->content_hash());
}

TEST(MeshWalk, WhatWasPublishedAloneArrivesOnceTheyAreLinked) {
    Net net;
    Node& a = net.add(1);
    Node& b = net.add(2);
    for (int i = 0; i < 10; ++i) net.publish(a, 2);
    net.introduce_all();
    net.run(200ms);
    EXPECT_EQ(b.view(a.log()).watermark, 20u);
    EXPECT_EQ(b.deliveries.size(), 10u);
}

}  // namespace
}  // namespace anode::mesh::test
