#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace anode::source {

/// Bytes that stay where they are until all are given up at once. Keeps up to 4 MiB of its memory for the next time.
class Arena {
public:
    std::string_view copy(std::string_view bytes) {
        if (bytes.empty()) return {};
        char* const to = room(bytes.size());
        std::memcpy(to, bytes.data(), bytes.size());
        return {to, bytes.size()};
    }

    void recycle() noexcept {
        large_.clear();
        if (chunks_.size() > kChunksKept) chunks_.resize(kChunksKept);
        chunk_ = 0;
        used_ = 0;
    }

private:
    static constexpr std::size_t kChunkBytes = 64 << 10;
    static constexpr std::size_t kChunksKept = 64;

    char* room(std::size_t bytes) {
        if (bytes > kChunkBytes / 4)
            return large_.emplace_back(std::make_unique_for_overwrite<char[]>(bytes)).get();
        if (chunk_ == chunks_.size() || used_ + bytes > kChunkBytes) {
            if (chunk_ < chunks_.size()) ++chunk_;
            if (chunk_ == chunks_.size())
                chunks_.push_back(std::make_unique_for_overwrite<char[]>(kChunkBytes));
            used_ = 0;
        }
        char* const at = chunks_[chunk_].get() + used_;
        used_ += bytes;
        return at;
    }

    std::vector<std::unique_ptr<char[]>> chunks_, large_;
    std::size_t chunk_ = 0;  ///< the one being filled
    std::size_t used_ = 0;   ///< of it
};

}  // namespace anode::source
