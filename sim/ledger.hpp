#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/mesh/mesh.hpp"
#include "core/mesh/range_set.hpp"
#include "sim/disk.hpp"

namespace anode::sim {

/// What one run of a node was given, by what an outsider saw; begins with what its disk held.
struct Book {
    struct Shelf {
        mesh::RangeSet have;
        mesh::RangeSet told;     ///< holes it told of, whatever became of them
        mesh::RangeSet skipped;  ///< given up, and told so
        Seq live = 0;            ///< the last that came in order
    };
    std::map<LogKey, Shelf> shelves;
    static Book of(const Disk& disk);
};

/// All blocks that any node of the cluster ever sealed, and the checks that compare what nodes tell with them:
///   I1  no message comes twice in a run, none out of order but marked as late.
///   I2  a message is the same everywhere, to the byte.
///   I5  what a node lacks it told of: every hole below what it has is open or was given up, and said so.
class Ledger {
public:
    using Broken = std::function<void(std::string_view check, std::string detail)>;
    explicit Ledger(Broken broken) : broken_(std::move(broken)) {}

    void sealed(const LogKey& log, const mesh::WireBlock& block);
    void delivered(Book& book, std::string_view who, const mesh::Deliver& deliver);
    void gap(Book& book, const mesh::GapOpened& gap);
    void gap(Book& book, const mesh::GapClosed& gap);
    /// Compares a book with what the mesh shows (I3, I5).
    void compare(const Book& book, std::string_view who, const std::vector<mesh::LogView>& views);

    [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
    [[nodiscard]] Seq head(const LogKey& log) const;

private:
    struct Origin {
        std::map<Seq, std::uint64_t> blocks;  ///< hash of each, by its first sequence
        Seq head = 0;
    };
    Broken broken_;
    std::map<LogKey, Origin> origins_;
    std::uint64_t messages_ = 0;
};

[[nodiscard]] std::string text_of(const LogKey& log);

}  // namespace anode::sim
