#include "app/node.hpp"

#include "unit/app/stage.hpp"

namespace anode::app {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

class NodeFaceSpec : public testing::Test {
protected:
    NodeFaceSpec() : run(store), ledger(*run.engine, "n-1") {
        file = directory.file("anode.toml", "node.zone = \"fra\"\n");
        const Config::From from{.file = file};
        face = std::make_unique<NodeFace>(api::NodeFacts{.id_text = "n-1"}, *Config::load(from),
                                          from, store, ledger, *run.engine);
        face->set_hooks({.drain = [this](bool on) { drains.push_back(on); },
                         .shutdown = [] {},
                         .apply = [this](const Config& next) { applied = next.text("node.zone"); },
                         .loops = {&run.loop},
                         .cluster = [this] { return cluster; }});
    }
    api::Outcome<Bytes> reloads() {
        Awaited<api::Outcome<Bytes>> answer;
        face->reload("me", answer.reply());
        return answer.get();
    }
    std::string status_of(std::string_view name) {
        for (const api::Check& check : face->health())
            if (check.name == name) return check.status;
        return "absent";
    }
    TempDirectory directory;
    std::string file;
    ScriptedStore store;
    RunningEngine run;
    Ledger ledger;
    std::unique_ptr<NodeFace> face;
    std::vector<bool> drains;
    std::string applied;
    api::Check cluster{"cluster", "ok", "", 0};
};

TEST_F(NodeFaceSpec, ItIsReadyOnceStartedAndNotWhileItDrains) {
    EXPECT_FALSE(face->ready());
    face->set_started();
    EXPECT_TRUE(face->ready());
    face->drain(true, "me");
    face->drain(true, "me");
    EXPECT_FALSE(face->ready());
    EXPECT_TRUE(face->draining());
    face->drain(false, "me");
    EXPECT_TRUE(face->ready());
    EXPECT_THAT(drains, ElementsAre(true, false)) << "told once each";
}

TEST_F(NodeFaceSpec, ItIsNotReadyBeforeItHasJoinedItsCluster) {
    face->set_started();
    cluster.status = "fail";
    EXPECT_FALSE(face->ready());
    cluster.status = "warn";
    EXPECT_TRUE(face->ready()) << "who has joined and is alone goes on serving";
}

TEST_F(NodeFaceSpec, HealthTellsAFullDiskAndPressure) {
    EXPECT_THAT(face->health(), Each(Field(&api::Check::status, "ok")));
    store.full = true;
    EXPECT_EQ(status_of("store"), "warn");
    on_loop(run.loop, [&] { run.engine->shed(true); });
    EXPECT_EQ(status_of("intake"), "warn");
}

TEST_F(NodeFaceSpec, AReloadAppliesWhatChangedAndNamesWhatWaits) {
    directory.file("anode.toml", "node.zone = \"ams\"\nlog.level = \"warn\"\n");
    const auto told = reloads();
    ASSERT_TRUE(told.has_value());
    EXPECT_EQ(*told, R"({"reloaded":true,"changed":["log.level","node.zone"],)"
                     R"("restart_required":["node.zone"]})");
    EXPECT_EQ(applied, "ams");
    EXPECT_THAT(*reloads(), AllOf(HasSubstr(R"("changed":[])"),
                                  HasSubstr(R"("restart_required":["node.zone"])")))
        << "it waits until the restart";
    EXPECT_THAT(run.metrics.prometheus(),
                AllOf(HasSubstr("anode_config_restart_required 1\n"),
                      HasSubstr("anode_config_reloads_total{result=\"applied\"} 2\n")));
}

TEST_F(NodeFaceSpec, ABadFileLeavesTheRunningConfiguration) {
    directory.file("anode.toml", "node.zone = 7\nnode.nmae = \"x\"\n");
    const auto told = reloads();
    ASSERT_FALSE(told.has_value());
    EXPECT_EQ(told.error().why, api::Failure::Why::Invalid);
    EXPECT_THAT(told.error().errors, Contains(Field(&api::ObjectError::pointer, "/node/zone")));
    EXPECT_THAT(told.error().detail, HasSubstr("did you mean `name`?"));
    EXPECT_EQ(applied, "");
    EXPECT_THAT(face->config(), HasSubstr(R"("value":"fra")"));
}

TEST_F(NodeFaceSpec, ATextIsCheckedWithoutBeingApplied) {
    const auto good = face->check_config("node.zone = \"lon\"\n");
    ASSERT_TRUE(good.has_value());
    EXPECT_EQ(*good, R"({"valid":true,"changed":["node.zone"]})");
    EXPECT_FALSE(face->check_config("node.zone = ").has_value());
    EXPECT_EQ(applied, "");
}

TEST_F(NodeFaceSpec, AGapHasAnIdOfItsOwn) {
    const std::string first = face->record_gap("listener", "slow", R"("lost":3)");
    EXPECT_THAT(first, testing::StartsWith("g-"));
    EXPECT_NE(face->record_gap("listener", "slow", {}), first);
}

}  // namespace
}  // namespace anode::app
