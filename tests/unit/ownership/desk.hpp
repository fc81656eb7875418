#pragma once

#include <memory>

#include "core/ownership/claim.hpp"
#include "core/ownership/frames.hpp"
#include "core/ownership/ownership.hpp"

namespace anode::ownership::test {

inline NodeId node_of(std::uint8_t number) {
    NodeId id;
    id.bytes.fill(number);
    return id;
}
inline constexpr Epoch kEpoch{100};

inline NodeFacts facts_of(std::uint8_t number, Standing standing = Standing::Alive,
                          Epoch epoch = kEpoch) {
    return {node_of(number), epoch, "", 100, false, standing};
}
inline SourceFacts source(std::string name) {
    SourceFacts facts;
    facts.name = std::move(name);
    return facts;
}
inline Claim claim_of(std::string name, std::uint8_t owner, std::uint64_t term,
                      bool released = false, Epoch epoch = kEpoch) {
    return {std::move(name), node_of(owner), epoch, term, released};
}

/// A name whose best candidate of the nodes 1..count is `best`, so that tests can speak of ranks.
inline std::string name_for(std::uint8_t best, std::uint8_t count) {
    for (int i = 0;; ++i) {
        const std::string name = "s" + std::to_string(i);
        bool first = true;
        for (std::uint8_t other = 1; other <= count; ++other)
            first = first && (other == best || rendezvous_score(name, node_of(best), 100) >
                                                   rendezvous_score(name, node_of(other), 100));
        if (first) return name;
    }
}

/// Node 1 under test. What it asks for is kept until forgotten; proposals come back as claims if `echo`.
struct Desk : ::testing::Test {
    using Run = ownership::Run;  // not the private one of Test

    Desk() { start(kEpoch); }
    void start(Epoch epoch) {
        machine = std::make_unique<Ownership>(node_of(1), epoch, "", Rng(1), timing);
        run = epoch;
    }
    void give(const Input& input) {
        std::vector<Output> fresh;
        machine->handle(input, now, fresh);
        std::vector<Claim> echoes;
        for (Output& each : fresh) {
            if (const auto* proposed = std::get_if<Propose>(&each); proposed && echo)
                echoes.push_back(proposed->claim);
            out.push_back(std::move(each));
        }
        for (Claim& claim : echoes) give(Claimed{std::move(claim)});
    }
    void passes(Duration time) {
        const Instant end = now + time;
        while (machine->due() <= end) {
            now = std::max(now, machine->due());
            give(Tick{});
        }
        now = end;
        give(Tick{});
    }
    void alone() { give(WarmedUp{}); }
    /// The others are here and everybody is warm.
    void with(std::uint8_t count) {
        for (std::uint8_t other = 2; other <= count; ++other) give(NodeSeen{facts_of(other)});
        give(WarmedUp{});
    }
    void frame(std::uint8_t from, std::uint8_t type, const std::string& name, std::uint64_t term,
               bool granted = true, std::string_view position = {}) {
        give(FromPeer{node_of(from), type, frames::encode({name, term, granted, position})});
    }
    template <class Want>
    std::vector<Want> seen() const {
        std::vector<Want> found;
        for (const Output& each : out)
            if (const auto* wanted = std::get_if<Want>(&each)) found.push_back(*wanted);
        return found;
    }
    std::vector<std::uint8_t> sent() const {
        std::vector<std::uint8_t> types;
        for (const SendPeer& each : seen<SendPeer>()) types.push_back(each.type);
        return types;
    }
    void forget() { out.clear(); }
    Ownership::Role role(const std::string& name) const { return machine->view(name).role; }

    Timing timing;
    std::unique_ptr<Ownership> machine;
    Epoch run;
    Instant now{1h};
    std::vector<Output> out;
    bool echo = true;
};

}  // namespace anode::ownership::test
