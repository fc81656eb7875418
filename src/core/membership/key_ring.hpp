#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace anode::membership {

/// Keys of AES-GCM in the order they are tried; the first is primary and seals what we send.
/// Thread:  confined; copies are cheap and independent.
/// Limits:  16 keys.
/// Source:  memberlist protocol, section 10.
class KeyRing {
public:
    static constexpr std::size_t kKeysMax = 16;
    static constexpr std::size_t kNonceBytes = 12;
    static constexpr std::size_t kTagBytes = 16;
    static constexpr std::size_t kOverhead = 1 + kNonceBytes + kTagBytes;  ///< of format 1

    KeyRing();
    ~KeyRing();
    KeyRing(const KeyRing&);
    KeyRing& operator=(const KeyRing&);
    KeyRing(KeyRing&&) noexcept;
    KeyRing& operator=(KeyRing&&) noexcept;

    [[nodiscard]] bool empty() const noexcept;
    [[nodiscard]] std::size_t size() const noexcept;
    /// First 16 hexadecimal digits of SHA-256 of each key, primary first: what people see.
    [[nodiscard]] std::vector<std::string> fingerprints() const;
    /// The keys themselves, primary first; for the file and for sealed transport only.
    [[nodiscard]] std::vector<Bytes> keys() const;
    [[nodiscard]] static std::string fingerprint(BytesView key);

    /// A key of 16, 24 or 32 bytes; one that is there already changes nothing; the first becomes primary.
    /// Errors: Malformed (size), TooLarge (ring is full).
    Result<void> add(BytesView key);
    /// Errors: NotFound.
    Result<void> use(std::string_view fingerprint);
    /// Errors: NotFound, Conflict (it is the primary).
    Result<void> remove(std::string_view fingerprint);

    /// Appends format byte 1, nonce, ciphertext, tag. The ring is not empty; `nonce` is fresh from the system's generator
    /// (or, under simulation, from its own).
    void seal(BytesView plain, BytesView additional,
              std::span<const std::uint8_t, kNonceBytes> nonce, Bytes& out) const;
    /// Whether these bytes could be sealed ones: by format and size, before any key is tried.
    [[nodiscard]] static bool looks_sealed(BytesView bytes) noexcept;
    /// Opens format 0 or 1 into `out` (replaced). The answer is the index of the key that fitted.
    /// Errors: Malformed (size, format, padding, empty content), Refused (no key fits).
    Result<std::size_t> open(BytesView sealed, BytesView additional, Bytes& out) const;

private:
    struct Slot;  ///< with cipher contexts of its own, so copies share nothing
    [[nodiscard]] std::size_t find(std::string_view fingerprint) const noexcept;
    std::vector<std::unique_ptr<Slot>> slots_;
};

/// `{"keys": ["<base64>", …], "primary": 0}`, as `anode keys gen` writes it. Errors: Malformed, with the place.
Result<KeyRing> parse_key_ring(std::string_view json);
std::string key_ring_json(const KeyRing& ring);

}  // namespace anode::membership
