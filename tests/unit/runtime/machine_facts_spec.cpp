#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>

#include "runtime/clock.hpp"
#include "runtime/limits.hpp"
#include "runtime/random.hpp"
#include "runtime/signals.hpp"
#include "runtime/system_secrets.hpp"
#include "support/loop_fixture.hpp"

namespace anode {
namespace {

TEST(ClockSpec, NeverRunsBackwardsAndIsOfThisCentury) {
    Instant last = monotonic_now();
    for (int i = 0; i < 1000; ++i) {
        const Instant now = monotonic_now();
        ASSERT_GE(now, last);
        last = now;
    }
    EXPECT_GT(wall_now(), WallTime{1'577'836'800'000'000});  // 2020
}

TEST(RandomSpec, GivesOtherBytesEachTime) {
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(os_random_u64());
    EXPECT_EQ(seen.size(), 1000u);
}

TEST(LimitsSpec, RaisesTheDescriptorLimitAsFarAsItMay) {
    const FdLimit limit = raise_fd_limit(4096);
    EXPECT_GE(limit.soft, std::min<std::uint64_t>(4096, limit.hard));
    EXPECT_EQ(limit.raised, limit.soft >= 4096);
    EXPECT_FALSE(raise_fd_limit(UINT64_MAX - 1).raised);
}

TEST(LimitsSpec, CountsDescriptorsMemoryAndCores) {
    const std::uint64_t before = open_fds();
    const int fd = ::dup(STDERR_FILENO);
    EXPECT_EQ(open_fds(), before + 1);
    ::close(fd);
    EXPECT_GT(resident_bytes(), std::uint64_t{1} << 20);
    EXPECT_GT(memory_limit().bytes, resident_bytes());
    EXPECT_GT(cpu_limit(), 0);
}

TEST(LimitsSpec, KnowsTheAddressesOfThisMachine) {
    const auto addresses = interface_addresses();
    EXPECT_THAT(addresses, testing::Contains(*IpAddress::parse("127.0.0.1")));
}

TEST(SignalsSpec, TurnsASignalIntoACallOnTheLoop) {
    sigset_t before;
    pthread_sigmask(SIG_SETMASK, nullptr, &before);
    {
        Loop loop;
        support::Facts facts;
        std::vector<int> seen;
        bool on_thread = false;
        auto signals = Signals::start(loop, [&](int signal) {
            facts.change([&] {
                seen.push_back(signal);
                on_thread = loop.on_thread();
            });
        });
        ASSERT_TRUE(signals);
        loop.start();
        for (const int signal : {SIGHUP, SIGTERM, SIGUSR2}) {
            ::kill(::getpid(), signal);
            EXPECT_TRUE(facts.wait([&] { return !seen.empty() && seen.back() == signal; }));
        }
        EXPECT_TRUE(on_thread);
        loop.stop();
        loop.join();
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(SystemSecretsSpec, ReadsTheEnvironmentAndFilesWithoutTheirLineEnd) {
    using From = source::SecretRef::From;
    const SystemSecrets secrets;
    ::setenv("ANODE_SPEC_SECRET", "s3cret", 1);
    EXPECT_EQ(secrets.value({From::Env, "ANODE_SPEC_SECRET"}).value(), "s3cret");
    EXPECT_EQ(secrets.value({From::Env, "ANODE_SPEC_NONE"}).error().code, Errc::NotFound);
    const std::string path = testing::TempDir() + "anode-secret-" + std::to_string(::getpid());
    std::ofstream(path) << "from file\r\n";
    EXPECT_EQ(secrets.value({From::File, path}).value(), "from file");
    std::ofstream(path) << std::string(70'000, 'x');
    EXPECT_EQ(secrets.value({From::File, path}).error().code, Errc::TooLarge);
    ::unlink(path.c_str());
    EXPECT_EQ(secrets.value({From::File, path}).error().code, Errc::NotFound);
}

}  // namespace
}  // namespace anode
