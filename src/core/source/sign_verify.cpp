#include <openssl/crypto.h>

#include "base/text.hpp"
#include "core/source/sign_parts.hpp"
#include "core/source/source_time.hpp"

/// Signatures of what is pushed to us.
namespace anode::source {

namespace {

Result<void> check_age(const VerifySpec& verify, std::string_view timestamp, WallTime now) {
    const auto time = parse_source_time(timestamp, TimeUnit::Auto);
    if (!time) return fail(Errc::Refused, "header `" + verify.timestamp + "` holds no time");
    const WallTime tolerance =
        std::chrono::duration_cast<std::chrono::microseconds>(verify.tolerance).count();
    if (*time > now + tolerance || *time < now - tolerance)
        return fail(Errc::Refused, "the push is too old, or the clocks differ");
    return {};
}

}  // namespace

Result<void> verify_push(
    const VerifySpec& verify, BytesView body,
    const std::function<std::optional<std::string_view>(std::string_view)>& header, WallTime now,
    const Secrets& secrets) {
    const auto given = header(verify.header);
    if (!given) return fail(Errc::Refused, "header `" + verify.header + "` is missing");
    std::string_view signature = text::trim(*given);
    if (!signature.starts_with(verify.prefix))
        return fail(Errc::Refused,
                    "header `" + verify.header + "` does not begin with `" + verify.prefix + "`");
    signature.remove_prefix(verify.prefix.size());
    const auto bytes =
        verify.encode == Encode::Hex ? text::from_hex(signature) : text::from_base64(signature);
    if (!bytes) return fail(Errc::Refused, "header `" + verify.header + "` holds no signature");

    Variables variables{{"body", std::string(body)}};
    if (!verify.timestamp.empty()) {
        const auto timestamp = header(verify.timestamp);
        if (!timestamp) return fail(Errc::Refused, "header `" + verify.timestamp + "` is missing");
        if (auto fresh = check_age(verify, *timestamp, now); !fresh) return fresh;
        variables["timestamp"] = std::string(text::trim(*timestamp));
    }
    auto over = verify.over.text(Context{.variables = &variables, .wall = now});
    if (!over) return std::unexpected(over.error());
    auto secret = secrets.value(verify.secret);
    if (!secret) return std::unexpected(secret.error());
    auto expected = hmac(verify.hash, *secret, *over);
    if (!expected) return std::unexpected(expected.error());
    if (expected->size() != bytes->size() ||
        CRYPTO_memcmp(expected->data(), bytes->data(), bytes->size()) != 0) {
        return fail(Errc::Refused, "the signature does not fit the push");
    }
    return {};
}

}  // namespace anode::source
