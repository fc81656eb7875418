#include "app/cluster/card.hpp"

#include <gtest/gtest.h>

#include "core/membership/types.hpp"

namespace anode::app {
namespace {

Card card() {
    Card card;
    card.meta.node.bytes.fill(7);
    card.meta.epoch = {9};
    card.meta.http_port = 7945;
    card.meta.zone = "fra";
    card.meta.version = "1.2.3";
    card.meta.url = "http://10.0.0.2:7945";
    card.name = "edge-1";
    return card;
}

TEST(CardSpec, WhatIsToldIsRead) {
    EXPECT_EQ(Card::decode(card().encode()), card());
    EXPECT_EQ(membership::NodeMeta::decode(card().encode()), card().meta)
        << "the protocol reads its part without ours";
}

TEST(CardSpec, ANameThatIsTooLongIsCutBetweenCharacters) {
    Card told = card();
    told.name = std::string(63, 'x') + "é";
    EXPECT_EQ(Card::decode(told.encode())->name, std::string(63, 'x'));
}

TEST(CardSpec, TheLongestCardFitsTheProtocol) {
    Card told = card();
    told.meta.zone = std::string(100, 'z');
    told.meta.version = std::string(100, 'v');
    told.meta.url = std::string(128, 'u');
    told.name = std::string(300, 'n');
    EXPECT_LE(told.encode().size(), membership::kMetaBytesMax);
    EXPECT_EQ(Card::decode(told.encode())->name.size(), Card::kNameBytesMax);
}

TEST(CardSpec, WithoutANameANodeIsCalledByItsId) {
    const Card told = card();
    EXPECT_EQ(Card::decode(told.meta.encode())->name, told.meta.node.text());
    for (const char* tail : {"\x05",
                             "\x05"
                             "abc",
                             "\xff", "\x02\xff\xfe", "\x00"})
        EXPECT_EQ(Card::decode(told.meta.encode() + tail)->name, told.meta.node.text());
}

TEST(CardSpec, AForeignMemberHasNone) {
    for (const char* meta : {"", "\xff", "consul", "\xa0"}) EXPECT_FALSE(Card::decode(meta));
}

}  // namespace
}  // namespace anode::app
