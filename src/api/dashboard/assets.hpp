#pragma once

#include <string_view>
#include <vector>

/// The files of the dashboard, as its build packed them: an index in text, then the bytes of each file plain, in Brotli and in gzip.
/// Source: dashboard/build.mjs.
namespace anode::api::dashboard {

/// One file. All views are into the archive, which lies in read-only memory.
struct Asset {
    std::string_view path;  ///< as it is asked for
    std::string_view type;  ///< media type
    std::string_view tag;   ///< changes with the content
    std::string_view plain, brotli, gzip;
};

/// Thread: made once, then read by all. Errors: an archive that cannot be read has no files, and says why.
class Assets {
public:
    explicit Assets(std::string_view archive);
    /// What this program carries.
    static const Assets& built_in();

    [[nodiscard]] const Asset* find(std::string_view path) const noexcept;
    [[nodiscard]] bool empty() const noexcept { return files_.empty(); }
    /// Why there are none; for people.
    [[nodiscard]] std::string_view why_empty() const noexcept { return why_; }

private:
    std::vector<Asset> files_;  ///< by path
    std::string_view why_;
};

}  // namespace anode::api::dashboard
