#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "core/message/topic.hpp"

/// Lines: the first is a topic, the others are patterns. The trie must find what trying every pattern finds, and any
/// token must survive escaping.
namespace {

using namespace anode;

std::vector<std::uint32_t> tried(const std::vector<Pattern>& patterns, std::string_view topic) {
    std::vector<std::uint32_t> ids;
    for (std::uint32_t id = 0; id < patterns.size(); ++id)
        if (patterns[id].matches(topic)) ids.push_back(id);
    return ids;
}

std::vector<std::uint32_t> found(const PatternTrie& trie, std::string_view topic) {
    std::vector<std::uint32_t> ids;
    trie.match(topic, ids);
    std::ranges::sort(ids);
    return ids;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto lines = text::split({reinterpret_cast<const char*>(data), size}, '\n');
    const std::string_view topic = lines.front();
    ANODE_ASSERT(unescape_token(escape_token(topic)) == topic);
    (void)PatternSet::parse(topic);

    std::vector<Pattern> patterns;
    PatternTrie trie;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        auto pattern = Pattern::parse(lines[i]);
        if (!pattern) continue;
        ANODE_ASSERT(Pattern::parse(pattern->text()) == *pattern);
        trie.add(*pattern, static_cast<std::uint32_t>(patterns.size()));
        patterns.push_back(std::move(*pattern));
    }
    (void)found(trie, topic);
    if (check_topic(topic, true)) {
        ANODE_ASSERT(found(trie, topic) == tried(patterns, topic));
        ANODE_ASSERT(topic.starts_with('$') || Pattern::parse(">")->matches(topic));
    }
    for (std::uint32_t id = 0; id < patterns.size(); ++id) trie.remove(patterns[id], id);
    ANODE_ASSERT(trie.empty());
    return 0;
}
