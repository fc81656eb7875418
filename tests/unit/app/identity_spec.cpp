#include "app/identity.hpp"

#include "unit/app/stage.hpp"

namespace anode::app {
namespace {

constexpr WallTime kSecond = 1'000'000;
constexpr WallTime kNoon = 1'790'000'000 * kSecond;

class IdentityOfRunsSpec : public testing::Test {
protected:
    Identity begins(WallTime now) {
        StoreOptions options;
        options.directory = directory.path() + "/store";
        options.min_free_fraction = 0;
        auto store = Store::open(options);
        if (!store) throw std::runtime_error(store.error().what);
        auto identity = begin_run(**store, directory.path(), now);
        if (!identity) throw std::runtime_error(identity.error().what);
        return *identity;
    }
    TempDirectory directory;
};

TEST_F(IdentityOfRunsSpec, ANodeKeepsItsIdAndItsNumbersRiseWithEveryRun) {
    const Identity first = begins(kNoon), second = begins(kNoon + kSecond);
    EXPECT_EQ(first.node, second.node);
    EXPECT_GT(second.epoch, first.epoch);
    EXPECT_GT(second.incarnation, first.incarnation);
    std::ifstream in(directory.path() + "/node-id");
    std::string text;
    in >> text;
    EXPECT_EQ(text, first.node.text());
}

TEST_F(IdentityOfRunsSpec, AClockThatWentBackDoesNotBringOldNumbersBack) {
    const Identity first = begins(kNoon);
    for (const WallTime now : {kNoon - 3600 * kSecond, WallTime{0}}) {
        const Identity later = begins(now);
        EXPECT_GT(later.epoch, first.epoch);
        EXPECT_GT(later.incarnation, first.incarnation);
    }
}

}  // namespace
}  // namespace anode::app
