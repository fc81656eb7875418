#include "base/text.hpp"
#include "core/expr/expr.hpp"

namespace anode::expr {

namespace {
constexpr std::size_t kPathBytesMax = 1024;
constexpr std::size_t kPathStepsMax = 64;
}  // namespace

Result<Path> Path::parse(std::string_view text) {
    Path path;
    path.text_ = text;
    if (text.empty()) return path;
    if (text.size() > kPathBytesMax) return fail(Errc::TooLarge, "a path of more than 1,024 bytes");
    if (!text::is_utf8(text)) return fail(Errc::Malformed, "a path that is no valid UTF-8");
    const auto parts = text::split(text, '.');
    if (parts.size() > kPathStepsMax) return fail(Errc::TooLarge, "a path of more than 64 steps");
    for (const std::string_view part : parts) {
        if (part.empty())
            return fail(Errc::Malformed, "path " + text::json_string(text) + ": a step is empty");
        for (const char c : part) {
            if (static_cast<unsigned char>(c) < 0x20)
                return fail(Errc::Malformed, "a path with a control character");
        }
        const auto index = text::parse_u64(part);
        Step step{std::string(part)};
        if (index && *index <= 0xffffffff) {
            step.is_index = true;
            step.index = static_cast<std::uint32_t>(*index);
        }
        path.steps_.push_back(std::move(step));
    }
    return path;
}

json::Value Path::get(const json::Value& from) const {
    json::Value at = from;
    for (const Step& step : steps_) {
        if (!at.present()) return at;
        at = step.is_index && at.is_array() ? at.at(step.index) : at.find(step.name);
    }
    return at;
}

}  // namespace anode::expr
