#include "core/codec/lines.hpp"

namespace anode::codec {

std::optional<BytesView> LineSplitter::next(BytesView& input) {
    if (taken_) {
        partial_.clear();
        taken_ = false;
    }
    while (!input.empty() && !failed_) {
        const std::size_t end = input.find('\n');
        const BytesView piece = input.substr(0, end);
        // One byte more than the limit may be the CR of the line's end.
        if (piece.size() + partial_.size() > line_bytes_max_ + 1) {
            failed_ = true;
            break;
        }
        input.remove_prefix(end == BytesView::npos ? input.size() : end + 1);
        if (end == BytesView::npos) {
            partial_.append(piece);
            break;
        }
        if (partial_.empty()) {
            if (auto line = shown(piece)) return line;
            continue;
        }
        partial_.append(piece);
        taken_ = true;
        if (auto line = shown(partial_)) return line;
        partial_.clear();
        taken_ = false;
    }
    if (failed_) input = {};
    return std::nullopt;
}

std::optional<BytesView> LineSplitter::finish() {
    if (taken_ || failed_) partial_.clear();
    taken_ = true;
    return shown(partial_);
}

std::optional<BytesView> LineSplitter::shown(BytesView line) noexcept {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return std::nullopt;
    if (line.size() <= line_bytes_max_) return line;
    failed_ = true;
    return std::nullopt;
}

}  // namespace anode::codec
