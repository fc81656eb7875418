#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace anode {

class Loop;

struct FileOptions {
    std::string path;        ///< `-` is standard input; `.gz` and `.zst` are decompressed
    std::uint64_t from = 0;  ///< position to go on from, as FileLine gave it
    /// Wait for more at the end; start over when the file is replaced or cut (tail -F).
    bool follow = false;
    std::size_t line_bytes_max = 16 << 20;
    std::size_t batch_bytes = 256 << 10;  ///< read per round
    Duration look_again = 250ms;          ///< when following
};

/// Without its end. `position` is the offset behind it, of the uncompressed bytes.
struct FileLine {
    BytesView text;
    std::uint64_t position = 0;
};

class FileHandler {
public:
    virtual ~FileHandler() = default;
    virtual void on_open() {}
    /// Empty lines are left out. Views live until the callback returns.
    virtual void on_lines(std::span<const FileLine> lines) = 0;
    /// The file was cut or replaced: lines may be missing or come again.
    virtual void on_restart() {}
    /// A line over the limit was skipped.
    virtual void on_skipped(std::uint64_t bytes) = 0;
    /// The last call; not with `follow` unless reading failed.
    virtual void on_end(const Result<void>& end) = 0;
};

/// The lines of a file (NDJSON), in order, a batch per round of the loop.
/// Thread:  the loop's. Reads of regular files block as long as the disk does.
/// Errors:  NotFound (not with `follow`: it waits), Io, Malformed (broken compression).
class FileReader {
public:
    FileReader(Loop& loop, FileOptions options, FileHandler& handler);
    /// No callback afterwards; allowed inside one.
    ~FileReader();

    void start();
    void pause();
    void resume();
    [[nodiscard]] std::uint64_t bytes_read() const noexcept;  ///< as stored, before decompression

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace anode
