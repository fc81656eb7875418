#include <cstdint>
#include <map>

#include "core/ownership/frames.hpp"
#include "core/ownership/ownership.hpp"
#include "peer_seeds.hpp"

/// Hand-overs and claims of a hostile peer: frames 50 to 52 and the shared records. What is read encodes to something that reads
/// the same. A whole Ownership, with sources of its own and of the peer, never runs what it has not claimed, and answers with
/// frames that can be read.
namespace {

using namespace anode;
using namespace anode::ownership;

constexpr std::uint8_t kClaim = 0, kTime = 1, kStopped = 2,
                       kNode = 3;  ///< pieces beside the frames
const std::string kSources[] = {"a", "b", "c"};

NodeId node_of(std::uint8_t number) {
    NodeId id;
    id.bytes[0] = number;
    return id;
}

const std::vector<Bytes>& seeds() {
    static const std::vector<Bytes> all = [] {
        std::vector<Bytes> made;
        for (const std::string& source : kSources)
            for (const std::uint8_t type : {frames::kRequest, frames::kReady, frames::kRelease})
                made.push_back(fuzz::piece(type, encode(frames::HandOver{source, 1, true, "p"})));
        for (const std::uint8_t owner : {2, 5}) {
            Bytes claim = "a";
            claim += Claim{"a", node_of(owner), Epoch{100}, 7, owner == 2}.encode();
            made.push_back(fuzz::piece(kClaim, claim));
        }
        made.push_back(fuzz::piece(kTime, "\x05"));
        made.push_back(fuzz::piece(kStopped, "a"));
        made.push_back(fuzz::piece(kNode, std::string_view("\2", 1)));
        return made;
    }();
    return all;
}

void check_frame(BytesView body) {
    const auto frame = frames::decode(body);
    if (!frame) return;
    const Bytes once = encode(*frame);
    const auto again = frames::decode(once);
    ANODE_ASSERT(again && encode(*again) == once);
}

class World {
public:
    World() : machine_(node_of(5), Epoch{100}, "", Rng(1)) {
        Sources sources;
        for (const std::string& name : kSources) sources.all.push_back({name, true, {}, "", false});
        give(sources);
        see(Standing::Alive);
        give(WarmedUp{});
    }

    void take(const fuzz::Piece& piece) {
        switch (piece.what) {
            case kClaim:
                return claim(piece.body);
            case kTime:
                now_ += piece.body.empty() ? 1s : static_cast<unsigned char>(piece.body[0]) * 1s;
                return give(Tick{});
            case kStopped:
                return give(Stopped{std::string(piece.body.substr(0, 1)), "p"});
            case kNode:
                return see(static_cast<Standing>(
                    piece.body.empty() ? 0 : static_cast<unsigned char>(piece.body[0]) % 4));
            default:
                check_frame(piece.body);
                return give(FromPeer{node_of(2), piece.what, piece.body});
        }
    }

private:
    void see(Standing standing) {
        give(NodeSeen{{node_of(2), Epoch{100}, "", 100, false, standing}});
    }

    void claim(BytesView body) {
        if (body.empty()) return;
        const std::string source(body.substr(0, 1));
        const auto read = Claim::decode(source, body.substr(1));
        if (!read) return;
        const auto again = Claim::decode(source, read->encode());
        ANODE_ASSERT(again && again->encode() == read->encode());
        give(Claimed{*read});
    }

    void give(const Input& input) {
        std::vector<Output> out;
        machine_.handle(input, now_, out);
        ANODE_ASSERT(out.size() < 100);
        for (const Output& output : out) {
            if (const auto* run = std::get_if<Run>(&output)) {
                ANODE_ASSERT(std::ranges::count(kSources, run->source) == 1);
                const auto view = machine_.view(run->source);
                ANODE_ASSERT(view.owner == node_of(5));
            } else if (const auto* send = std::get_if<SendPeer>(&output)) {
                ANODE_ASSERT(frames::decode(send->body).has_value());
            } else if (const auto* stop = std::get_if<Stop>(&output)) {
                ANODE_ASSERT(std::ranges::count(kSources, stop->source) == 1);
            }
        }
        // What we write comes back to us, as the small state does it.
        for (Output& output : out)
            if (const auto* propose = std::get_if<Propose>(&output)) {
                if (++proposed_ < 1000) give(Claimed{propose->claim});
            }
    }

    Ownership machine_;
    Instant now_{1h};
    unsigned proposed_ = 0;
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned random) {
    return fuzz::insert_seed(seeds(), data, size, size_max, random, LLVMFuzzerMutate);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    World world;
    for (const auto& piece : fuzz::pieces_of(data, size)) world.take(piece);
    return 0;
}
