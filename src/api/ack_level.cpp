#include "api/doors.hpp"
#include "base/text.hpp"

namespace anode::api {

std::optional<AckLevel> AckLevel::parse(std::string_view text) {
    if (text == "received") return AckLevel{Ack::Received, 1};
    if (text == "disk") return AckLevel{};
    if (!text.starts_with("copies:")) return std::nullopt;
    const auto copies = text::parse_u64(text.substr(7));
    if (!copies || *copies == 0 || *copies > kCopiesMax) return std::nullopt;
    return AckLevel{Ack::Disk, static_cast<unsigned>(*copies)};
}

std::string AckLevel::text() const {
    if (ack == Ack::Received) return "received";
    return copies <= 1 ? "disk" : "copies:" + std::to_string(copies);
}

}  // namespace anode::api
