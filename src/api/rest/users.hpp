#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/rest/answer.hpp"

/// People who sign in at the dashboard with a password. Known to all nodes; of the password only a digest is.
namespace anode::api::rest {

struct User {
    std::string name;
    std::uint8_t roles = 0;  ///< bits, 1 << Role
    std::vector<std::string> topics;
    std::string password;  ///< digest, see password.hpp
    WallTime changed = 0;
};

/// What a request says of a user. What is left out stays as `old` has it; without `old` roles and password are needed.
struct UserWish {
    User user;
    std::optional<std::string> password;  ///< in clear, for as long as it takes to digest it
};
Read<UserWish> read_user(std::string_view name, BytesView json, const User* old);
/// The document of a user; never the password's digest.
Bytes user_json(const User& user);
/// As it is stored, digest included; and back.
Bytes encode_user(const User& user);
std::optional<User> decode_user(BytesView record);
Caller caller_of(const User& user);

}  // namespace anode::api::rest
