#include "core/membership/key_ring.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace anode::membership {

namespace {

constexpr std::size_t kHeadBytes = 1 + KeyRing::kNonceBytes;
constexpr std::size_t kKeyBytesMax = 32;
constexpr std::size_t kPadBytesMax = 16;
/// By format. An empty content is no message, so format 1 holds a byte at least; format 0 pads it to a block.
constexpr std::array<std::size_t, 2> kBytesMin{KeyRing::kOverhead + kPadBytesMax,
                                               KeyRing::kOverhead + 1};

const unsigned char* data_of(BytesView bytes) noexcept {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* data_of(char* bytes) noexcept { return reinterpret_cast<unsigned char*>(bytes); }

const EVP_CIPHER* cipher_of(std::size_t key_bytes) noexcept {
    switch (key_bytes) {
        case 16:
            return EVP_aes_128_gcm();
        case 24:
            return EVP_aes_192_gcm();
        default:
            return EVP_aes_256_gcm();
    }
}

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

}  // namespace

/// One key with its name and the two contexts that were keyed with it, made when first needed.
struct KeyRing::Slot {
    explicit Slot(BytesView bytes) : key_bytes(bytes.size()), name(fingerprint(bytes)) {
        std::copy(bytes.begin(), bytes.end(), key.begin());
    }
    Slot(const Slot& other) : key(other.key), key_bytes(other.key_bytes), name(other.name) {}
    Slot& operator=(const Slot&) = delete;
    ~Slot() { OPENSSL_cleanse(key.data(), key.size()); }

    [[nodiscard]] BytesView view() const noexcept {
        return {reinterpret_cast<const char*>(key.data()), key_bytes};
    }
    [[nodiscard]] bool is(BytesView bytes) const noexcept {
        return bytes.size() == key_bytes && CRYPTO_memcmp(bytes.data(), key.data(), key_bytes) == 0;
    }
    EVP_CIPHER_CTX* sealing() {
        if (!seal_context) {
            seal_context.reset(EVP_CIPHER_CTX_new());
            ANODE_ASSERT(seal_context != nullptr);
            ANODE_ASSERT(EVP_EncryptInit_ex(seal_context.get(), cipher_of(key_bytes), nullptr,
                                            key.data(), nullptr) == 1);
        }
        return seal_context.get();
    }
    EVP_CIPHER_CTX* opening() {
        if (!open_context) {
            open_context.reset(EVP_CIPHER_CTX_new());
            ANODE_ASSERT(open_context != nullptr);
            ANODE_ASSERT(EVP_DecryptInit_ex(open_context.get(), cipher_of(key_bytes), nullptr,
                                            key.data(), nullptr) == 1);
        }
        return open_context.get();
    }

    std::array<unsigned char, kKeyBytesMax> key{};
    std::size_t key_bytes;
    std::string name;
    Context seal_context, open_context;
};

namespace {

/// Decrypts into `to`, which has room for the whole ciphertext. False: the tag does not fit.
bool decrypt(EVP_CIPHER_CTX* context, BytesView sealed, BytesView additional, unsigned char* to) {
    const BytesView coded =
        sealed.substr(kHeadBytes, sealed.size() - kHeadBytes - KeyRing::kTagBytes);
    std::array<unsigned char, KeyRing::kTagBytes> tag;
    std::copy_n(sealed.end() - KeyRing::kTagBytes, KeyRing::kTagBytes, tag.begin());
    int size = 0;
    return EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, data_of(sealed.substr(1))) == 1 &&
           (additional.empty() || EVP_DecryptUpdate(context, nullptr, &size, data_of(additional),
                                                    static_cast<int>(additional.size())) == 1) &&
           EVP_DecryptUpdate(context, to, &size, data_of(coded), static_cast<int>(coded.size())) ==
               1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, KeyRing::kTagBytes, tag.data()) ==
               1 &&
           EVP_DecryptFinal_ex(context, to + size, &size) == 1;
}

/// Takes the padding of format 0 off. False: it is none, or nothing is left.
bool unpad(Bytes& plain) {
    const auto padding = static_cast<std::uint8_t>(plain.back());
    if (padding < 1 || padding > kPadBytesMax || padding >= plain.size()) return false;
    plain.resize(plain.size() - padding);
    return true;
}

}  // namespace

KeyRing::KeyRing() = default;
KeyRing::~KeyRing() = default;
KeyRing::KeyRing(KeyRing&&) noexcept = default;
KeyRing& KeyRing::operator=(KeyRing&&) noexcept = default;

KeyRing::KeyRing(const KeyRing& other) {
    slots_.reserve(other.slots_.size());
    for (const auto& slot : other.slots_) slots_.push_back(std::make_unique<Slot>(*slot));
}

