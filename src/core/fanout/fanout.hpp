#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/fanout/form.hpp"
#include "core/fanout/ring.hpp"
#include "core/fanout/selector.hpp"

/// One stream of messages to very many listeners.
/// Listeners that want the same in the same form are a group. A message is matched once per topic,
/// judged once per filter, encoded once per form, and its bytes are appended to the ring of each
/// group that wants it. A listener is an offset in its group's ring: it costs nothing while it waits.
/// Source: performance, section 6.
namespace anode::fanout {

class Group;

/// A listener's place. The owner derives from it or embeds it.
struct Member {
    Group* group = nullptr;
    std::uint64_t offset = 0;  ///< the first byte not yet written to it
    std::uint32_t slot = 0;    ///< in Group::members()
};

/// What a group wants and how.
struct GroupSpec {
    std::vector<SelectorPtr> selectors;
    Form form;
    Duration batch{0};  ///< gather for so long before anything is written
    [[nodiscard]] std::string key() const;
};

class Group {
public:
    [[nodiscard]] const GroupSpec& spec() const noexcept { return spec_; }
    [[nodiscard]] Ring& ring() noexcept { return ring_; }
    [[nodiscard]] const Ring& ring() const noexcept { return ring_; }
    [[nodiscard]] std::span<Member* const> members() const noexcept { return members_; }
    /// Messages that passed, conflated ones among them; and those that a newer one replaced.
    [[nodiscard]] std::uint64_t matched() const noexcept { return matched_; }
    [[nodiscard]] std::uint64_t conflated() const noexcept { return conflated_; }
    /// Passed, but not yet in the ring: gathered, or waiting for their period to end.
    [[nodiscard]] std::uint64_t waiting() const noexcept;
    /// Stamp of the oldest message appended since the last flush; 0 if none.
    [[nodiscard]] WallTime oldest_unflushed() const noexcept { return oldest_unflushed_; }
    [[nodiscard]] bool remote() const noexcept { return remote_; }
    void flushed() noexcept { oldest_unflushed_ = 0; }
    /// Lets go of what all members have passed.
    void trim();

private:
    friend class FanOut;
    struct Newest {
        Arrival arrival;
        WallTime ts = 0;
        Bytes frame;
    };
    struct Conflated {  ///< of one selector in Mode::Latest
        std::unordered_map<std::string, Newest> newest;
        Instant next{};
    };

    GroupSpec spec_;
    std::string key_;
    std::vector<std::uint32_t> selector_ids_;  ///< parallel to spec_.selectors
    std::uint32_t form_id_ = 0;
    Ring ring_;
    std::vector<Member*> members_;
    std::vector<std::uint64_t> sampled_;
    std::map<std::size_t, Conflated> conflated_of_;  ///< by index of the selector
    Bytes gathered_;
    std::uint64_t gathered_messages_ = 0;
    Arrival gathered_last_;
    Instant gathered_until_ = Instant::max();
    std::uint64_t matched_ = 0, conflated_ = 0;
    WallTime oldest_unflushed_ = 0;
    bool remote_ = false;
    bool dirty_ = false;
};

/// Thread: confined. Time: only what publish() and tick() are told.
class FanOut {
public:
    FanOut(std::uint32_t store, NodeId self);
    ~FanOut();

    /// Puts a listener at the head of the group of this kind, which is made if it is new. What the
    /// group holds back is appended to its ring first: it came before the new listener.
    void join(Member& member, GroupSpec spec, Now now);
    /// Appends what a group holds back for a period or a batch, so that a member may leave without loss.
    void flush_waiting(Group& group, Now now);
    /// Takes it out; a group without members is gone, bytes and all.
    void leave(Member& member);

    /// Gives one block to every group that wants something of it.
    void publish(const Block& block, Now now);
    /// Ends periods that are over. The answer is when to call again; Instant::max() for never.
    Instant tick(Now now);

    /// Groups whose rings have grown since the last call; valid until the next publish() or tick().
    void take_dirty(std::vector<Group*>& out);

    [[nodiscard]] std::size_t groups() const noexcept { return groups_.size(); }
    /// How often a message was encoded, for tests and the curious.
    [[nodiscard]] std::uint64_t encodings() const noexcept { return encodings_; }

private:
    struct SelectorSlot;
    struct FormSlot;
    struct Wanted {
        Group* group;
        std::vector<std::uint32_t> selectors;  ///< indexes into the group's spec
        bool plain;                            ///< every matching message passes
    };
    using Route = std::vector<Wanted>;
    using Conflated = Group::Conflated;

    std::uint32_t add_selector(const SelectorPtr& selector, Group& group);
    void remove_selector(std::uint32_t id, Group& group);
    std::uint32_t add_form(const Form& form);
    std::shared_ptr<const Route> route_of(std::string_view topic);
    void offer(const Wanted& wanted, Now now);
    void conflate(Group& group, std::size_t selector, Now now);
    void append(Group& group, Now now);
    void append_gathered(Group& group);
    void flush_conflated(Group& group, std::size_t selector, Now now);
    BytesView encoded(const Group& group);
    void mark_dirty(Group& group, WallTime ts);

    NodeId self_;
    Encoder encoder_;
    Judge judge_;
    std::unordered_map<std::string, std::unique_ptr<Group>> groups_;
    std::vector<SelectorSlot> selectors_;
    std::vector<std::uint32_t> free_selectors_;
    std::unordered_map<std::string, std::uint32_t> selector_ids_;
    std::vector<FormSlot> forms_;
    PatternTrie trie_;
    struct TopicHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view topic) const noexcept {
            return std::hash<std::string_view>{}(topic);
        }
    };
    std::unordered_map<std::string, std::shared_ptr<const Route>, TopicHash, std::equal_to<>>
        routes_;
    std::vector<std::shared_ptr<const Route>> block_routes_;
    std::vector<std::uint32_t> found_;
    std::vector<Group*> dirty_;
    std::vector<Group*> timed_;  ///< groups with something that waits for the clock
    std::uint64_t message_ = 0;  ///< serial of the message under the judge's eye
    std::uint64_t encodings_ = 0;
};

}  // namespace anode::fanout
