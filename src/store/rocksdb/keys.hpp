#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/varint.hpp"

/// The keys of the database. Numbers are big-endian, so that keys sort as numbers do.
namespace anode::rocks {

inline constexpr std::size_t kPostingKeyBytes = 12;
inline constexpr std::size_t kLastValueBytes = 16;  ///< stamp, arrival

/// First byte of a key in Family::Main.
namespace row {
inline constexpr char kMeta = 'm', kHead = 'h', kBlockList = 'b', kTopicList = 't', kTopic = 'n',
                      kRecord = 'r', kRuns = 'g', kLogGone = 'l', kHidden = 'x';
}

inline Bytes be64_key(std::uint64_t value) {
    Bytes key;
    put_be(key, value);
    return key;
}
inline Bytes be32_key(std::uint32_t value) {
    Bytes key;
    put_be(key, value);
    return key;
}
inline Bytes block_key(Arrival first) { return be64_key(first.value); }
inline Bytes main_key(char row, BytesView rest) {
    Bytes key(1, row);
    key += rest;
    return key;
}
inline Bytes segment_key(char row, Arrival first) { return main_key(row, be64_key(first.value)); }
inline Bytes log_key(const LogKey& log) {
    Bytes key(1, row::kLogGone);
    log.append_to(key);
    return key;
}
inline Bytes topic_key(std::uint32_t number) { return main_key(row::kTopic, be32_key(number)); }
inline Bytes record_key(std::string_view space, std::string_view key) {
    Bytes all = main_key(row::kRecord, space);
    all.push_back('\0');
    all += key;
    return all;
}
inline Bytes posting_key(std::uint32_t topic, Arrival segment) {
    Bytes key = be32_key(topic);
    put_be(key, segment.value);
    return key;
}
inline Bytes last_key(std::uint32_t topic, std::string_view message_key) {
    Bytes key = be32_key(topic);
    key += message_key;
    return key;
}
inline std::uint32_t topic_of(BytesView key) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(key[i]);
    return number;
}

}  // namespace anode::rocks
