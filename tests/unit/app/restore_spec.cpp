#include "app/restore.hpp"

#include "app/identity.hpp"
#include "unit/app/stage.hpp"

namespace anode::app {
namespace {

using testing::SizeIs;

class RestoreSpec : public testing::Test {
protected:
    RestoreSpec() {
        StoreOptions options;
        options.directory = directory.path() + "/store";
        options.min_free_fraction = 0;
        store = std::move(*Store::open(options));
        run = std::make_unique<RunningEngine>(*store);
    }
    void takes(std::string_view source, std::uint64_t cid, std::string_view position) {
        on_loop(run->loop, [&] {
            Draft draft;
            draft.topic = "a.b";
            draft.source = source;
            draft.payload = "1";
            if (cid != 0) draft.cid = Hash128{cid, cid};
            draft.source_position = position;
            run->engine->take(draft);
        });
    }
    void is_stored() { run->engine->stop(); }

    TempDirectory directory;
    std::unique_ptr<Store> store;
    std::unique_ptr<RunningEngine> run;
};

TEST_F(RestoreSpec, SourcesGoOnWhereTheyStood) {
    takes("okx", 1, "p1");
    takes("okx", 2, "p2");
    takes("binance", 3, {});
    takes("api", 0, {});
    is_stored();
    const auto restored = restore_sources(*store, 0);
    EXPECT_THAT(restored, SizeIs(2));
    EXPECT_EQ(restored.at("okx").position, "p2");
    EXPECT_THAT(restored.at("okx").seen, SizeIs(2));
    EXPECT_THAT(restored.at("binance").seen, SizeIs(1));
}

TEST_F(RestoreSpec, IdsBeforeTheWindowAreLeftOut) {
    takes("okx", 1, "p1");
    is_stored();
    const auto restored = restore_sources(
        *store, on_loop(run->loop, [&] { return run->loop.now().wall; }) + 60'000'000);
    if (const auto found = restored.find("okx"); found != restored.end())
        EXPECT_THAT(found->second.seen, SizeIs(0));
}

TEST_F(RestoreSpec, ARecordTellsThePositionWhenNoBlockDoes) {
    ASSERT_TRUE(store->put({{"position", "quiet", Bytes("p9")}}).has_value());
    EXPECT_EQ(restore_sources(*store, 0).at("quiet").position, "p9");
}

TEST_F(RestoreSpec, ACutShortReadNeverSetsAPositionBack) {
    takes("okx", 1, "p1");
    on_loop(run->loop, [&] { run->engine->ride_along({"position", "okx", Bytes("p2")}); });
    takes("okx", 2, "p2");
    is_stored();
    EXPECT_EQ(restore_sources(*store, 0, 0).at("okx").position, "p2");
}

TEST(IdentitySpec, ANodeKeepsItsIdAndEveryRunIsLater) {
    TempDirectory directory;
    StoreOptions options;
    options.directory = directory.path() + "/store";
    options.min_free_fraction = 0;
    const auto store = std::move(*Store::open(options));
    const auto first = begin_run(*store, directory.path(), 1'700'000'000'000'000);
    const auto second = begin_run(*store, directory.path(), 1'600'000'000'000'000);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->node, second->node);
    EXPECT_GT(second->epoch, first->epoch) << "though the clock went back";
    std::ifstream file(directory.path() + "/node-id");
    std::string written;
    file >> written;
    EXPECT_EQ(written, first->node.text());
}

TEST(IdentitySpec, TheBootstrapTokenIsPrivateAndStays) {
    TempDirectory directory;
    directory.file("bootstrap-token.new", "left behind");
    const auto token = bootstrap_token(directory.path());
    ASSERT_TRUE(token.has_value());
    EXPECT_THAT(*token, SizeIs(3 + 10 + 1 + 43));
    EXPECT_EQ(token->substr(0, 3) + token->at(13), "an__");
    EXPECT_EQ(std::filesystem::status(directory.path() + "/bootstrap-token").permissions() &
                  std::filesystem::perms::mask,
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_EQ(*bootstrap_token(directory.path()), *token);
    EXPECT_FALSE(bootstrap_token(directory.path() + "/nowhere").has_value());
    EXPECT_EQ(token_digest("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace anode::app
