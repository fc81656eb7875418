/// One listener that reads history from its beginning until it has so many messages.
///   replay port=P server=PID messages=N topics=> [wire=ndjson|ws]
#include "load/run.hpp"
#include "load/ws.hpp"

int main(int argc, char** argv) {
    const bench::Args args(argc, argv);
    const auto wanted = static_cast<std::uint64_t>(args.number("messages", 1e6));
    const int server = static_cast<int>(args.number("server", 0));
    const int fd = bench::connect_to(args.count("port", 0));
    const std::string target =
        "/v1/stream?topics=" + args.text("topics", "%3E") + "&format=data&from=earliest";
    const bool ndjson = args.text("wire", "ndjson") == "ndjson";
    const double cpu = bench::cpu_seconds(server);
    const std::int64_t began = bench::now_ns();
    if (ndjson)  // HTTP/1.0: the body is the lines and nothing else
        bench::send_all(fd, "GET " + target + " HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
    else if (!bench::upgrade(fd, target))
        bench::die("upgrade");
    std::uint64_t seen = 0, bytes = 0;
    bool body = !ndjson;
    bench::FrameWalk frames;
    static char buffer[1 << 20];
    while (seen < wanted) {
        const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0) bench::die("the stream ended early");
        std::string_view view(buffer, static_cast<std::size_t>(got));
        bytes += view.size();
        if (!ndjson) {
            frames.walk(
                view, [](std::uint64_t) {}, [&](std::string_view, bool last) { seen += last; });
            continue;
        }
        if (!body) {
            const auto end = view.find("\r\n\r\n");
            if (end == std::string_view::npos) bench::die("head");
            view.remove_prefix(end + 4);
            body = true;
        }
        for (const char* at = view.data();
             (at = static_cast<const char*>(std::memchr(at, '\n', view.data() + view.size() - at)));
             ++at)
            ++seen;
    }
    const double took = static_cast<double>(bench::now_ns() - began) / 1e9;
    const auto count = static_cast<double>(seen);
    bench::Answer()
        .with("per_second", count / took)
        .with("per_cpu_second", count / (bench::cpu_seconds(server) - cpu))
        .with("bytes_per_message", static_cast<double>(bytes) / count)
        .count("messages", seen)
        .print();
}
