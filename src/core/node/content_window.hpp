#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.hpp"

namespace anode {

/// Numbers that are hashes already, in one flat table: a look costs one miss of the cache, and nothing is allocated for
/// one of them alone.
class HashSet64 {
public:
    [[nodiscard]] bool contains(std::uint64_t hash) const noexcept;
    /// Not there yet.
    void insert(std::uint64_t hash);
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    [[nodiscard]] std::size_t slot_of(std::uint64_t hash) const noexcept;
    void grow();

    std::vector<std::uint64_t> slots_;  ///< a power of two of them; 0: free
    std::size_t size_ = 0;
};

/// The content ids seen lately, from our own sources and from other nodes: while two nodes run one source for a moment, what
/// both bring is told apart from what is new.
/// Thread:  the engine's.
/// Limits:  between one and two times `entries` ids; the older generation goes as a whole.
/// Source:  dissemination, section 7.5.
class ContentWindow {
public:
    explicit ContentWindow(std::size_t entries = 512 * 1024) : entries_(entries) {}

    /// An event happens once: true if its id is known. Otherwise it is from now on.
    bool repeats(std::string_view source, const Hash128& cid);
    /// A state may come back (5, 6, 5): true if this is what its place (the id's upper half) was last seen in.
    bool repeats_state(std::string_view source, const Hash128& cid);
    [[nodiscard]] std::size_t size() const noexcept {
        return young_.size() + old_.size() + young_states_.size() + old_states_.size();
    }

private:
    using States =
        std::unordered_map<std::uint64_t, std::uint64_t>;  // looked up only, never walked

    std::size_t entries_;
    HashSet64 young_, old_;
    States young_states_, old_states_;
};

}  // namespace anode
