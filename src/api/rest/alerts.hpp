#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/doors.hpp"

/// Open alerts of a node: each of its checks that is not well, and what people have said about it.
/// Source: interfaces, section 10.
namespace anode::api::rest {

struct Alert {
    std::string id;  ///< the check's name
    bool critical = false;
    std::string detail;
    WallTime since = 0;
    std::string acknowledged_by;  ///< empty: nobody looks after it
    WallTime silenced_until = 0;  ///< 0: not silenced
    std::string comment;

    [[nodiscard]] std::string_view state() const noexcept;
    [[nodiscard]] std::string_view severity() const noexcept {
        return critical ? "critical" : "warning";
    }
};

/// What people have said about alerts. It is this node's, and gone with its process: whoever restarts a node looks anew.
/// Thread: any.
class AlertBook {
public:
    explicit AlertBook(const NodeControl& node) : node_(node) {}

    /// By id.
    [[nodiscard]] std::vector<Alert> open(WallTime now);
    /// Holds until the alert ends. None if there is no such alert.
    std::optional<Alert> acknowledge(std::string_view id, const std::string& by,
                                     const std::string& comment, bool dry_run, WallTime now);
    /// Holds until then, even if the alert ends and comes again.
    std::optional<Alert> silence(std::string_view id, WallTime until, const std::string& comment,
                                 bool dry_run, WallTime now);

private:
    struct Said {
        WallTime about = 0;  ///< since when the alert was open that was acknowledged
        std::string by;
        WallTime silenced_until = 0;
        std::string comment;
    };
    [[nodiscard]] std::optional<Alert> find(std::string_view id) const;
    /// Changes what is said of an alert by `change`.
    std::optional<Alert> say(std::string_view id, bool dry_run, WallTime now,
                             const std::function<void(Said&, const Alert&)>& change);
    static void apply(Alert& alert, const Said& said, WallTime now);

    const NodeControl& node_;
    std::mutex mutex_;  ///< guards said_
    std::map<std::string, Said, std::less<>> said_;
};

}  // namespace anode::api::rest
