#include <gmock/gmock.h>
#include <sys/mount.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "support.hpp"

/// Flipped bits and full disks: loud, bounded, and over when the cause is.
namespace anode::store_spec {
namespace {

namespace fs = std::filesystem;

class DamageSpec : public StoreSpec {
protected:
    static constexpr int kBlocks = 1200;

    void SetUp() override {
        StoreSpec::SetUp();
        for (int i = 0; i < kBlocks; ++i) {
            std::vector<Message> messages;
            for (int n = 0; n < 5; ++n) {
                const std::uint64_t arrival = source.next().value + static_cast<unsigned>(n);
                messages.push_back({"t." + std::to_string(n), payload_for(arrival)});
            }
            ASSERT_TRUE(store->append({.blocks = {source.block(messages)}, .records = {}}, {}));
            if (i % 10 == 9) {
                ASSERT_TRUE(store->flush());  // so that the journal holds several records
            }
        }
        ASSERT_TRUE(store->flush());
    }
    static std::string payload_for(std::uint64_t arrival) {
        return std::to_string(arrival) + std::string(200, 'a' + static_cast<char>(arrival % 26));
    }
    std::vector<fs::path> files(const std::string& extension) const {
        std::vector<fs::path> all;
        for (const auto& entry : fs::directory_iterator(directory.path() + "/rocksdb")) {
            if (entry.path().extension() == extension) all.push_back(entry.path());
        }
        return all;
    }
    static void flips_bytes_in_the_middle_of(const fs::path& path) {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        const auto middle = static_cast<std::streamoff>(fs::file_size(path) / 2);
        char bytes[8];
        file.seekg(middle).read(bytes, sizeof bytes);
        for (char& byte : bytes) byte = static_cast<char>(~byte);
        file.seekp(middle).write(bytes, sizeof bytes);
    }
    /// Reads everything and checks that what is served is right.
    std::size_t serves_only_what_is_right(std::string_view topics) {
        const auto found = finds({.topics = patterns(topics)});
        for (const auto& one : found) {
            const Entry entry = one.block->entry(one.index);
            EXPECT_EQ(entry.payload, payload_for(entry.arrival.value));
        }
        return found.size();
    }
};

TEST_F(DamageSpec, ADamagedBlockIsCountedSkippedAndToldAsAGap) {
    store.reset();
    const auto tables = files(".sst");
    const auto largest = *std::ranges::max_element(
        tables, {}, [](const fs::path& path) { return fs::file_size(path); });
    flips_bytes_in_the_middle_of(largest);
    opens();
    const std::size_t served = serves_only_what_is_right(">");
    EXPECT_LT(served, kBlocks * 5U);
    EXPECT_GT(served, kBlocks * 4U);
    const auto quarantined = store->stats().quarantined;
    EXPECT_GT(quarantined, 0U);
    EXPECT_TRUE(store->removed_since(patterns("t.0"), {}));
    EXPECT_EQ(serves_only_what_is_right(">"), served);
    EXPECT_EQ(store->stats().quarantined, quarantined) << "counted once";
    stores({{"later", "1"}});
    EXPECT_EQ(reads("later").size(), 1U);
}

TEST_F(DamageSpec, DamageInAnyTableIsSurvived) {
    store.reset();
    for (const auto& path : files(".sst")) {
        const std::string whole = path.string() + ".whole";
        fs::copy_file(path, whole);
        flips_bytes_in_the_middle_of(path);
        auto opened = Store::open({.directory = directory.path(), .min_free_fraction = 0});
        if (opened) {
            store = std::move(*opened);
            serves_only_what_is_right(">");
            serves_only_what_is_right("t.3");
            EXPECT_LE(store->topics("", "", 100).size(), 5U);
            store.reset();
        } else {
            EXPECT_NE(opened.error().what.find(directory.path()), std::string::npos);
        }
        if (fs::exists(path)) fs::copy_file(whole, path, fs::copy_options::overwrite_existing);
        fs::remove(whole);
    }
    opens();
}

TEST_F(DamageSpec, DamageInTheJournalIsSurvived) {
    // A copy of the directory as a crash would leave it: all of it still in the journal.
    TempDirectory copy;
    fs::copy(directory.path(), copy.path(),
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    store.reset();
    for (const auto& entry : fs::directory_iterator(copy.path() + "/rocksdb")) {
        if (entry.path().extension() == ".log") flips_bytes_in_the_middle_of(entry.path());
    }
    auto opened = Store::open({.directory = copy.path(), .min_free_fraction = 0});
    ASSERT_TRUE(opened) << opened.error().what;
    store = std::move(*opened);
    const std::size_t served = serves_only_what_is_right(">");
    EXPECT_LT(served, kBlocks * 5U);
    EXPECT_GT(served, 0U);
    EXPECT_GT(store->stats().quarantined, 0U);
    EXPECT_TRUE(store->removed_since(patterns("t.0"), {}));
}

/// A small disk of its own, where the machine lets us make one.
class FullDiskSpec : public StoreSpec {
protected:
    void SetUp() override {
        if (::mount("anode", directory.path().c_str(), "tmpfs", 0, "size=64m") != 0) {
            GTEST_SKIP() << "no right to mount a small disk here";
        }
        mounted = true;
    }
    void TearDown() override {
        store.reset();
        if (mounted) ::umount(directory.path().c_str());
    }
    void opens_with_reserve(double fraction) {
        auto opened =
            Store::open({.directory = directory.path() + "/data", .min_free_fraction = fraction});
        ASSERT_TRUE(opened) << opened.error().what;
        store = std::move(*opened);
        source.starts_at(store->first_free(), kNoon);
    }
    std::string noise() {
        std::string all;
        while (all.size() < 100'000) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            all.append(reinterpret_cast<const char*>(&state), sizeof state);
        }
        return all;
    }
    Result<void> writes_one() {
        const auto done = commits({.blocks = {source.block({{"a", noise()}})}, .records = {}});
        if (done) ++acknowledged;
        return done;
    }
    Result<void> writes_until_refused() {
        for (int i = 0; i < 2000; ++i) {
            if (auto done = writes_one(); !done) return done;
        }
        return {};
    }
    bool writes_again_within(std::chrono::seconds limit) {
        const auto end = std::chrono::steady_clock::now() + limit;
        while (std::chrono::steady_clock::now() < end) {
            if (writes_one()) return true;
            std::this_thread::yield();
        }
        return false;
    }
    std::size_t stored() { return finds({.topics = patterns("a")}).size(); }
    void fills_up_to(std::uint64_t bytes_left) {
        std::ofstream file(directory.path() + "/filler", std::ios::binary);
        const auto space = fs::space(directory.path()).available;
        const std::string chunk(4096, 'x');
        for (std::uint64_t n = bytes_left; n + 4096 < space; n += 4096) file << chunk;
    }
    void frees() { fs::remove(directory.path() + "/filler"); }

    bool mounted = false;
    std::uint64_t state = 1;
    std::size_t acknowledged = 0;
};

TEST_F(FullDiskSpec, BelowTheReserveWritesAreRefusedUntilThereIsRoom) {
    opens_with_reserve(0.25);
    ASSERT_TRUE(writes_one());
    fills_up_to(8 << 20);
    const auto refused = writes_until_refused();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::NoSpace);
    EXPECT_TRUE(store->stats().full);
    EXPECT_EQ(stored(), acknowledged);
    frees();
    EXPECT_TRUE(writes_again_within(std::chrono::seconds(10)));
    EXPECT_FALSE(store->stats().full);
    EXPECT_EQ(stored(), acknowledged);
}

TEST_F(FullDiskSpec, ADiskThatIsReallyFullIsSurvivedAndLeftAgain) {
    opens_with_reserve(0);
    for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(writes_one());
        fills_up_to(1 << 20);
        const auto refused = writes_until_refused();
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::NoSpace) << refused.error().what;
        EXPECT_EQ(stored(), acknowledged);
        frees();
        ASSERT_TRUE(writes_again_within(std::chrono::seconds(10))) << "round " << round;
    }
    store.reset();
    opens_with_reserve(0);
    EXPECT_EQ(stored(), acknowledged);
}

}  // namespace
}  // namespace anode::store_spec
