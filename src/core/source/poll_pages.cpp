#include "core/source/poll_pages.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "core/source/machine_request.hpp"

namespace anode::source {

namespace {

std::uint64_t identity(const Row& row) {
    return row.id.empty() ? hash64(row.payload) : hash64(row.id, hash64(row.key));
}

std::string_view origin_of(std::string_view url) {
    const std::size_t scheme = url.find("://");
    if (scheme == std::string_view::npos) return {};
    return url.substr(0, url.find_first_of("/?#", scheme + 3));
}

/// Whether a parameter list such as `; rel="next prev"` names `next`.
bool is_next(std::string_view parameters) {
    for (const std::string_view part : text::split(parameters, ';')) {
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos) continue;
        if (!text::iequals(text::trim(part.substr(0, equals)), "rel")) continue;
        std::string_view value = text::trim(part.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
        for (const std::string_view word : text::split(value, ' ')) {
            if (text::iequals(word, "next")) return true;
        }
    }
    return false;
}

}  // namespace

std::optional<std::string> next_link(HeaderView headers) {
    for (const auto& [name, value] : headers) {
        if (!text::iequals(name, "Link")) continue;
        std::string_view rest = value;
        while (true) {
            const std::size_t open = rest.find('<');
            const std::size_t close = rest.find('>', open == std::string_view::npos ? 0 : open);
            if (open == std::string_view::npos || close == std::string_view::npos) break;
            const std::size_t end = rest.find('<', close);
            const std::string_view parameters = rest.substr(close + 1, end - close - 1);
            const std::size_t comma = parameters.rfind(',');
            const bool last = end == std::string_view::npos;
            if (is_next(last ? parameters : parameters.substr(0, comma))) {
                return std::string(rest.substr(open + 1, close - open - 1));
            }
            if (last) break;
            rest = rest.substr(end);
        }
    }
    return std::nullopt;
}

Result<std::string> resolve(std::string_view base, std::string_view reference) {
    const std::string_view origin = origin_of(base);
    if (reference.find("://") != std::string_view::npos) {
        if (!text::iequals(origin_of(reference), origin)) {
            return fail(Errc::Refused, "the next page is on another host");
        }
        return std::string(reference);
    }
    if (reference.starts_with("//")) {
        return fail(Errc::Refused, "the next page is on another host");
    }
    if (reference.starts_with("/")) return std::string(origin) + std::string(reference);
    if (reference.starts_with("?")) {
        return std::string(base.substr(0, base.find_first_of("?#"))) + std::string(reference);
    }
    return fail(Errc::Malformed, "the next page is no URL");
}

void Pages::begin(std::string url) {
    round_ = {};
    round_.first_url = std::move(url);
    waiting_.clear();
    ids_.clear();
}

void Pages::note(Desk& desk, Desk::Mark from, const Shaped& shaped, bool keep) {
    ++round_.pages;
    round_.rows += shaped.emitted + shaped.repeats;
    if (shaped.repeats > 0) round_.met_known = true;
    std::vector<Row>& rows = desk.out->rows;
    for (std::size_t i = from.rows; i < rows.size(); ++i) {
        const Row& row = rows[i];
        const std::uint64_t id = identity(row);
        if (past_ids_.contains(id)) round_.met_known = true;
        ids_.insert(id);
        if (row.source_time) {
            round_.oldest = std::min(round_.oldest.value_or(*row.source_time), *row.source_time);
            round_.newest = std::max(round_.newest.value_or(*row.source_time), *row.source_time);
        }
        round_.last_id = row.id;
    }
    if (!keep) return;
    std::vector<std::unique_ptr<KeptRow>>& page = waiting_.emplace_back();
    for (std::size_t i = from.rows; i < rows.size(); ++i) {
        page.push_back(std::make_unique<KeptRow>(rows[i]));
    }
    rows.resize(from.rows);
}

Result<std::optional<std::string>> Pages::next(const Desk& desk, const in::Answered& answer,
                                               const Shaped& shaped,
                                               const Variables& variables) const {
    const PagesSpec& spec = *desk.def->poll.pages;
    if (round_.pages >= spec.max || shaped.emitted + shaped.repeats == 0) return std::nullopt;
    if (spec.until_known && !spec.until && round_.met_known) return std::nullopt;
    if (spec.until && shaped.frame) {
        expr::Scope scope;
        scope.root = shaped.frame;
        if (spec.until->holds(scope)) return std::nullopt;
    }
    std::optional<std::string> reference;
    if (std::holds_alternative<PagesSpec::Link>(spec.next)) {
        reference = next_link(answer.headers);
    } else if (const auto* at = std::get_if<expr::Selector>(&spec.next)) {
        if (shaped.frame) reference = at->text_of(shaped.frame);
    } else {
        Variables page = variables;
        page["page"] = std::to_string(round_.pages + 1);
        page["last"] = round_.last_id;
        const Context context = context_of(desk, {}, &page, nullptr, nullptr);
        auto made = std::get<Template>(spec.next).text(context);
        if (!made) return std::unexpected(made.error());
        reference = std::move(*made);
    }
    if (!reference || reference->empty()) return std::nullopt;
    auto url = resolve(round_.first_url, *reference);
    if (!url) return std::unexpected(url.error());
    return std::optional<std::string>(std::move(*url));
}

void Pages::release(Desk& desk) {
    const Desk::Mark from = desk.mark();
    const bool oldest_first = desk.def->poll.pages && desk.def->poll.pages->oldest_first;
    if (oldest_first) {
        std::reverse(waiting_.begin(), waiting_.end());
        for (auto& page : waiting_) std::reverse(page.begin(), page.end());
    }
    for (auto& page : waiting_) {
        for (auto& row : page) desk.out->rows.push_back(desk.keep(std::move(row)));
    }
    waiting_.clear();
    desk.publish(from);
}

void Pages::finish() {
    if (round_.rows > 0) {
        past_rows_ = round_.rows;
        if (!ids_.empty()) past_ids_ = std::move(ids_);
        if (round_.newest) past_newest_ = round_.newest;
    }
    ids_.clear();
}

}  // namespace anode::source
