#include "core/node/foreign_topic.hpp"

#include <gtest/gtest.h>

namespace anode {
namespace {

NodeId node_of(std::uint8_t number) {
    NodeId id;
    id.bytes[0] = number;
    return id;
}
LogKey log_of(Lane lane) { return {node_of(1), Epoch{7}, lane}; }

TEST(ForeignTopic, TheDataLaneSpeaksOfEverythingButTheSystem) {
    EXPECT_FALSE(foreign_topic(log_of(kDataLane), "trades.btc"));
    EXPECT_TRUE(foreign_topic(log_of(kDataLane), "$sys.alert"));
    EXPECT_TRUE(foreign_topic(log_of(kDataLane), "$state"));
    EXPECT_TRUE(foreign_topic(log_of(kDataLane), "$dlq.source"));
}

TEST(ForeignTopic, TheSystemLaneSpeaksOfNothingElse) {
    EXPECT_FALSE(foreign_topic(log_of(kSystemLane), "$sys.gap"));
    EXPECT_FALSE(foreign_topic(log_of(kSystemLane), "$state"));
    EXPECT_FALSE(foreign_topic(log_of(kSystemLane), "$dlq.source"));
    EXPECT_TRUE(foreign_topic(log_of(kSystemLane), "trades.btc"));
}

TEST(ForeignTopic, FiguresOfANodeAreItsOwn) {
    EXPECT_FALSE(foreign_topic(log_of(kSystemLane), "$sys.stats." + node_of(1).text()));
    EXPECT_TRUE(foreign_topic(log_of(kSystemLane), "$sys.stats." + node_of(2).text()));
    EXPECT_TRUE(foreign_topic(log_of(kSystemLane), "$sys.stats."));
}

}  // namespace
}  // namespace anode
