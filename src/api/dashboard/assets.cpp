#include "api/dashboard/assets.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "base/text.hpp"

extern "C" {
extern const char anode_dashboard_begin;  // NOLINT: names of the assembler file
extern const char anode_dashboard_end;
}

namespace anode::api::dashboard {

namespace {

constexpr std::string_view kPresent = "anode-dashboard 1 ", kAbsent = "anode-dashboard 0 ";
constexpr std::size_t kColumns = 6;

/// `offset length` of a piece of `bytes`.
std::optional<std::string_view> piece(std::string_view bytes, std::string_view place) {
    const auto parts = text::split(place, ' ');
    if (parts.size() != 2) return std::nullopt;
    const auto offset = text::parse_u64(parts[0]), length = text::parse_u64(parts[1]);
    if (!offset || !length || *offset > bytes.size() || *length > bytes.size() - *offset)
        return std::nullopt;
    return bytes.substr(*offset, *length);
}

std::optional<Asset> read_line(std::string_view line, std::string_view bytes) {
    const auto columns = text::split(line, '\t');
    if (columns.size() != kColumns) return std::nullopt;
    const auto plain = piece(bytes, columns[3]), brotli = piece(bytes, columns[4]),
               gzip = piece(bytes, columns[5]);
    if (!plain || !brotli || !gzip) return std::nullopt;
    return Asset{columns[0], columns[1], columns[2], *plain, *brotli, *gzip};
}

}  // namespace

Assets::Assets(std::string_view archive) : why_("its files cannot be read") {
    const std::size_t end = archive.find("\n\n");
    if (end == std::string_view::npos) return;
    const auto lines = text::split(archive.substr(0, end), '\n');
    if (lines.front().starts_with(kAbsent)) {
        why_ = lines.front().substr(kAbsent.size());
        return;
    }
    if (!lines.front().starts_with(kPresent)) return;
    std::vector<Asset> files;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const auto asset = read_line(lines[i], archive.substr(end + 2));
        if (!asset) return;
        files.push_back(*asset);
    }
    std::ranges::sort(files, {}, &Asset::path);
    files_ = std::move(files);
}

const Assets& Assets::built_in() {
    static const Assets assets({&anode_dashboard_begin, &anode_dashboard_end});
    return assets;
}

const Asset* Assets::find(std::string_view path) const noexcept {
    const auto at = std::ranges::lower_bound(files_, path, {}, &Asset::path);
    return at != files_.end() && at->path == path ? &*at : nullptr;
}

}  // namespace anode::api::dashboard
