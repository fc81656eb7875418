#include "store/rocksdb/topics.hpp"

#include <algorithm>
#include <iterator>

#include "base/varint.hpp"

namespace anode::rocks {

void TopicCounts::add(const TopicCounts& other) noexcept {
    if (other.messages == 0) return;
    first_ts = messages == 0 ? other.first_ts : std::min(first_ts, other.first_ts);
    last_ts = messages == 0 ? other.last_ts : std::max(last_ts, other.last_ts);
    last_arrival = std::max(last_arrival, other.last_arrival);
    messages += other.messages;
    bytes += other.bytes;
}

void TopicCounts::subtract(std::uint64_t messages_gone, std::uint64_t bytes_gone) noexcept {
    messages -= std::min(messages, messages_gone);
    bytes -= std::min(bytes, bytes_gone);
}

std::optional<std::uint32_t> TopicDirectory::find(std::string_view name) const {
    const auto found = numbers_.find(name);
    if (found == numbers_.end()) return std::nullopt;
    return found->second;
}

std::uint32_t TopicDirectory::number(std::string_view name) {
    if (const auto known = find(name)) return *known;
    const std::uint32_t next = size();
    topics_.push_back({.name = std::string(name)});
    numbers_.emplace(topics_.back().name, next);
    return next;
}

void TopicDirectory::sort_names() const {
    if (sorted_.size() == topics_.size()) return;
    const auto by_name = [this](std::uint32_t a, std::uint32_t b) {
        return topics_[a].name < topics_[b].name;
    };
    std::vector<std::uint32_t> fresh;
    for (auto i = static_cast<std::uint32_t>(sorted_.size()); i < size(); ++i) fresh.push_back(i);
    std::ranges::sort(fresh, by_name);
    std::vector<std::uint32_t> all;
    all.reserve(size());
    std::ranges::merge(sorted_, fresh, std::back_inserter(all), by_name);
    sorted_ = std::move(all);
}

std::size_t TopicDirectory::first_at(std::string_view name) const {
    const auto found = std::lower_bound(sorted_.begin(), sorted_.end(), name,
                                        [this](std::uint32_t number, std::string_view wanted) {
                                            return topics_[number].name < wanted;
                                        });
    return static_cast<std::size_t>(found - sorted_.begin());
}

Bytes TopicDirectory::row(std::uint32_t number, const TopicCounts& counts) const {
    const Topic& topic = topics_[number];
    Bytes row;
    put_varint(row, topic.name.size());
    row += topic.name;
    put_varint(row, counts.messages);
    put_varint(row, counts.bytes);
    put_varint(row, zigzag(counts.first_ts));
    put_varint(row, zigzag(counts.last_ts));
    put_varint(row, counts.last_arrival.value);
    put_varint(row, topic.removed_until.value);
    put_varint(row, zigzag(topic.purged_before));
    return row;
}

Result<void> TopicDirectory::load(std::uint32_t number, BytesView row) {
    ByteReader in(row);
    Topic topic;
    topic.name = in.lp().value_or("");
    topic.closed.messages = in.varint().value_or(0);
    topic.closed.bytes = in.varint().value_or(0);
    topic.closed.first_ts = unzigzag(in.varint().value_or(0));
    topic.closed.last_ts = unzigzag(in.varint().value_or(0));
    topic.closed.last_arrival = {in.varint().value_or(0)};
    topic.removed_until = {in.varint().value_or(0)};
    topic.purged_before = unzigzag(in.varint().value_or(0));
    if (in.failed() || number != size() || find(topic.name)) {
        return fail(Errc::Corrupt, "a row of the topic directory is damaged");
    }
    topics_.push_back(std::move(topic));
    numbers_.emplace(topics_.back().name, number);
    return {};
}

}  // namespace anode::rocks
