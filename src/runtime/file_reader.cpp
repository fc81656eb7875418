#include "runtime/file_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "core/codec/inflate.hpp"
#include "runtime/loop.hpp"

namespace anode {
namespace {

constexpr std::size_t kPackedBatchBytes =
    16 << 10;  // compressed bytes a round: they may grow a thousandfold
constexpr std::uint32_t kRatioMax = 1000;

std::optional<codec::Coding> coding_of(const std::string& path) {
    if (path.ends_with(".gz")) return codec::Coding::Gzip;
    if (path.ends_with(".zst")) return codec::Coding::Zstd;
    return std::nullopt;
}

}  // namespace

struct FileReader::State final : Loop::Watcher, std::enable_shared_from_this<FileReader::State> {
    State(Loop& on, FileOptions wishes, FileHandler& told)
        : loop(on), options(std::move(wishes)), handler(&told), coding(coding_of(options.path)) {}
    ~State() override { close(); }

    void on_ready(std::uint32_t) override {
        const auto self = shared_from_this();
        if (!paused) read_some();
    }
    void open();
    void seek_to(std::uint64_t offset);
    void soon();
    void look_later();
    void read_some();
    void at_end();
    bool replaced() const;
    void restart();
    void take(BytesView bytes);
    void split();
    void end(Result<void> result);
    void close() noexcept;
    [[nodiscard]] bool over() const noexcept { return handler == nullptr; }

    Loop& loop;
    FileOptions options;
    FileHandler* handler;
    std::optional<codec::Coding> coding;
    std::optional<codec::Decompressor> decoder;
    int fd = -1;
    bool pollable = false;  ///< a pipe or terminal: read when the kernel says so
    bool paused = false;
    bool turn_waits = false;
    bool told_open = false;
    TimerId again{};
    std::uint64_t stored_bytes = 0;  ///< read from this file, as stored
    std::uint64_t total_bytes = 0;   ///< of all files
    std::uint64_t skip_bytes = 0;    ///< uncompressed bytes still to pass over
    std::uint64_t position = 0;      ///< of the first byte of `pending`
    Bytes pending;
    std::uint64_t skipping = 0;  ///< bytes of a line over the limit, so far
    Bytes buffer;
    Bytes unpacked;
    std::vector<FileLine> lines;
};

void FileReader::State::open() {
    const bool standard_input = options.path == "-";
    fd = standard_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                        : ::open(options.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        if (options.follow && errno == ENOENT) return look_later();
        return end(fail(errno == ENOENT ? Errc::NotFound : Errc::Io,
                        std::string("open: ") + std::strerror(errno)));
    }
    if (coding) {
        decoder.emplace(*coding, codec::InflateLimits{UINT64_MAX, kRatioMax, 1 << 20});
        buffer.resize(kPackedBatchBytes);
    } else {
        buffer.resize(options.batch_bytes);
    }
    pollable = loop.watch(fd, paused ? 0u : std::uint32_t{Loop::Readable}, *this).has_value();
    seek_to(std::exchange(options.from, 0));
    if (!std::exchange(told_open, true)) handler->on_open();
    if (!over()) soon();
}

void FileReader::State::seek_to(std::uint64_t offset) {
    if (offset == 0) return;
    if (coding || pollable) {
        skip_bytes = offset;
        return;
    }
    struct stat facts{};
    if (::fstat(fd, &facts) != 0 || static_cast<std::uint64_t>(facts.st_size) < offset) {
        handler->on_restart();  // the file was cut since
        return;
    }
    ::lseek(fd, static_cast<off_t>(offset), SEEK_SET);
    stored_bytes = position = offset;
}

/// One batch a round, so that a large file does not hold up the loop.
void FileReader::State::soon() {
    if (pollable || paused || std::exchange(turn_waits, true)) return;
    loop.defer([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->turn_waits = false;
        if (!self->over() && !self->paused && self->fd >= 0) self->read_some();
    });
}

void FileReader::State::look_later() {
    again = loop.after(options.look_again, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->over()) return;
        self->again = {};
        if (self->fd < 0) return self->open();
        if (!self->paused) self->read_some();
    });
}

void FileReader::State::read_some() {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0) {
        if (errno == EINTR || errno == EAGAIN) return soon();
        return end(fail(Errc::Io, std::string("read: ") + std::strerror(errno)));
    }
    if (got == 0) return at_end();
    const auto count = static_cast<std::size_t>(got);
    stored_bytes += count;
    total_bytes += count;
    if (!decoder) {
        take({buffer.data(), count});
    } else {
        unpacked.clear();
        if (const Result<void> fed = decoder->feed({buffer.data(), count}, unpacked); !fed)
            return end(std::unexpected(fed.error()));
        take(unpacked);
    }
    if (!over()) soon();
}

