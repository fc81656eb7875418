#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <set>

#include "support.hpp"

/// A process that is killed while it writes loses nothing that it acknowledged.
namespace anode::store_spec {
namespace {

constexpr const char* kDirectory = "ANODE_CRASH_DIRECTORY";
constexpr const char* kPipe = "ANODE_CRASH_PIPE";
constexpr int kMessagesPerBlock = 20;

std::string payload_for(Arrival arrival) { return "p" + std::to_string(arrival.value); }

/// Not a spec: the process that ACrash kills. It writes for ever and reports what is on the disk.
TEST(CrashChild, DISABLED_WritesUntilKilled) {
    const char* path = std::getenv(kDirectory);
    const char* pipe_text = std::getenv(kPipe);
    ASSERT_TRUE(path != nullptr && pipe_text != nullptr);
    const int pipe = std::atoi(pipe_text);
    auto opened = Store::open({.directory = path, .min_free_fraction = 0});
    ASSERT_TRUE(opened) << opened.error().what;
    Store& store = **opened;
    BlockSource source;
    source.starts_at(store.first_free(), kNoon);
    for (;;) {
        std::vector<Message> messages;
        for (int i = 0; i < kMessagesPerBlock; ++i) {
            const Arrival arrival = source.next().plus(static_cast<std::uint64_t>(i));
            messages.push_back({"t." + std::to_string(arrival.value % 7), payload_for(arrival)});
        }
        const BlockPtr block = source.block(messages);
        const std::uint64_t last = block->last_arrival().value;
        Append append{.blocks = {block}, .records = {{"position", "last", std::to_string(last)}}};
        if (!store.append(std::move(append), [pipe, last](const Result<void>& done) {
                if (done && ::write(pipe, &last, sizeof last) != sizeof last) ::_exit(1);
            })) {
            ASSERT_TRUE(store.flush());
        }
    }
}

class CrashSpec : public ::testing::Test {
protected:
    /// Runs the writer until it has acknowledged so many blocks more, kills it and returns the last
    /// arrival acknowledged.
    std::uint64_t kills_a_writer_after(int blocks) {
        int ends[2];
        EXPECT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(ends[0]);
            ::setenv(kDirectory, directory.path().c_str(), 1);
            ::setenv(kPipe, std::to_string(ends[1]).c_str(), 1);
            const int quiet = ::open("/dev/null", O_WRONLY);
            ::dup2(quiet, STDOUT_FILENO);
            ::execl("/proc/self/exe", "spec_store", "--gtest_also_run_disabled_tests",
                    "--gtest_filter=CrashChild.*", nullptr);
            ::_exit(127);
        }
        ::close(ends[1]);
        std::uint64_t last = 0;
        std::uint64_t told = 0;
        for (int i = 0; i < blocks && read_one(ends[0], told); ++i) last = told;
        ::kill(child, SIGKILL);
        while (read_one(ends[0], told)) last = told;
        ::close(ends[0]);
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
        return last;
    }
    static bool read_one(int pipe, std::uint64_t& value) {
        return ::read(pipe, &value, sizeof value) == sizeof value;
    }

    TempDirectory directory;
};

TEST_F(CrashSpec, EverythingAcknowledgedIsThereAfterAKill) {
    std::set<std::uint64_t> runs;
    std::uint64_t messages = 0;
    for (const int blocks : {1, 37, 600, 5, 1500}) {
        const std::uint64_t last = kills_a_writer_after(blocks);
        ASSERT_GT(last, 0U);
        auto opened = Store::open({.directory = directory.path(), .min_free_fraction = 0});
        ASSERT_TRUE(opened) << opened.error().what;
        const Store& store = **opened;
        const std::uint64_t first = Arrival{last}.run() << Arrival::kRunShift;
        EXPECT_TRUE(runs.insert(Arrival{last}.run()).second) << "a run was used twice";
        EXPECT_GT(store.first_free().value, last);

        Query query;
        query.topics = patterns("t.*");
        const auto scan = store.scan(query);
        std::vector<Found> found;
        while (*scan->next(found, 10'000, 1 << 20)) {
        }
        std::uint64_t of_run = 0;
        std::uint64_t highest = 0;
        for (const auto& one : found) {
            const Entry entry = one.block->entry(one.index);
            ASSERT_EQ(entry.payload, payload_for(entry.arrival));
            if (entry.arrival.value < first) continue;
            ASSERT_EQ(entry.arrival.value, first + of_run) << "a hole";
            highest = entry.arrival.value;
            ++of_run;
        }
        EXPECT_GE(highest, last);
        EXPECT_EQ(store.record("position", "last"), std::to_string(highest)) << "half an append";
        EXPECT_GE(found.size(), messages);
        messages = found.size();
        std::uint64_t counted = 0;
        for (const auto& topic : store.topics("", "", 100)) counted += topic.messages;
        EXPECT_EQ(counted, messages);
    }
}

}  // namespace
}  // namespace anode::store_spec
