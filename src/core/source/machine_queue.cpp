#include "core/source/machine_queue.hpp"

#include <array>
#include <cstring>

namespace anode::source {

namespace {

constexpr std::size_t kRowOverhead = sizeof(KeptRow) + 64;

std::string conflation_key(const Row& row) {
    std::string key(row.topic);
    key += '\0';
    key += row.key;
    return key;
}

}  // namespace

KeptRow::KeptRow(const Row& row) : row_(row) {
    const std::array<std::string_view*, 10> views{
        &row_.topic,    &row_.key,  &row_.id,           &row_.version,      &row_.payload,
        &row_.position, &row_.item, &row_.content_type, &row_.verdict.seen, &row_.verdict.came};
    for (const std::string_view* view : views) size_ += view->size();
    text_ = std::make_unique<char[]>(size_);
    char* place = text_.get();
    for (std::string_view* view : views) {
        if (!view->empty()) std::memcpy(place, view->data(), view->size());
        *view = std::string_view(place, view->size());
        place += view->size();
    }
    row_.value = {};
    size_ += kRowOverhead;
}

RowQueue::Outcome RowQueue::push(const Row& row) {
    Outcome outcome;
    if (conflating_ && conflate(row)) ++outcome.conflated;
    rows_.push_back(std::make_unique<KeptRow>(row));
    ++live_;
    bytes_ += rows_.back()->bytes();
    if (conflating_) newest_[conflation_key(row)] = front_ + rows_.size() - 1;
    if (bytes_ <= bytes_max_ || full_ == LimitsSpec::Full::Stop) return outcome;
    if (full_ == LimitsSpec::Full::Conflate && !conflating_) {
        const std::size_t before = live_;
        index_all();
        outcome.conflated += before - live_;
    }
    while (bytes_ > bytes_max_ && live_ > 1 && drop_oldest()) ++outcome.lost;
    return outcome;
}

bool RowQueue::conflate(const Row& row) {
    if (row.key.empty()) return false;
    const auto found = newest_.find(conflation_key(row));
    if (found == newest_.end() || found->second < front_) return false;
    auto& older = rows_[found->second - front_];
    if (!older) return false;
    bytes_ -= older->bytes();
    older.reset();
    --live_;
    return true;
}

/// From here on only the newest row of each topic and key is kept.
void RowQueue::index_all() {
    conflating_ = true;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (!rows_[i]) continue;
        conflate(rows_[i]->row());
        newest_[conflation_key(rows_[i]->row())] = front_ + i;
    }
}

bool RowQueue::drop_oldest() {
    while (!rows_.empty()) {
        const std::unique_ptr<KeptRow> oldest = std::move(rows_.front());
        rows_.pop_front();
        ++front_;
        if (!oldest) continue;
        bytes_ -= oldest->bytes();
        --live_;
        return true;
    }
    return false;
}

void RowQueue::release(std::vector<Row>& rows, std::size_t bytes_max) {
    std::size_t given = 0;
    while (!rows_.empty() && given < bytes_max) {
        std::unique_ptr<KeptRow> oldest = std::move(rows_.front());
        rows_.pop_front();
        ++front_;
        if (!oldest) continue;
        given += oldest->bytes();
        bytes_ -= oldest->bytes();
        --live_;
        rows.push_back(oldest->row());
        released_.push_back(std::move(oldest));
    }
    if (rows_.empty()) {
        newest_.clear();
        conflating_ = false;
    }
}

}  // namespace anode::source
