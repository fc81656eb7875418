#include "runtime/resolver.hpp"

#include <atomic>

#include "support/loop_fixture.hpp"

namespace anode {
namespace {

using source::ErrorClass;
using Addresses = std::vector<IpAddress>;
using testing::ElementsAre;

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

class ResolverSpec : public support::LoopSpec {
protected:
    NetResult<Addresses> ask(const std::string& host, std::uint16_t port = 80) {
        std::promise<NetResult<Addresses>> answer;
        loop.post([&] {
            resolver->resolve(host, port, [&](NetResult<Addresses> result) {
                answer.set_value(std::move(result));
            });
        });
        return answer.get_future().get();
    }
    void serve(ResolverOptions options) { reach({80}, std::move(options)); }

    std::atomic<int> lookups{0};
};

TEST_F(ResolverSpec, AnswersFromTheCacheWhileItIsFresh) {
    ResolverOptions options;
    options.lookup = [&](const std::string&) -> Result<Addresses> {
        ++lookups;
        return Addresses{ip("8.8.8.8")};
    };
    serve(std::move(options));
    for (int i = 0; i < 5; ++i) EXPECT_THAT(ask("feed.test").value(), ElementsAre(ip("8.8.8.8")));
    EXPECT_EQ(lookups, 1);
}

TEST_F(ResolverSpec, KeepsOnlyAddressesThatEgressAllows) {
    serve(
        names_mean({ip("10.0.0.1"), ip("8.8.8.8"), ip("::ffff:127.0.0.1"), ip("169.254.169.254")}));
    EXPECT_THAT(ask("mixed.test").value(), ElementsAre(ip("8.8.8.8")));
}

TEST_F(ResolverSpec, RefusesANameWhoseAddressesAreAllBlocked) {
    serve(names_mean({ip("10.0.0.1"), ip("fd00::1")}));
    const auto answer = ask("inner.test");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorClass::Blocked);
    EXPECT_EQ(answer.error().code, Errc::Refused);
}

TEST_F(ResolverSpec, ChecksTheSecondAnswerOfARebindingNameServerToo) {
    ResolverOptions options;
    options.fresh = 0s;
    options.lookup = [&](const std::string&) -> Result<Addresses> {
        return Addresses{++lookups == 1 ? ip("8.8.8.8") : ip("10.0.0.1")};
    };
    serve(std::move(options));
    EXPECT_THAT(ask("rebind.test").value(), ElementsAre(ip("8.8.8.8")));
    const auto second = ask("rebind.test");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorClass::Blocked);
}

TEST_F(ResolverSpec, TakesAnAddressForItselfWithoutAsking) {
    serve(names_mean({}));
    EXPECT_THAT(ask("127.0.0.1").value(), ElementsAre(ip("127.0.0.1")));
    EXPECT_THAT(ask("::1").value(), ElementsAre(ip("::1")));
    EXPECT_EQ(ask("10.0.0.1").error().kind, ErrorClass::Blocked);
}

TEST_F(ResolverSpec, AnswersFromGraceWhenTheNameServerFails) {
    ResolverOptions options;
    options.fresh = 0s;
    options.failure_fresh = 0s;
    options.lookup = [&](const std::string&) -> Result<Addresses> {
        if (++lookups > 1) return fail(Errc::Io, "server failure");
        return Addresses{ip("8.8.8.8")};
    };
    serve(std::move(options));
    for (int i = 0; i < 3; ++i) EXPECT_THAT(ask("feed.test").value(), ElementsAre(ip("8.8.8.8")));
    EXPECT_EQ(lookups, 3);
    on_loop([&] { EXPECT_EQ(resolver->failing_names(), 1u); });
}

TEST_F(ResolverSpec, TellsAFailureWithoutGrace) {
    ResolverOptions options;
    options.lookup = [&](const std::string&) -> Result<Addresses> {
        ++lookups;
        return fail(Errc::NotFound, "no such name");
    };
    serve(std::move(options));
    EXPECT_EQ(ask("none.test").error().kind, ErrorClass::Dns);
    EXPECT_EQ(ask("none.test").error().kind, ErrorClass::Dns);
    EXPECT_EQ(lookups, 1) << "a failure is remembered for a moment";
}

TEST_F(ResolverSpec, AsksOnceForManyWhoWait) {
    std::promise<void> release;
    auto released = release.get_future().share();
    ResolverOptions options;
    options.lookup = [&](const std::string&) -> Result<Addresses> {
        ++lookups;
        released.wait();
        return Addresses{ip("8.8.8.8")};
    };
    serve(std::move(options));
    support::Facts facts;
    int answers = 0;
    on_loop([&] {
        for (int i = 0; i < 50; ++i)
            resolver->resolve("feed.test", 80, [&](NetResult<Addresses> result) {
                facts.change([&] { answers += result ? 1 : 0; });
            });
    });
    release.set_value();
    EXPECT_TRUE(facts.wait([&] { return answers == 50; }));
    EXPECT_EQ(lookups, 1);
}

TEST_F(ResolverSpec, DoesNotWaitForADeadNameServerAndLetsOthersPass) {
    std::promise<void> release;
    auto released = release.get_future().share();
    ResolverOptions options;
    options.timeout = 20ms;
    options.lookup =
        [released](const std::string& host) -> Result<Addresses> {  // may outlive the test
        if (host == "dead.test") released.wait();
        return Addresses{ip("8.8.8.8")};
    };
    serve(std::move(options));
    EXPECT_EQ(ask("dead.test").error().kind, ErrorClass::Timeout);
    EXPECT_TRUE(ask("well.test"));
    EXPECT_EQ(ask("dead.test").error().kind, ErrorClass::Timeout);
    release.set_value();
}

TEST_F(ResolverSpec, HasABoundForLookupsThatWait) {
    std::promise<void> release;
    auto released = release.get_future().share();
    ResolverOptions options;
    options.threads = 1;
    options.waiting_max = 2;
    options.lookup = [released](const std::string&) -> Result<Addresses> {
        released.wait();
        return Addresses{ip("8.8.8.8")};
    };
    serve(std::move(options));
    support::Facts facts;
    int answers = 0, overflows = 0;
    on_loop([&] {
        for (int i = 0; i < 10; ++i)
            resolver->resolve(
                "n" + std::to_string(i) + ".test", 80, [&](NetResult<Addresses> result) {
                    facts.change([&] {
                        ++answers;
                        overflows += !result && result.error().kind == ErrorClass::Overflow ? 1 : 0;
                    });
                });
    });
    release.set_value();
    ASSERT_TRUE(facts.wait([&] { return answers == 10; }));
    EXPECT_GE(overflows, 7);
}

TEST_F(ResolverSpec, KnowsTheNamesOfThisMachine) {
    reach({80});
    const auto answer = ask("localhost");
    ASSERT_TRUE(answer) << answer.error().what;
    for (const IpAddress& address : *answer) EXPECT_TRUE(address.loopback());
}

}  // namespace
}  // namespace anode
