/// From exec to the first listener that is accepted.
///   start port=P target=/v1/stream?topics=bench.f -- PROGRAM ARG…
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>

#include "load/run.hpp"
#include "load/ws.hpp"

int main(int argc, char** argv) {
    int split = 1;
    while (split < argc && std::string_view(argv[split]) != "--") ++split;
    if (split + 1 >= argc) bench::die("no program");
    const bench::Args args(split, argv);
    const unsigned port = args.count("port", 0);
    const std::int64_t began = bench::now_ns();
    pid_t child = 0;
    if (::posix_spawnp(&child, argv[split + 1], nullptr, nullptr, argv + split + 1, environ) != 0)
        bench::die("spawn");
    int fd = -1;
    while ((fd = bench::try_connect(port)) < 0) {
        if (bench::now_ns() - began > 60'000'000'000) bench::die("it does not start");
        ::usleep(200);
    }
    const bool accepted = bench::upgrade(fd, args.text("target", "/"));
    const double took = static_cast<double>(bench::now_ns() - began) / 1e6;
    ::kill(child, SIGTERM);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!accepted) bench::die("upgrade");
    bench::Answer().with("ms", took).print();
}
