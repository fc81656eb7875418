#include "api/rest/alerts.hpp"

#include <algorithm>

namespace anode::api::rest {

namespace {

std::optional<Alert> alert_of(const Check& check) {
    if (check.status == "ok") return std::nullopt;
    Alert alert;
    alert.id = check.name;
    alert.critical = check.status == "fail";
    alert.detail = check.detail;
    alert.since = check.since;
    return alert;
}

}  // namespace

std::string_view Alert::state() const noexcept {
    if (silenced_until != 0) return "silenced";
    return acknowledged_by.empty() ? "open" : "acknowledged";
}

void AlertBook::apply(Alert& alert, const Said& said, WallTime now) {
    const bool silent = said.silenced_until > now;
    const bool known = !said.by.empty() && said.about == alert.since;
    if (silent) alert.silenced_until = said.silenced_until;
    if (known) alert.acknowledged_by = said.by;
    if (silent || known) alert.comment = said.comment;
}

std::vector<Alert> AlertBook::open(WallTime now) {
    std::vector<Alert> alerts;
    for (const Check& check : node_.health())
        if (auto alert = alert_of(check)) alerts.push_back(std::move(*alert));
    std::ranges::sort(alerts, {}, &Alert::id);
    const std::lock_guard lock(mutex_);
    for (Alert& alert : alerts)
        if (const auto said = said_.find(alert.id); said != said_.end())
            apply(alert, said->second, now);
    return alerts;
}

std::optional<Alert> AlertBook::find(std::string_view id) const {
    for (const Check& check : node_.health())
        if (check.name == id) return alert_of(check);
    return std::nullopt;
}

std::optional<Alert> AlertBook::say(std::string_view id, bool dry_run, WallTime now,
                                    const std::function<void(Said&, const Alert&)>& change) {
    auto alert = find(id);
    if (!alert) return std::nullopt;
    const std::lock_guard lock(mutex_);
    const auto found = said_.find(id);
    Said said = found == said_.end() ? Said{} : found->second;
    change(said, *alert);
    apply(*alert, said, now);
    if (!dry_run) said_.insert_or_assign(alert->id, std::move(said));
    return alert;
}

std::optional<Alert> AlertBook::acknowledge(std::string_view id, const std::string& by,
                                            const std::string& comment, bool dry_run,
                                            WallTime now) {
    return say(id, dry_run, now, [&](Said& said, const Alert& alert) {
        said.about = alert.since;
        said.by = by;
        said.comment = comment;
    });
}

std::optional<Alert> AlertBook::silence(std::string_view id, WallTime until,
                                        const std::string& comment, bool dry_run, WallTime now) {
    return say(id, dry_run, now, [&](Said& said, const Alert&) {
        said.silenced_until = until;
        said.comment = comment;
    });
}

}  // namespace anode::api::rest