void FileReader::State::at_end() {
    if (options.follow && !pollable) return replaced() ? restart() : look_later();
    if (decoder) {
        if (const Result<void> whole = decoder->finish(); !whole)
            return end(std::unexpected(whole.error()));
    }
    if (!pending.empty() && skipping == 0) take("\n");
    if (skipping > 0) handler->on_skipped(skipping);
    if (!over()) end({});
}

/// Another file bears the name now, or this one is shorter than what was read.
bool FileReader::State::replaced() const {
    struct stat here{}, there{};
    if (::fstat(fd, &here) != 0) return true;
    if (::stat(options.path.c_str(), &there) != 0)
        return false;  // moved away: the new one is not there yet
    return here.st_ino != there.st_ino || here.st_dev != there.st_dev ||
           static_cast<std::uint64_t>(here.st_size) < stored_bytes;
}

void FileReader::State::restart() {
    // The last line of the old file may lack its end.
    if (!pending.empty() && skipping == 0) take("\n");
    if (over()) return;
    close();
    pending.clear();
    stored_bytes = skip_bytes = position = skipping = 0;
    handler->on_restart();
    if (!over()) open();
}

void FileReader::State::take(BytesView bytes) {
    if (skip_bytes > 0) {
        const auto skipped = std::min<std::uint64_t>(skip_bytes, bytes.size());
        bytes.remove_prefix(skipped);
        skip_bytes -= skipped;
        position += skipped;
    }
    if (skipping > 0) {
        const std::size_t line_end = bytes.find('\n');
        const std::size_t passed = line_end == BytesView::npos ? bytes.size() : line_end + 1;
        skipping += passed;
        position += passed;
        bytes.remove_prefix(passed);
        if (line_end == BytesView::npos) return;
        handler->on_skipped(std::exchange(skipping, 0));
        if (over()) return;
    }
    pending += bytes;
    split();
}

void FileReader::State::split() {
    lines.clear();
    std::size_t begin = 0;
    std::uint64_t too_long = 0;
    for (std::size_t line_end; (line_end = pending.find('\n', begin)) != Bytes::npos;
         begin = line_end + 1) {
        BytesView line = BytesView(pending).substr(begin, line_end - begin);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.size() > options.line_bytes_max)
            too_long += line.size();
        else if (!line.empty())
            lines.push_back({line, position + line_end + 1});
    }
    if (!lines.empty()) handler->on_lines(lines);
    if (over()) return;
    if (too_long > 0) handler->on_skipped(too_long);
    if (over()) return;
    pending.erase(0, begin);
    position += begin;
    if (pending.size() <= options.line_bytes_max) return;
    skipping = pending.size();
    position += pending.size();
    pending.clear();
}

void FileReader::State::end(Result<void> result) {
    close();
    if (handler != nullptr) std::exchange(handler, nullptr)->on_end(result);
}

void FileReader::State::close() noexcept {
    loop.cancel(std::exchange(again, TimerId{}));
    if (fd < 0) return;
    if (pollable) loop.unwatch(fd, *this);
    pollable = false;
    ::close(std::exchange(fd, -1));
}

FileReader::FileReader(Loop& loop, FileOptions options, FileHandler& handler)
    : state_(std::make_shared<State>(loop, std::move(options), handler)) {}

FileReader::~FileReader() {
    state_->handler = nullptr;
    state_->close();
}

void FileReader::start() {
    state_->loop.defer([weak = state_->weak_from_this()] {
        if (const auto self = weak.lock(); self && !self->over()) self->open();
    });
}

void FileReader::pause() {
    if (state_->over() || std::exchange(state_->paused, true)) return;
    if (state_->pollable) (void)state_->loop.rewatch(state_->fd, 0, *state_);
}

void FileReader::resume() {
    if (state_->over() || !std::exchange(state_->paused, false)) return;
    if (state_->pollable)
        (void)state_->loop.rewatch(state_->fd, Loop::Readable, *state_);
    else if (state_->fd >= 0 && state_->again == TimerId{})
        state_->soon();
}

std::uint64_t FileReader::bytes_read() const noexcept { return state_->total_bytes; }

}  // namespace anode
