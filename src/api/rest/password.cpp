#include "api/rest/password.hpp"

#include <argon2.h>

#include <array>
#include <semaphore>
#include <vector>

#include "base/assert.hpp"
#include "runtime/random.hpp"

namespace anode::api::rest::password {

namespace {

constexpr std::uint32_t kPasses = 1, kMemoryKib = 46 * 1024, kLanes = 1;
constexpr std::size_t kSaltBytes = 16, kDigestBytes = 32;

std::counting_semaphore<2>& at_work() {
    static std::counting_semaphore<2> places(2);
    return places;
}

/// A place among those who compute, given back at the end.
class Place {
public:
    Place() : held_(at_work().try_acquire()) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
        if (held_) at_work().release();
    }
    [[nodiscard]] bool held() const noexcept { return held_; }

private:
    bool held_;
};

std::unexpected<Error> busy() { return fail(Errc::Overloaded, "others are signing in just now"); }

std::string encoded(std::string_view password) {
    std::array<std::uint8_t, kSaltBytes> salt{};
    os_random(salt);
    const std::size_t size =
        argon2_encodedlen(kPasses, kMemoryKib, kLanes, kSaltBytes, kDigestBytes, Argon2_id);
    std::string text(size, '\0');
    const int done =
        argon2id_hash_encoded(kPasses, kMemoryKib, kLanes, password.data(), password.size(),
                              salt.data(), salt.size(), kDigestBytes, text.data(), text.size());
    ANODE_ASSERT(done == ARGON2_OK);
    text.resize(text.find('\0'));
    return text;
}

}  // namespace

Result<std::string> digest(std::string_view password) {
    const Place place;
    if (!place.held()) return busy();
    return encoded(password);
}

Result<bool> matches(const std::string& digest, std::string_view password) {
    const Place place;
    if (!place.held()) return busy();
    return argon2id_verify(digest.c_str(), password.data(), password.size()) == ARGON2_OK;
}

const std::string& of_nobody() {
    static const std::string kDigest = [] {
        std::array<std::uint8_t, 32> unknown{};
        os_random(unknown);
        return encoded({reinterpret_cast<const char*>(unknown.data()), unknown.size()});
    }();
    return kDigest;
}

}  // namespace anode::api::rest::password
