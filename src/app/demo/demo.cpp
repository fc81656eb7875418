#include "app/demo/demo.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>

#include "app/cli/output.hpp"
#include "app/demo/definitions.hpp"
#include "app/demo/public_feeds.hpp"
#include "app/demo/simulator.hpp"
#include "app/identity.hpp"
#include "app/run.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDataDir = "./anode-data-demo";

int complain(const std::vector<ConfigComplaint>& complaints) {
    for (const ConfigComplaint& complaint : complaints)
        std::fprintf(stderr, "%s: %s%s\n", complaint.place.c_str(),
                     complaint.key.empty() ? "" : (complaint.key + ": ").c_str(),
                     complaint.detail.c_str());
    return exit_code::kBadConfig;
}

/// Signals are the node's: threads that begin before it must not take them.
void leave_signals_to_the_node() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGQUIT}) sigaddset(&set, signal);
    (void)pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

std::set<std::string> names_of(const std::vector<DeclaredSource>& sources) {
    std::set<std::string> names;
    json::Document document;
    for (const DeclaredSource& source : sources)
        if (document.parse(source.json)) names.insert(document.root()["name"].string());
    return names;
}

std::string set_list(const char* key, const std::vector<std::string>& values, bool quoted) {
    std::string set = std::string(key) + "=[";
    for (const std::string& value : values)
        set.append(set.ends_with('[') ? "" : ",").append(quoted ? text::json_string(value) : value);
    return set + "]";
}

/// Held as long as a demo runs: a second one must not write over the files of the first.
class FolderLock {
public:
    explicit FolderLock(const std::string& data)
        : fd_(::open((data + "/demo.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {}
    ~FolderLock() {
        if (fd_ >= 0) ::close(fd_);
    }
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;
    [[nodiscard]] bool held() const noexcept {
        return fd_ >= 0 && ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
    }

private:
    int fd_;
};

struct Stage {
    Config::From from;
    std::unique_ptr<FolderLock> lock;
    std::string data;  ///< the node's data directory
    std::size_t simulated = 0, published = 0;
    std::vector<std::string> webhooks;
    std::string folder;  ///< where the definitions lie
};

/// The user's own configuration beside the demo's, in a folder of the data directory: links to theirs, so that a reload
/// sees what they change, and files that show how the demo's sources are written.
bool write_folder(Stage& stage, const std::string& own_file, const std::string& demo,
                  const std::string& feeds) {
    std::error_code failed;
    const fs::path folder = stage.folder, more = folder / "conf.d";
    fs::remove_all(folder, failed);
    fs::create_directories(more, failed);
    if (failed) return false;
    if (own_file.empty()) {
        std::ofstream(folder / "anode.toml")
            << "# anode demo was started without a configuration file\n";
    } else {
        fs::create_symlink(fs::absolute(own_file), folder / "anode.toml", failed);
        std::error_code none;
        for (const auto& entry :
             fs::directory_iterator(fs::absolute(own_file).parent_path() / "conf.d", none))
            if (entry.path().extension() == ".toml" && !failed)
                fs::create_symlink(entry.path(), more / entry.path().filename(), failed);
    }
    std::ofstream(more / "zz-demo.toml") << demo;
    if (!feeds.empty()) std::ofstream(more / "zz-public.toml") << feeds;
    stage.from.file = (folder / "anode.toml").string();
    return !failed && fs::exists(more / "zz-demo.toml");
}

/// What the node is run with: the user's settings, and access to the simulator's port on loopback, nothing more.
std::expected<Stage, int> set_stage(const DemoOptions& options, std::uint16_t port) {
    const auto own = Config::load(options.from);
    if (!own) return std::unexpected(complain(own.error()));
    Stage stage;
    stage.from = options.from;
    std::string data = own->text("node.data_dir");
    if (own->settings().at("node.data_dir").origin == "default") {
        data = kDataDir;
        stage.from.sets.push_back("node.data_dir=" + data);
    }
    auto networks = own->list("egress.allow_private");
    networks.emplace_back("127.0.0.0/8");
    auto ports = own->list("egress.ports");
    ports.push_back(std::to_string(port));
    stage.from.sets.push_back(set_list("egress.allow_private", networks, true));
    stage.from.sets.push_back(set_list("egress.ports", ports, false));
    demo::DemoSources sources = demo::simulated_sources(port);
    const demo::PublicFeeds feeds =
        options.offline ? demo::PublicFeeds{} : demo::public_feeds(names_of(own->sources));
    stage.simulated = sources.count;
    stage.published = feeds.count;
    stage.webhooks = std::move(sources.webhooks);
    stage.data = data;
    stage.folder = data + "/demo";
    std::error_code ignored;
    fs::create_directories(data, ignored);
    stage.lock = std::make_unique<FolderLock>(data);
    if (!stage.lock->held()) {
        std::fprintf(stderr, "anode: another demo runs in %s, or nothing can be written there\n",
                     data.c_str());
        return std::unexpected(exit_code::kFailed);
    }
    if (!write_folder(stage, options.from.file, sources.toml, feeds.toml)) {
        std::fprintf(stderr, "anode: %s cannot be written\n", stage.folder.c_str());
        return std::unexpected(exit_code::kFailed);
    }
    return stage;
}

void greet(const std::string& url, const Stage& stage, const std::string& token) {
    const std::string socket = "ws" + url.substr(4);
    std::string text = "\n  aNode demo: " + std::to_string(stage.simulated) +
                       " simulated sources, some hundred messages a second";
    if (stage.published > 0)
        text +=
            "; " + std::to_string(stage.published) + " public feeds join where there is Internet";
    text += "\n\n";
    text += "    browser    " + url + "/\n";
    text += "    watch      curl -N '" + url + "/v1/stream?topics=demo.crypto.BTCUSD.*'\n";
    text += "               curl -N '" + url +
            "/v1/stream?topics=demo.social.>,demo.wiki.>&format=data'\n";
    text += "               websocat '" + socket + "/v1/stream?topics=demo.sea.>&from=-1m'\n";
    text += "    last       curl -N '" + url + "/v1/stream?topics=demo.weather.*.now&from=last'\n";
    text += "    sources    curl '" + url +
            "/v1/sources?limit=1000'      or: anode sources ls --url " + url + "\n";
    text += "    as TOML    " + stage.folder + "/conf.d/zz-demo.toml\n";
    if (!token.empty())
        text += "    token      -H \"Authorization: Bearer $(cat " + stage.data +
                "/bootstrap-token)\"\n";
    text += "    end        Ctrl-C\n\n";
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

}  // namespace

int run_demo(const DemoOptions& options) {
    leave_signals_to_the_node();
    auto simulator = demo::Simulator::start();
    if (!simulator) {
        std::fprintf(stderr, "anode: %s\n", simulator.error().what.c_str());
        return exit_code::kFailed;
    }
    const auto stage = set_stage(options, (*simulator)->port());
    if (!stage) return stage.error();
    auto config = Config::load(stage->from);
    if (!config) return complain(config.error());
    const bool tokens = config->text("auth.mode") == "tokens";
    return run_node({std::move(*config), stage->from, [&](const std::string& url) {
                         const std::string token =
                             tokens ? bootstrap_token(stage->data).value_or("") : "";
                         greet(url, *stage, token);
                         (*simulator)->push_to(url, token, stage->webhooks);
                     }});
}

}  // namespace anode::app
