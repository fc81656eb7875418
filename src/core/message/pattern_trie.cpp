#include <algorithm>
#include <unordered_map>

#include "base/hash.hpp"
#include "core/message/tokens.hpp"
#include "core/message/topic.hpp"

namespace anode {
namespace {

struct TokenHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view token) const noexcept { return hash64(token); }
};

}  // namespace

/// One place in the patterns: what was read so far leads here. `*` and `>` have places of their
/// own, so that a topic follows at most two ways at each token.
struct PatternTrie::Node {
    std::unordered_map<std::string, std::unique_ptr<Node>, TokenHash, std::equal_to<>> literal;
    std::unique_ptr<Node> any;
    std::vector<std::uint32_t> here;  ///< patterns that end here
    std::vector<std::uint32_t> rest;  ///< patterns that end in `>` here

    [[nodiscard]] bool empty() const noexcept {
        return literal.empty() && !any && here.empty() && rest.empty();
    }

    void match(std::string_view topic, bool wildcards, std::vector<std::uint32_t>& out) const {
        if (wildcards) out.insert(out.end(), rest.begin(), rest.end());
        bool more = false;
        const std::string_view token = next_token(topic, more);
        const auto step = [&](const Node& next) {
            if (more)
                next.match(topic, true, out);
            else
                out.insert(out.end(), next.here.begin(), next.here.end());
        };
        if (wildcards && any) step(*any);
        if (literal.empty()) return;
        if (const auto found = literal.find(token); found != literal.end()) step(*found->second);
    }

    void remove(std::string_view pattern, std::uint32_t id) {
        bool more = false;
        const std::string_view token = next_token(pattern, more);
        if (token == ">") {
            if (const auto at = std::find(rest.begin(), rest.end(), id); at != rest.end())
                rest.erase(at);
            return;
        }
        const auto found = token == "*" ? literal.end() : literal.find(token);
        if (token == "*" ? !any : found == literal.end()) return;
        Node& next = token == "*" ? *any : *found->second;
        if (more)
            next.remove(pattern, id);
        else if (const auto at = std::find(next.here.begin(), next.here.end(), id);
                 at != next.here.end())
            next.here.erase(at);
        if (!next.empty()) return;
        if (token == "*")
            any.reset();
        else
            literal.erase(found);
    }
};

PatternTrie::PatternTrie() : root_(std::make_unique<Node>()) {}
PatternTrie::~PatternTrie() = default;
PatternTrie::PatternTrie(PatternTrie&&) noexcept = default;
PatternTrie& PatternTrie::operator=(PatternTrie&&) noexcept = default;

void PatternTrie::add(const Pattern& pattern, std::uint32_t id) {
    Node* node = root_.get();
    std::string_view text = pattern.text();
    for (bool more = true; more;) {
        const std::string_view token = next_token(text, more);
        if (token == ">") {
            node->rest.push_back(id);
            return;
        }
        auto& next = token == "*" ? node->any : node->literal[std::string(token)];
        if (!next) next = std::make_unique<Node>();
        node = next.get();
    }
    node->here.push_back(id);
}

void PatternTrie::remove(const Pattern& pattern, std::uint32_t id) {
    root_->remove(pattern.text(), id);
}

void PatternTrie::match(std::string_view topic, std::vector<std::uint32_t>& out) const {
    if (!topic.empty()) root_->match(topic, !is_system(topic), out);
}

bool PatternTrie::empty() const noexcept { return root_->empty(); }

}  // namespace anode
