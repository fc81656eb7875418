#include "app/cluster/options.hpp"

#include "unit/app/stage.hpp"

namespace anode::app {
namespace {

using membership::Address;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kRing =
    R"({"keys":["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="],"primary":0})";

/// Words a secret may be kept under.
class FakeSecrets final : public source::Secrets {
public:
    Result<std::string> value(const source::SecretRef& reference) const override {
        const auto found = kept.find(reference.name);
        if (found == kept.end()) return fail(Errc::NotFound, reference.name + " is not there");
        return found->second;
    }
    std::map<std::string, std::string> kept;
};

Config config_of(std::string_view toml) {
    auto config = Config::from_text(toml, "test.toml");
    if (!config) throw std::runtime_error(config.error().front().detail);
    return std::move(*config);
}

std::string complaint_about(std::string_view toml) {
    const auto config = Config::from_text(toml, "test.toml");
    if (config) return "none";
    const ConfigComplaint& first = config.error().front();
    return first.place + ": " + first.key + ": " + first.detail;
}

// -- what the configuration says --------------------------------------------------------------------

TEST(GossipOptionsSpec, AMemberIsKnownByItsIdAndKeepsItsClusterApart) {
    Identity identity;
    identity.node.bytes.fill(3);
    identity.incarnation = 77;
    const GossipOptions options = gossip_options(
        config_of("[gossip]\ncluster = 'prod'\njoin = ['a', 'b:1']\nlisten = '127.0.0.1:0'\n"
                  "advertise = '10.0.0.1:7000'\ndelegate_versions = '2.5.4'\nprofile = 'local'\n"),
        identity, {});
    EXPECT_EQ(options.config.name, identity.node.text());
    EXPECT_EQ(options.config.label, "prod");
    EXPECT_THAT(options.config.contacts, ElementsAre("a", "b:1"));
    EXPECT_THAT(options.config.delegate_versions, ElementsAre(2, 5, 4));
    EXPECT_EQ(options.config.first_incarnation, 77u);
    EXPECT_EQ(options.config.timing.probe_timeout, membership::Timing::local().probe_timeout);
    EXPECT_EQ(options.listen, "127.0.0.1:0");
    EXPECT_EQ(options.advertise, "10.0.0.1:7000");
}

TEST(GossipOptionsSpec, ClearTextIsSpokenOnLoopbackOnlyUnlessItIsAskedFor) {
    EXPECT_THAT(complaint_about("[gossip]\nlisten = '0.0.0.0:7946'\n"),
                AllOf(HasSubstr("test.toml:2:"), HasSubstr("gossip.listen"), HasSubstr("keyring"),
                      HasSubstr("insecure")));
    EXPECT_EQ(complaint_about("[gossip]\nlisten = '0.0.0.0:7946'\ninsecure = true\n"), "none");
    EXPECT_EQ(complaint_about("[gossip]\nlisten = '0.0.0.0:7946'\nkeyring = { env = 'K' }\n"),
              "none");
    EXPECT_EQ(complaint_about("[gossip]\nlisten = '[::1]:0'\n"), "none");
}

TEST(GossipOptionsSpec, VersionsAreThreeNumbersInOrder) {
    for (const char* wrong : {"", "2.5", "2.5.4.1", "2.5.6", "3.5.2", "a.b.c", "2.256.4"})
        EXPECT_THAT(complaint_about("[gossip]\ndelegate_versions = '" + std::string(wrong) + "'\n"),
                    HasSubstr("gossip.delegate_versions"))
            << wrong;
    EXPECT_THAT(complaint_about("[gossip]\ncluster = '" + std::string(256, 'x') + "'\n"),
                HasSubstr("gossip.cluster"));
}

TEST(GossipOptionsSpec, OthersAreToldAnAddressTheyCanUse) {
    const Address here = Address::v4(127, 0, 0, 1, 7946), there = Address::v4(10, 0, 0, 5, 7946);
    const Config plain = config_of("");
    EXPECT_EQ(url_for_others(plain, {"127.0.0.1:7945"}, here), "http://127.0.0.1:7945");
    EXPECT_EQ(url_for_others(plain, {"127.0.0.1:7945"}, there), "") << "they cannot reach it";
    EXPECT_EQ(url_for_others(plain, {"127.0.0.1:7945", "10.0.0.5:80"}, there),
              "http://10.0.0.5:80");
    EXPECT_EQ(url_for_others(plain, {"0.0.0.0:7945"}, there), "http://10.0.0.5:7945");
    EXPECT_EQ(url_for_others(config_of("[http]\npublic_url = 'https://hub.example.org'\n"),
                             {"127.0.0.1:7945"}, there),
              "https://hub.example.org");
}

// -- the key ring ------------------------------------------------------------------------------------

class KeyFileSpec : public testing::Test {
protected:
    Result<KeyFile> reads(std::string_view reference) {
        const std::string toml = "[gossip]\nkeyring = " + std::string(reference) + "\n";
        return KeyFile::read(config_of(toml), secrets);
    }
    FakeSecrets secrets;
};

TEST_F(KeyFileSpec, WithoutOneTheRingIsEmpty) {
    const auto none = KeyFile::read(config_of(""), secrets);
    ASSERT_TRUE(none.has_value());
    EXPECT_TRUE(none->ring.empty());
    EXPECT_EQ(none->path, "");
}

TEST_F(KeyFileSpec, ARingOfAFileIsWrittenBackThereAndOneOfTheEnvironmentIsNot) {
    secrets.kept = {{"/k", std::string(kRing)}, {"RING", std::string(kRing)}};
    const auto file = reads("{ file = '/k' }");
    ASSERT_TRUE(file.has_value());
    EXPECT_EQ(file->ring.size(), 1u);
    EXPECT_EQ(file->path, "/k");
    EXPECT_EQ(reads("{ env = 'RING' }")->path, "");
}

TEST_F(KeyFileSpec, ARingThatCannotBeReadNamesTheKeyAndShowsNothingOfIt) {
    secrets.kept = {{"/none", R"({"keys":[],"primary":0})"}, {"/bad", R"({"keys":["hunter2"]})"}};
    for (const char* reference :
         {"{ file = '/absent' }", "{ file = '/none' }", "{ file = '/bad' }"}) {
        const auto read = reads(reference);
        ASSERT_FALSE(read.has_value()) << reference;
        EXPECT_THAT(read.error().what, HasSubstr("gossip.keyring")) << reference;
        EXPECT_THAT(read.error().what, testing::Not(HasSubstr("hunter2")));
    }
}

TEST_F(KeyFileSpec, WhatIsWrittenIsReadByNobodyElse) {
    const TempDirectory directory;
    const std::string path = directory.file("ring.json", "old");
    secrets.kept["/k"] = kRing;
    ASSERT_TRUE(KeyFile::write(path, reads("{ file = '/k' }")->ring).has_value());
    std::ifstream in(path);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(membership::parse_key_ring(text)->size(), 1u);
    using std::filesystem::perms;
    EXPECT_EQ(std::filesystem::status(path).permissions(), perms::owner_read | perms::owner_write);
    EXPECT_FALSE(KeyFile::write(directory.path() + "/no/ring.json", {}).has_value());
}

}  // namespace
}  // namespace anode::app
