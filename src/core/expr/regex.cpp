#include "core/expr/regex.hpp"

#include <re2/re2.h>

namespace anode::expr {

namespace {
constexpr std::int64_t kMemoryMax = 2 << 20;  ///< of one compiled pattern with its caches
}

struct Regex::Impl {
    Impl(std::string_view pattern, const re2::RE2::Options& options)
        : re(re2::StringPiece(pattern.data(), pattern.size()), options) {}
    re2::RE2 re;
};

Regex::Regex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Regex::~Regex() = default;

std::expected<std::shared_ptr<const Regex>, std::string> Regex::compile(std::string_view pattern,
                                                                        std::string_view flags) {
    re2::RE2::Options options(re2::RE2::Quiet);
    options.set_max_mem(kMemoryMax);
    for (const char flag : flags) {
        switch (flag) {
            case 'i':
                options.set_case_sensitive(false);
                break;
            case 'p':
                options.set_dot_nl(true);
                break;
            case 'g':
            case 's':
            case 'l':
                break;
            case 'x':
            case 'n':
                return std::unexpected(std::string("the flag `") + flag +
                                       "` of `test` is not in the compiled subset");
            default:
                return std::unexpected(std::string(flags) + " is not a valid modifier string");
        }
    }
    auto impl = std::make_unique<Impl>(pattern, options);
    if (!impl->re.ok())
        return std::unexpected("the regular expression is wrong: " + impl->re.error());
    return std::shared_ptr<const Regex>(new Regex(std::move(impl)));
}

bool Regex::matches(std::string_view text) const {
    return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), impl_->re);
}

}  // namespace anode::expr
