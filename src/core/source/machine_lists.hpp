#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/source/backoff.hpp"
#include "core/source/items.hpp"
#include "core/source/machine_desk.hpp"
#include "core/source/machine_request.hpp"

/// The item lists of a source, written down or fetched over HTTP and refreshed (C11).
namespace anode::source {

/// Thread: as its machine. A list that cannot be fetched anew goes on serving as it was.
class ItemLists {
public:
    ItemLists(Desk& desk, Courier& courier, TokenKeeper& token);

    /// Starts; all items if nothing has to be fetched first.
    std::optional<std::vector<Item>> begin();
    /// All items, if this answer made them complete or changed them.
    std::optional<std::vector<Item>> answered(std::size_t list, const in::Answered& answer);
    void failed(std::size_t list, const std::string& why);
    void fired(TimerId id);
    void reset();
    /// When a list that is missing is asked for again.
    [[nodiscard]] std::optional<WallTime> due() const noexcept { return due_; }

private:
    void fetch(std::size_t list);
    std::optional<std::vector<Item>> all();

    Desk& desk_;
    Courier& courier_;
    TokenKeeper& token_;
    struct List {
        std::optional<std::vector<Item>> items;
        TimerId timer{};
    };
    std::vector<List> lists_;
    Backoff backoff_;
    std::optional<WallTime> due_;
    bool complete_ = false;
};

}  // namespace anode::source
