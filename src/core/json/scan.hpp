#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// The inner loops of the JSON reader: runs of string bytes, digits and white space, 16 at a time where the machine can.
namespace anode::json::scan {

inline bool is_digit(char c) noexcept { return static_cast<unsigned char>(c - '0') < 10; }
inline bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
/// Ends a run of plain string bytes: a quote, a backslash or a control character.
inline bool ends_run(char c) noexcept {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

#if defined(__SSE2__)
inline __m128i load(const char* p) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
/// One bit for each of 16 bytes that ends a run of plain string bytes.
inline unsigned run_ends(__m128i chunk) noexcept {
    const __m128i quotes = _mm_cmpeq_epi8(chunk, _mm_set1_epi8('"'));
    const __m128i slashes = _mm_cmpeq_epi8(chunk, _mm_set1_epi8('\\'));
    const __m128i low = _mm_set1_epi8(0x1f);
    const __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(chunk, low), chunk);
    const __m128i any = _mm_or_si128(_mm_or_si128(quotes, slashes), controls);
    return static_cast<unsigned>(_mm_movemask_epi8(any));
}
#endif

/// The first byte at or after `p` that ends a run of plain string bytes. Sets `beyond_ascii` if it may have passed
/// a byte above 0x7f; it may also be set for bytes just behind the run.
inline const char* string_run(const char* p, const char* end, bool& beyond_ascii) noexcept {
#if defined(__SSE2__)
    while (end - p >= 16) {
        const __m128i chunk = load(p);
        beyond_ascii |= _mm_movemask_epi8(chunk) != 0;
        const unsigned ends = run_ends(chunk);
        if (ends != 0) return p + std::countr_zero(ends);
        p += 16;
    }
#endif
    while (p != end && !ends_run(*p)) {
        beyond_ascii |= static_cast<unsigned char>(*p) > 0x7f;
        ++p;
    }
    return p;
}

/// The first byte at or after `p` that is no digit.
inline const char* digits(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
    while (end - p >= 16) {
        const __m128i chunk = _mm_sub_epi8(load(p), _mm_set1_epi8('0'));
        const __m128i good = _mm_cmpeq_epi8(_mm_min_epu8(chunk, _mm_set1_epi8(9)), chunk);
        const auto others = static_cast<unsigned>(_mm_movemask_epi8(good)) ^ 0xffffU;
        if (others != 0) return p + std::countr_zero(others);
        p += 16;
    }
#endif
    while (p != end && is_digit(*p)) ++p;
    return p;
}

/// The first byte at or after `p` that is no white space.
inline const char* spaces(const char* p, const char* end) noexcept {
    while (p != end && is_space(*p)) ++p;
    return p;
}

}  // namespace anode::json::scan
