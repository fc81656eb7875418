#include "runtime/file_reader.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "core/codec/inflate.hpp"
#include "support/loop_fixture.hpp"

namespace anode {
namespace {

using namespace support;
using testing::ElementsAre;

struct Lines final : FileHandler {
    void on_lines(std::span<const FileLine> told) override {
        facts.change([&] {
            for (const FileLine& line : told) {
                lines.emplace_back(line.text);
                positions.push_back(line.position);
            }
        });
        if (when_lines) when_lines();
    }
    void on_restart() override {
        facts.change([&] { ++restarts; });
    }
    void on_skipped(std::uint64_t bytes) override {
        facts.change([&] { skipped.push_back(bytes); });
    }
    void on_end(const Result<void>& told) override {
        facts.change([&] {
            end = told;
            ended = true;
        });
    }
    Facts facts;
    std::vector<std::string> lines;
    std::vector<std::uint64_t> positions, skipped;
    int restarts = 0;
    bool ended = false;
    Result<void> end;
    std::function<void()> when_lines;
};

class FileReaderSpec : public LoopSpec {
protected:
    FileReaderSpec() {
        char name[] = "/tmp/anode-file-XXXXXX";
        folder = mkdtemp(name);
    }
    ~FileReaderSpec() override {
        on_loop([this] { reader.reset(); });
        std::filesystem::remove_all(folder);
    }
    std::string file(const std::string& name, const std::string& bytes, bool append = false) {
        const std::string path = folder + '/' + name;
        std::ofstream(path, append ? std::ios::app : std::ios::trunc) << bytes;
        return path;
    }
    void read(FileOptions options) {
        options.look_again = 1ms;
        on_loop([&] {
            reader = std::make_unique<FileReader>(loop, std::move(options), lines);
            reader->start();
        });
    }
    bool ended() {
        return lines.facts.wait([&] { return lines.ended; });
    }
    bool has(std::size_t count) {
        return lines.facts.wait([&] { return lines.lines.size() >= count; });
    }

    std::string folder;
    Lines lines;
    std::unique_ptr<FileReader> reader;
};

TEST_F(FileReaderSpec, GivesLinesWithTheirPositions) {
    read({.path = file("a.ndjson", "one\n\ntwo\r\nlast")});
    ASSERT_TRUE(ended());
    EXPECT_TRUE(lines.end);
    EXPECT_THAT(lines.lines, ElementsAre("one", "two", "last"));
    EXPECT_EQ(lines.positions[0], 4u);
    EXPECT_EQ(lines.positions[1], 10u);
}

TEST_F(FileReaderSpec, GoesOnFromAPosition) {
    read({.path = file("a", "one\ntwo\nthree\n"), .from = 4});
    ASSERT_TRUE(ended());
    EXPECT_THAT(lines.lines, ElementsAre("two", "three"));
    EXPECT_THAT(lines.positions, ElementsAre(8u, 14u));
}

TEST_F(FileReaderSpec, UnpacksAndGoesOnInUnpackedBytes) {
    for (const auto& [suffix, coding] :
         {std::pair(".gz", codec::Coding::Gzip), std::pair(".zst", codec::Coding::Zstd)}) {
        Lines mine;
        const std::string path =
            file(std::string("a") + suffix, codec::compress(coding, "one\ntwo\nthree\n"));
        on_loop([&] {
            reader = std::make_unique<FileReader>(loop, FileOptions{.path = path, .from = 4}, mine);
            reader->start();
        });
        ASSERT_TRUE(mine.facts.wait([&] { return mine.ended; }));
        EXPECT_TRUE(mine.end) << suffix;
        EXPECT_THAT(mine.lines, ElementsAre("two", "three")) << suffix;
        EXPECT_THAT(mine.positions, ElementsAre(8u, 14u)) << suffix;
        on_loop([&] { reader.reset(); });
    }
}

TEST_F(FileReaderSpec, TellsBrokenCompression) {
    const Bytes whole = codec::compress(codec::Coding::Gzip, std::string(10'000, 'x') + "\n");
    read({.path = file("a.gz", whole.substr(0, whole.size() - 6))});
    ASSERT_TRUE(ended());
    EXPECT_FALSE(lines.end);
}

TEST_F(FileReaderSpec, TellsAMissingFile) {
    read({.path = folder + "/none"});
    ASSERT_TRUE(ended());
    EXPECT_EQ(lines.end.error().code, Errc::NotFound);
}

TEST_F(FileReaderSpec, TellsThatAFolderIsNoFile) {
    read({.path = folder});
    ASSERT_TRUE(ended());
    EXPECT_EQ(lines.end.error().code, Errc::Io);
}

TEST_F(FileReaderSpec, SkipsALineOverTheLimitAndCountsIt) {
    read({.path =
              file("a", "short\n" + std::string(5000, 'x') + "\nnext\n" + std::string(2000, 'y')),
          .line_bytes_max = 100,
          .batch_bytes = 64});
    ASSERT_TRUE(ended());
    EXPECT_THAT(lines.lines, ElementsAre("short", "next"));
    EXPECT_EQ(lines.skipped.size(), 2u);
    EXPECT_EQ(lines.positions[1], 6u + 5001 + 5);
}

TEST_F(FileReaderSpec, FollowsAFileThatGrows) {
    const std::string path = file("log", "one\nhal");
    read({.path = path, .follow = true});
    ASSERT_TRUE(has(1));
    file("log", "f\nthree\n", true);
    ASSERT_TRUE(has(3));
    EXPECT_THAT(lines.lines, ElementsAre("one", "half", "three"));
    EXPECT_FALSE(lines.ended);
}

TEST_F(FileReaderSpec, StartsOverWhenAFollowedFileIsReplacedOrCut) {
    const std::string path = file("log", "first file\n");
    read({.path = path, .follow = true});
    ASSERT_TRUE(has(1));
    std::filesystem::rename(path, path + ".1");
    file("log", "second file\n");
    ASSERT_TRUE(has(2));
    file("log", "cut\n");
    ASSERT_TRUE(has(3));
    EXPECT_THAT(lines.lines, ElementsAre("first file", "second file", "cut"));
    EXPECT_EQ(lines.restarts, 2);
}

TEST_F(FileReaderSpec, WaitsForAFollowedFileThatIsNotThereYet) {
    read({.path = folder + "/later", .follow = true});
    on_loop([] {});
    file("later", "here\n");
    EXPECT_TRUE(has(1));
}

TEST_F(FileReaderSpec, ReadsNothingWhilePaused) {
    std::string many;
    for (int i = 0; i < 10'000; ++i) many += "line\n";
    lines.when_lines = [&] { reader->pause(); };
    read({.path = file("a", many), .batch_bytes = 100});
    ASSERT_TRUE(has(20));
    for (int i = 0; i < 10; ++i) on_loop([] {});
    on_loop([&] { EXPECT_EQ(lines.lines.size(), 20u); });
    on_loop([&] {
        lines.when_lines = nullptr;
        reader->resume();
    });
    ASSERT_TRUE(ended());
    EXPECT_EQ(lines.lines.size(), 10'000u);
}

TEST_F(FileReaderSpec, ReadsAPipeAsItFills) {
    const std::string path = folder + "/pipe";
    ASSERT_EQ(::system(("mkfifo " + path).c_str()), 0);
    std::fstream writer(path,
                        std::ios::in | std::ios::out);  // both ends, so that opening does not wait
    read({.path = path});
    writer << "through a pipe\n" << std::flush;
    EXPECT_TRUE(has(1));
    on_loop([&] { reader.reset(); });
}

}  // namespace
}  // namespace anode
