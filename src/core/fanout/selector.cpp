#include "core/fanout/selector.hpp"

#include <algorithm>

namespace anode::fanout {

std::string Selector::key() const {
    std::vector<std::string> names;
    for (const Pattern& pattern : topics.patterns()) names.push_back(pattern.text());
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::string key;
    for (const std::string& name : names) key.append(name).push_back(',');
    key += '\n';
    if (mode == Mode::Latest) key += 'l' + std::to_string(every.count());
    if (mode == Mode::Sample) key += 's' + std::to_string(n);
    return key + '\n' + filter_text();
}

void Judge::begin(const Block& block, std::uint32_t index) {
    block_ = &block;
    index_ = index;
    entry_ = block.entry(index);
    prepared_ = false;
    known_.clear();
}

bool Judge::passes(const Selector& selector) {
    if (!selector.filter) return true;
    const std::string& text = selector.filter->text();
    for (const auto& [known, verdict] : known_)
        if (known == &text || *known == text) return verdict;
    if (!prepared_) prepare_scope();
    const bool verdict = selector.filter->holds(scope_);
    known_.emplace_back(&text, verdict);
    return verdict;
}

void Judge::prepare_scope() {
    prepared_ = true;
    scope_ = expr::Scope{};
    scope_.envelope = true;
    scope_.topic = entry_.topic;
    scope_.source = entry_.source;
    node_ = block_->log().node.text();
    scope_.node = node_;
    scope_.key = entry_.key;
    id_ = entry_.id(block_->log().node).text();
    scope_.id = id_;
    scope_.kind = name(entry_.kind);
    scope_.content_type = entry_.content_type;
    scope_.ts = entry_.ts();
    scope_.source_time = entry_.source_time;
    if (!entry_.content_type.empty()) {
        scope_.binary = entry_.payload;
    } else if (document_.parse(entry_.payload.empty() ? "null" : entry_.payload)) {
        scope_.root = document_.root();
    }
}

}  // namespace anode::fanout