KeyRing& KeyRing::operator=(const KeyRing& other) {
    if (this != &other) *this = KeyRing(other);
    return *this;
}

bool KeyRing::empty() const noexcept { return slots_.empty(); }
std::size_t KeyRing::size() const noexcept { return slots_.size(); }

std::vector<std::string> KeyRing::fingerprints() const {
    std::vector<std::string> names;
    for (const auto& slot : slots_) names.push_back(slot->name);
    return names;
}

std::vector<Bytes> KeyRing::keys() const {
    std::vector<Bytes> keys;
    for (const auto& slot : slots_) keys.emplace_back(slot->view());
    return keys;
}

std::string KeyRing::fingerprint(BytesView key) {
    std::array<char, EVP_MAX_MD_SIZE> digest{};
    ANODE_ASSERT(EVP_Digest(key.data(), key.size(), data_of(digest.data()), nullptr, EVP_sha256(),
                            nullptr) == 1);
    return text::hex({digest.data(), 8});
}

Result<void> KeyRing::add(BytesView key) {
    if (key.size() != 16 && key.size() != 24 && key.size() != 32) {
        return fail(Errc::Malformed, "a key has 16, 24 or 32 bytes");
    }
    if (std::ranges::any_of(slots_, [&](const auto& slot) { return slot->is(key); })) return {};
    if (slots_.size() == kKeysMax) return fail(Errc::TooLarge, "the key ring is full");
    slots_.push_back(std::make_unique<Slot>(key));
    return {};
}

std::size_t KeyRing::find(std::string_view fingerprint) const noexcept {
    const auto at =
        std::ranges::find_if(slots_, [&](const auto& slot) { return slot->name == fingerprint; });
    return static_cast<std::size_t>(at - slots_.begin());
}

Result<void> KeyRing::use(std::string_view fingerprint) {
    const std::size_t at = find(fingerprint);
    if (at == slots_.size()) return fail(Errc::NotFound, "no key of this fingerprint");
    const auto first = slots_.begin();
    std::rotate(first, first + static_cast<std::ptrdiff_t>(at),
                first + static_cast<std::ptrdiff_t>(at) + 1);
    return {};
}

Result<void> KeyRing::remove(std::string_view fingerprint) {
    const std::size_t at = find(fingerprint);
    if (at == slots_.size()) return fail(Errc::NotFound, "no key of this fingerprint");
    if (at == 0) return fail(Errc::Conflict, "the primary key cannot be removed");
    slots_.erase(slots_.begin() + static_cast<std::ptrdiff_t>(at));
    return {};
}

void KeyRing::seal(BytesView plain, BytesView additional,
                   std::span<const std::uint8_t, kNonceBytes> nonce, Bytes& out) const {
    ANODE_ASSERT(!empty() && plain.size() <= INT32_MAX && additional.size() <= INT32_MAX);
    const std::size_t before = out.size();
    out.resize(before + kOverhead + plain.size());
    char* at = out.data() + before;
    *at++ = 1;
    at = std::copy(nonce.begin(), nonce.end(), at);
    EVP_CIPHER_CTX* context = slots_.front()->sealing();
    int size = 0;
    bool good = EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1;
    if (!additional.empty()) {
        good = good && EVP_EncryptUpdate(context, nullptr, &size, data_of(additional),
                                         static_cast<int>(additional.size())) == 1;
    }
    good = good && EVP_EncryptUpdate(context, data_of(at), &size, data_of(plain),
                                     static_cast<int>(plain.size())) == 1;
    good = good && EVP_EncryptFinal_ex(context, data_of(at + size), &size) == 1;
    good = good &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kTagBytes, at + plain.size()) == 1;
    ANODE_ASSERT(good);  // only a broken library gets here: sizes and key are checked
}

bool KeyRing::looks_sealed(BytesView bytes) noexcept {
    if (bytes.empty()) return false;
    const auto format = static_cast<std::uint8_t>(bytes.front());
    return format < kBytesMin.size() && bytes.size() >= kBytesMin[format];
}

Result<std::size_t> KeyRing::open(BytesView sealed, BytesView additional, Bytes& out) const {
    out.clear();
    if (!looks_sealed(sealed) || sealed.size() > INT32_MAX || additional.size() > INT32_MAX) {
        return fail(Errc::Malformed, "sealed: too short, empty inside, or an unknown format");
    }
    out.resize(sealed.size() - kOverhead);
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        if (!decrypt(slots_[i]->opening(), sealed, additional, data_of(out.data()))) continue;
        if (sealed.front() == 0 && !unpad(out)) {
            out.clear();
            return fail(Errc::Malformed, "sealed: bad padding, or nothing inside");
        }
        return i;
    }
    out.clear();
    return fail(Errc::Refused, "sealed: no key fits");
}

}  // namespace anode::membership
