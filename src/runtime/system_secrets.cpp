#include "runtime/system_secrets.hpp"

#include <cstdlib>
#include <fstream>

namespace anode {
namespace {

constexpr std::size_t kSecretBytesMax = 64 << 10;

Result<std::string> of_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(Errc::NotFound, "the secret's file " + path + " cannot be read");
    std::string secret(kSecretBytesMax + 1, '\0');
    file.read(secret.data(), static_cast<std::streamsize>(secret.size()));
    secret.resize(static_cast<std::size_t>(file.gcount()));
    if (secret.size() > kSecretBytesMax)
        return fail(Errc::TooLarge, "the secret's file " + path + " is over 64 KiB");
    if (secret.ends_with('\n')) secret.pop_back();
    if (secret.ends_with('\r')) secret.pop_back();
    return secret;
}

}  // namespace

Result<std::string> SystemSecrets::value(const source::SecretRef& reference) const {
    if (reference.from == source::SecretRef::From::File) return of_file(reference.name);
    const char* value = std::getenv(reference.name.c_str());
    if (value == nullptr) return fail(Errc::NotFound, "the environment has no " + reference.name);
    return std::string(value);
}

}  // namespace anode
