#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "core/message/message.hpp"

/// Consecutive messages of one log: the unit of storage, transfer, compression and checksum.
/// Source: dissemination, section 1.3. The body is a name table (topics, sources, media types) and then the entries.
namespace anode {

inline constexpr std::uint32_t kBlockEntriesMax = 4096;
inline constexpr std::size_t kBlockRawBytesMax = 256 * 1024;
/// No body of a peer or a file may say it is larger. Well above kBlockRawBytesMax, because one large message makes a
/// block by itself, and because full() counts the payload to come but not what goes with it.
inline constexpr std::size_t kBlockRawBytesHard = 16 * 1024 * 1024;

class Block;
using BlockPtr = std::shared_ptr<const Block>;

/// What a node notes of a block that another node made.
struct BlockMarks {
    std::uint8_t flags = 0;             ///< flag:: of every entry, e.g. flag::kLate
    std::vector<std::uint32_t> hidden;  ///< entries that are shown to nobody, rising
};
/// Gives a block that was just decoded its place in this node's store. Nobody else holds it yet.
void place_block(BlockPtr& block, Arrival first, BlockMarks marks);

/// An immutable block, body uncompressed and indexed.
/// Thread: read by any number.
class Block {
public:
    [[nodiscard]] const LogKey& log() const noexcept { return log_; }
    [[nodiscard]] Seq first_seq() const noexcept { return first_seq_; }
    [[nodiscard]] std::uint32_t count() const noexcept {
        return static_cast<std::uint32_t>(offsets_.size());
    }
    [[nodiscard]] Hlc first_hlc() const noexcept { return first_hlc_; }
    [[nodiscard]] Hlc last_hlc() const noexcept { return last_hlc_; }
    /// Arrival of the first entry; the others follow without a hole.
    [[nodiscard]] Arrival first_arrival() const noexcept { return first_arrival_; }
    [[nodiscard]] Arrival last_arrival() const noexcept { return first_arrival_.plus(count() - 1); }

    /// Decodes entry `index` (< count()). O(1), no allocation.
    [[nodiscard]] Entry entry(std::uint32_t index) const;
    /// The distinct topics of the block, in order of appearance; Entry::topic_index points here.
    [[nodiscard]] std::span<const std::string_view> topics() const noexcept { return topics_; }
    [[nodiscard]] std::size_t raw_bytes() const noexcept { return body_.size(); }
    [[nodiscard]] BytesView body() const noexcept { return body_; }
    [[nodiscard]] std::uint8_t block_flags() const noexcept { return flags_; }

    /// This node has the same message from another log already (equal content ids): nobody is shown it twice.
    [[nodiscard]] bool hides(std::uint32_t index) const noexcept {
        return !hidden_.empty() && std::ranges::binary_search(hidden_, index);
    }
    [[nodiscard]] const std::vector<std::uint32_t>& hidden() const noexcept { return hidden_; }

private:
    friend void place_block(BlockPtr& block, Arrival first, BlockMarks marks);
    friend class BlockBuilder;
    friend Result<std::shared_ptr<const Block>> decode_block(const LogKey&, BytesView, Arrival);
    Result<void> index();  ///< fills names_, topics_, offsets_ from body_; checks every bound

    LogKey log_;
    Seq first_seq_ = 0;
    Hlc first_hlc_, last_hlc_;
    Arrival first_arrival_;
    std::uint8_t flags_ = 0;
    std::uint8_t local_flags_ = 0;       ///< this node's marks on every entry
    std::vector<std::uint32_t> hidden_;  ///< rising
    Bytes body_;
    std::vector<std::string_view> names_;
    std::vector<std::string_view> topics_;
    std::vector<std::uint32_t> offsets_;  ///< of each entry in body_, behind its stamp
    std::vector<std::uint64_t> hlcs_;     ///< stamp of each entry
    std::vector<std::uint32_t> topic_of_name_;
};

namespace block_flag {
inline constexpr std::uint8_t kRace = 1, kSigned = 2, kAckRequested = 4, kOpensLog = 8,
                              kHasCid = 16;
}

/// Collects the open block of one lane. Thread: the lane's owner.
class BlockBuilder {
public:
    /// Adds a message; the stamp rises from call to call.
    void add(Hlc hlc, const Draft& draft);
    [[nodiscard]] std::uint32_t count() const noexcept {
        return static_cast<std::uint32_t>(offsets_.size());
    }
    [[nodiscard]] std::size_t bytes() const noexcept { return entries_.size() + names_.size(); }
    [[nodiscard]] bool empty() const noexcept { return offsets_.empty(); }
    /// No room for `payload_bytes` more: seal first.
    [[nodiscard]] bool full(std::size_t payload_bytes) const noexcept {
        return !empty() &&
               (count() >= kBlockEntriesMax || bytes() + payload_bytes > kBlockRawBytesMax);
    }
    /// Makes the block and starts a new one.
    BlockPtr seal(const LogKey& log, Seq first_seq, Arrival first_arrival,
                  std::uint8_t block_flags = 0);

private:
    struct Name {
        std::uint64_t hash;
        std::uint32_t at;  ///< of its bytes in names_
        std::uint32_t bytes;
        std::uint32_t topic;  ///< its place among the topics, or none
    };
    std::uint32_t name_ref(std::string_view name);
    void grow_slots();
    void fill_names(Block& block, std::size_t table_at) const;

    Bytes entries_;  ///< encoded, as they will stand in the body
    Bytes names_;    ///< encoded likewise
    std::vector<Name> refs_;
    std::vector<std::uint32_t> slots_;  ///< open addressing by hash: reference + 1, or 0
    std::uint32_t topics_ = 0;
    std::vector<std::uint32_t> offsets_;  ///< in entries_
    std::vector<std::uint64_t> hlcs_;
    bool has_cid_ = false;
};

enum class BlockCodec : std::uint8_t { None = 0, Lz4 = 1, Zstd = 2 };

/// The wire and disk form: header, CRC-32C bound to the log's key, body. Compressed if that saves a tenth
/// (bodies under 512 bytes never are).
Bytes encode_block(const Block& block, BlockCodec codec = BlockCodec::Zstd);
/// Back again; checks everything but the JSON of payloads. Errors: Truncated, Malformed, TooLarge, Corrupt, Unsupported
/// (an unknown codec, a dictionary or a signature).
Result<BlockPtr> decode_block(const LogKey& log, BytesView wire, Arrival first_arrival);

/// What the header of a block says.
struct BlockHead {
    Seq first_seq = 0;
    std::uint32_t count = 0;
    Hlc first_hlc;
    std::uint8_t flags = 0;
};
/// The header, its bounds and the checksum over everything, without opening the body: what a node needs that only passes a
/// block on. Errors: as decode_block().
Result<BlockHead> peek_block(const LogKey& log, BytesView wire);

/// The part decode_block() leaves out, for blocks of peers: payloads within their limit and, where they are JSON, valid
/// and on one line, since listeners get them as they stand. Errors: Malformed, TooLarge, TooDeep.
Result<void> check_payloads(const Block& block);

}  // namespace anode
