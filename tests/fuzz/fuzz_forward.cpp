#include <cstdint>

#include "app/cluster/card.hpp"
#include "app/cluster/forward_frames.hpp"
#include "core/mesh/log_state.hpp"
#include "core/node/idempotency.hpp"
#include "peer_seeds.hpp"

/// What else comes from a peer: forwarded requests and their answers (frames 60 to 63), its card in membership, idempotency
/// keys of its system lane, and what was remembered of its logs. What is read encodes to something that reads the same.
namespace {

using namespace anode;
using namespace anode::app;
namespace frames = anode::app::forward_frames;

constexpr std::uint8_t kWhole = 0, kCard = 1, kKnown = 2, kRemembered = 3;  ///< beside the frames

const std::vector<Bytes>& seeds() {
    static const std::vector<Bytes> all = [] {
        api::ForwardedRequest request;
        request.target = "/v1/x?a=b";
        request.path = "/v1/x";
        request.query = {{"a", "b"}};
        request.headers = {{"if-match", "\"1\""}};
        request.content_type = "application/json";
        request.id = "r";
        request.peer = "127.0.0.1";
        request.caller.name = "ann";
        request.caller.topics = *PatternSet::parse("a.>,b.*", 10);
        request.body = "{}";
        api::ForwardedAnswer answer;
        answer.status = 200;
        answer.content_type = "application/json";
        answer.headers = {{"x-y", "z"}};
        answer.body = "{}";
        Card card;
        card.name = "b";
        card.meta.zone = "z";
        mesh::LogState log({});
        (void)log.have({1, 3}, Hlc{1}, Hlc{2});
        (void)log.skip({7, 9}, mesh::Skip::Lost);
        return std::vector<Bytes>{
            fuzz::piece(frames::kRequest, frames::encode_request(1, request)),
            fuzz::piece(frames::kAnswer, frames::encode_piece(1, true, "x")),
            fuzz::piece(frames::kCancel, frames::encode_number(1)),
            fuzz::piece(frames::kMore, frames::encode_number(70'000)),
            fuzz::piece(kWhole, frames::encode_answer(answer)),
            fuzz::piece(kCard, card.encode()),
            fuzz::piece(kKnown, Idempotency::encode({{1, 2}, 3, {MessageId{}, MessageId{}}})),
            fuzz::piece(kRemembered, log.remember())};
    }();
    return all;
}

void check_request(BytesView body) {
    const auto asked = frames::decode_request(body);
    if (!asked || !asked->request) return;
    ANODE_ASSERT(asked->request->body.size() <= api::kForwardedRequestMax);
    const Bytes once = frames::encode_request(asked->id, *asked->request);
    const auto again = frames::decode_request(once);
    ANODE_ASSERT(again && again->request &&
                 frames::encode_request(again->id, *again->request) == once);
}

void check_answer(BytesView joined) {
    const auto answer = frames::decode_answer(joined);
    if (!answer) return;
    for (const auto& [name, value] : answer->headers)
        ANODE_ASSERT((name + value).find_first_of("\r\n") == std::string::npos);
    const Bytes once = frames::encode_answer(*answer);
    const auto again = frames::decode_answer(once);
    ANODE_ASSERT(again && frames::encode_answer(*again) == once);
}

void check_piece(BytesView body) {
    const auto piece = frames::decode_piece(body);
    if (!piece) return;
    const Bytes once = frames::encode_piece(piece->id, piece->last, piece->bytes);
    const auto again = frames::decode_piece(once);
    ANODE_ASSERT(again && again->id == piece->id && again->bytes == piece->bytes);
}

void check_card(BytesView body) {
    const auto card = Card::decode(body);
    if (!card) return;
    ANODE_ASSERT(card->name.size() <= 255);
    const auto again = Card::decode(card->encode());
    ANODE_ASSERT(again && again->encode() == card->encode());
}

void check_known(BytesView body) {
    const auto known = Idempotency::decode(body);
    if (!known) return;
    const auto again = Idempotency::decode(Idempotency::encode(*known));
    ANODE_ASSERT(again && Idempotency::encode(*again) == Idempotency::encode(*known));
}

void check_remembered(BytesView body) {
    mesh::LogState log({});
    if (!log.recall(body)) return;
    ANODE_ASSERT(log.watermark() <= log.head() && log.reasons().size() <= 64);
    mesh::LogState again({});
    ANODE_ASSERT(again.recall(log.remember()).has_value() && again.head() == log.head());
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned random) {
    return fuzz::insert_seed(seeds(), data, size, size_max, random, LLVMFuzzerMutate);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    for (const auto& [what, body] : fuzz::pieces_of(data, size)) {
        switch (what) {
            case kWhole:
                check_answer(body);
                break;
            case kCard:
                check_card(body);
                break;
            case kKnown:
                check_known(body);
                break;
            case kRemembered:
                check_remembered(body);
                break;
            case frames::kRequest:
                check_request(body);
                break;
            case frames::kAnswer:
                check_piece(body);
                break;
            default:
                if (const auto number = frames::decode_number(body))
                    ANODE_ASSERT(frames::decode_number(frames::encode_number(*number)) == number);
        }
    }
    return 0;
}
