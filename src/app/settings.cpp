#include "app/settings.hpp"

#include <unistd.h>

#include <filesystem>

#include "app/cluster/options.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/limits.hpp"

namespace anode::app {

LogOptions log_options(const Config& config) {
    LogOptions options;
    const std::string format = config.text("log.format");
    options.json = format == "json" || (format == "auto" && ::isatty(STDOUT_FILENO) == 0);
    json::Document levels;
    if (!levels.parse(config.settings().at("log.level").json)) return options;
    const json::Value root = levels.root();
    if (root.is_string()) options.level = parse_level(root.string()).value_or(log::Level::Info);
    if (!root.is_object()) return options;
    for (json::Value member = root.first(); member; member = member.next_in(root)) {
        const log::Level level = parse_level(member.string()).value_or(log::Level::Info);
        if (member.name() == "default")
            options.level = level;
        else
            options.components.emplace_back(member.name(), level);
    }
    return options;
}

api::AckLevel ack_level_of(const Config& config) {
    return api::AckLevel::parse(config.text("storage.ack")).value_or(api::AckLevel{});
}

std::shared_ptr<const EgressPolicy> egress_of(const Config& config,
                                              const std::vector<std::string>& listening) {
    EgressOptions options;
    for (const std::string& network : config.list("egress.allow_private"))
        if (const auto parsed = IpNetwork::parse(network)) options.allow_private.push_back(*parsed);
    options.ports.clear();
    for (const std::string& port : config.list("egress.ports"))
        options.ports.push_back(static_cast<std::uint16_t>(text::parse_u64(port).value_or(0)));
    for (const std::string& address : listening) options.own_ports.push_back(port_of(address));
    options.own_ports.push_back(port_of(config.text("mesh.listen")));
    options.own_addresses = interface_addresses();
    return std::make_shared<const EgressPolicy>(std::move(options));
}

Result<std::unique_ptr<Store>> open_store(const Config& config, metrics::Registry& metrics,
                                          std::uint64_t memory) {
    const std::string directory = config.text("node.data_dir");
    std::error_code failed;
    std::filesystem::create_directories(directory, failed);
    if (failed) return fail(Errc::Io, directory + ": " + failed.message());
    StoreOptions options;
    options.directory = directory + "/store";
    options.sync_interval = config.duration("storage.sync_interval");
    options.min_free_fraction = config.share("storage.min_free");
    options.cache_bytes =
        std::min<std::uint64_t>(config.size("storage.rocksdb.cache", memory), 1ull << 30);
    options.metrics = &metrics;
    return Store::open(options);
}

}  // namespace anode::app
