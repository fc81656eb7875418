#include <cstdint>
#include <map>

#include "core/state/frames.hpp"
#include "core/state/item.hpp"
#include "core/state/state.hpp"
#include "peer_seeds.hpp"

/// The small state of a hostile neighbour: frames 40 to 42, entries of its system lane, and what it does between them. What is
/// read encodes to something that reads the same; a whole State takes it all in and keeps its limits; what it sends and keeps can
/// be read again; and another State that is told the same in another order holds the same.
namespace {

using namespace anode;
using namespace anode::state;

constexpr WallTime kWall = 1'800'000'000'000'000;
constexpr std::uint8_t kEntry = 0, kTick = 1, kAgain = 2;  ///< pieces beside the frames

NodeId node_of(std::uint8_t number) {
    NodeId id;
    id.bytes[0] = number;
    return id;
}

Limits limits() { return {.bytes_max = 64u << 10, .keys_max = 40, .value_max = 1024}; }

Item item_of(std::string key, std::optional<Bytes> value, std::uint64_t ms_ahead = 0) {
    return {"source", std::move(key), std::move(value),
            1,        false,          {Hlc{Hlc::at(kWall).value + (ms_ahead << 16)}, node_of(2)}};
}

const std::vector<Bytes>& seeds() {
    static const std::vector<Bytes> all = [] {
        const Item first = item_of("a", "{}"), gone = item_of("b", std::nullopt);
        const Item future = item_of("c", "{}", 60'000);
        Item revoked = item_of("d", "{}");
        revoked.revoked = true;
        const Item* items[] = {&first, &gone, &future, &revoked};
        frames::Root root{true, {}};
        root.hashes.fill(9);
        frames::Bucket list{false, bucket_of(view(first)), {}, {}, {}};
        list.have.push_back({"source", "a", first.stamp, 5, false});
        frames::Bucket wanted{true, 3, KeyView{"k", "a"}, KeyView{"k", "z"}, {}};
        wanted.have.push_back({"source", "a", {}, 0, false});
        return std::vector<Bytes>{fuzz::piece(frames::kRoot, encode(root)),
                                  fuzz::piece(frames::kBucket, encode(list)),
                                  fuzz::piece(frames::kBucket, encode(wanted)),
                                  fuzz::piece(frames::kDelta, frames::encode_delta(items)),
                                  fuzz::piece(kEntry, encode(first)),
                                  fuzz::piece(kEntry, encode(revoked)),
                                  fuzz::piece(kTick, ""),
                                  fuzz::piece(kAgain, "")};
    }();
    return all;
}

void check_entry(BytesView entry) {
    const auto item = decode(entry, SIZE_MAX);
    if (!item) return;
    const Bytes once = encode(*item);
    const auto again = decode(once, SIZE_MAX);
    ANODE_ASSERT(again.has_value() && order(*item, *again) == 0 && encode(*again) == once);
}

void check_frame(std::uint8_t type, BytesView body) {
    if (type == frames::kRoot) {
        const auto root = frames::decode_root(body);
        if (!root) return;
        const auto again = frames::decode_root(encode(*root));
        ANODE_ASSERT(again && again->ask == root->ask && again->hashes == root->hashes);
    } else if (type == frames::kBucket) {
        const auto bucket = frames::decode_bucket(body);
        if (!bucket) return;
        const Bytes once = encode(*bucket);
        const auto again = frames::decode_bucket(once);
        ANODE_ASSERT(again && encode(*again) == once);
    } else if (type == frames::kDelta) {
        const auto entries = frames::decode_delta(body);
        for (const BytesView entry : entries.value_or(std::vector<BytesView>{})) check_entry(entry);
    } else {
        check_entry(body);
    }
}

class World {
public:
    World() : state_(node_of(5), limits()) {
        give(PeerUp{node_of(2)});
        give(PeerUp{node_of(9)});
    }
    void take(const fuzz::Piece& piece) {
        if (piece.what == kTick) {
            now_.mono += 11s;
            now_.wall += 11'000'000;
            give(Tick{});
        } else if (piece.what == kAgain) {
            give(PeerDown{node_of(2)});
            give(PeerUp{node_of(2)});
        } else if (piece.what >= frames::kRoot && piece.what <= frames::kDelta) {
            give(FromPeer{node_of(2), piece.what, piece.body});
        } else {
            give(Arrived{piece.body});
        }
        check();
    }
    /// Everything that waits for its time, as far as it comes in a year.
    void settle() {
        now_.wall += 365ll * 24 * 3600 * 1'000'000;
        give(Tick{});
        check();
    }
    [[nodiscard]] std::uint64_t hash() const { return state_.hash(); }
    [[nodiscard]] const Counters& counters() const { return state_.counters(); }

private:
    void give(const Input& input) {
        std::vector<Output> out;
        state_.handle(input, now_, out);
        for (const Output& output : out) {
            if (const auto* send = std::get_if<SendPeer>(&output)) {
                const bool good =
                    send->type == frames::kRoot     ? frames::decode_root(send->body).has_value()
                    : send->type == frames::kBucket ? frames::decode_bucket(send->body).has_value()
                                                    : frames::decode_delta(send->body).has_value();
                ANODE_ASSERT(good && send->body.size() < (1u << 20));
            } else if (const auto* keep = std::get_if<Persist>(&output)) {
                ANODE_ASSERT(!keep->record || decode(*keep->record, limits().value_max));
                if (keep->record)
                    kept_[keep->key] = keep->record->size();
                else
                    kept_.erase(keep->key);
            } else {
                // A neighbour's words are nobody's wish.
                ANODE_ASSERT(!std::holds_alternative<Written>(output) &&
                             !std::holds_alternative<Spread>(output));
            }
        }
    }
    void check() const {
        ANODE_ASSERT(state_.bytes() <= limits().bytes_max * 5 / 4);
        ANODE_ASSERT(state_.keys() <= limits().keys_max * 5 / 4);
        ANODE_ASSERT(state_.quarantined() <= 1000 && kept_.size() <= 40 * 5 / 4 * 17 + 1000);
        ANODE_ASSERT(state_.due() > Instant{});
    }

    State state_;
    Now now_{Instant{1h}, kWall};
    std::map<std::string, std::size_t> kept_;
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned random) {
    return fuzz::insert_seed(seeds(), data, size, size_max, random, LLVMFuzzerMutate);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto pieces = fuzz::pieces_of(data, size);
    World forward, backward;
    bool timeless = true;
    for (const auto& piece : pieces) {
        check_frame(piece.what, piece.body);
        forward.take(piece);
        timeless &= piece.what != kTick;
    }
    for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) backward.take(*piece);
    forward.settle();
    backward.settle();
    // What is refused for want of room depends on the order; the map of what fits does not.
    const auto whole = [](const World& world) {
        const Counters& counters = world.counters();
        return counters.over_limit + counters.out_of_time + counters.quarantine_full == 0;
    };
    ANODE_ASSERT(!timeless || !whole(forward) || !whole(backward) ||
                 forward.hash() == backward.hash());
    return 0;
}
