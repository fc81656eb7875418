#include "interop/peer_flags.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <optional>

#include "base/text.hpp"
#include "core/membership/node_meta.hpp"

namespace anode::interop {
namespace {

using Setter = std::function<bool(Flags&, std::string_view)>;
struct Flag {
    Setter set;
    std::string_view help;
    bool is_switch = false;  ///< may stand without a value
};

std::optional<bool> parse_switch(std::string_view text) {
    if (text == "true" || text == "on" || text == "1") return true;
    if (text == "false" || text == "off" || text == "0") return false;
    return std::nullopt;
}

/// A sum of numbers with units: `200ms`, `1m30s`, `0`.
std::optional<Duration> parse_duration(std::string_view text) {
    static const std::map<std::string_view, double> kUnits{{"ns", 1},  {"us", 1e3}, {"ms", 1e6},
                                                           {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    if (text == "0") return Duration::zero();
    double sum = 0;
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
        double number = 0;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || number < 0) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
        const std::size_t unit_end = std::min(text.find_first_of("0123456789."), text.size());
        const auto unit = kUnits.find(text.substr(0, unit_end));
        if (unit == kUnits.end()) return std::nullopt;
        sum += number * unit->second;
        text.remove_prefix(unit_end);
    }
    return Duration(static_cast<std::int64_t>(sum));
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        std::string_view part = text.substr(0, comma);
        while (part.starts_with(' ')) part.remove_prefix(1);
        while (part.ends_with(' ')) part.remove_suffix(1);
        if (!part.empty()) out.emplace_back(part);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return out;
}

Flag text_flag(std::string_view help, std::function<std::string&(Flags&)> field) {
    return {[field](Flags& flags, std::string_view value) {
                field(flags) = value;
                return true;
            },
            help};
}
Flag switch_flag(std::string_view help, std::function<bool&(Flags&)> field) {
    return {[field](Flags& flags, std::string_view value) {
                const auto on = parse_switch(value);
                if (on) field(flags) = *on;
                return on.has_value();
            },
            help, true};
}
template <class T>
Flag number_flag(std::string_view help, T& (*field)(Flags&)) {
    return {[field](Flags& flags, std::string_view value) {
                const auto [stop, error] =
                    std::from_chars(value.data(), value.data() + value.size(), field(flags));
                return error == std::errc{} && stop == value.data() + value.size();
            },
            help};
}
Flag duration_flag(std::string_view help, Duration membership::Timing::* field) {
    return {[field](Flags& flags, std::string_view value) {
                const auto duration = parse_duration(value);
                if (duration) flags.config.timing.*field = *duration;
                return duration.has_value();
            },
            help};
}
Flag count_flag(std::string_view help, unsigned membership::Timing::* field) {
    return {[field](Flags& flags, std::string_view value) {
                const auto [stop, error] = std::from_chars(
                    value.data(), value.data() + value.size(), flags.config.timing.*field);
                return error == std::errc{} && stop == value.data() + value.size();
            },
            help};
}

bool set_preset(Flags& flags, std::string_view name) {
    if (name == "lan")
        flags.config.timing = membership::Timing::lan();
    else if (name == "wan")
        flags.config.timing = membership::Timing::wan();
    else if (name == "local")
        flags.config.timing = membership::Timing::local();
    else
        return false;
    return true;
}

bool set_keys(Flags& flags, std::string_view list) {
    const auto all = split_list(list);
    return std::ranges::all_of(all, [&](const std::string& text) {
        const auto key = parse_key(text);
        return key && flags.keys.add(*key);
    });
}

bool set_versions(Flags& flags, std::string_view list) {
    const auto parts = split_list(list);
    if (parts.size() != 3) return false;
    for (std::size_t i = 0; i < 3; ++i) {
        const auto number = text::parse_u64(parts[i]);
        if (!number || *number > 255) return false;
        flags.config.delegate_versions[i] = static_cast<std::uint8_t>(*number);
    }
    return true;
}

bool set_meta_base64(Flags& flags, std::string_view value) {
    const auto bytes = text::from_base64(value);
    if (bytes) flags.config.meta = *bytes;
    return bytes.has_value();
}

std::map<std::string_view, Flag> make_flags() {
    using membership::Timing;
    std::map<std::string_view, Flag> all;
    all["name"] = text_flag("name, unique in the cluster",
                            [](Flags& f) -> std::string& { return f.config.name; });
    all["bind"] =
        text_flag("address to listen on", [](Flags& f) -> std::string& { return f.bind; });
    all["port"] = number_flag<std::uint16_t>("port to listen on, 0 for a free one",
                                             [](Flags& f) -> std::uint16_t& { return f.port; });
    all["advertise"] =
        text_flag("address to tell others", [](Flags& f) -> std::string& { return f.advertise; });
    all["advertise-port"] = number_flag<std::uint16_t>(
        "port to tell others", [](Flags& f) -> std::uint16_t& { return f.advertise_port; });
    all["join"] = {[](Flags& f, std::string_view v) {
                       std::ranges::move(split_list(v), std::back_inserter(f.contacts));
                       return true;
                   },
                   "contacts; comma list or repeated"};
    all["key"] = {set_keys, "key, base64 or hex:…; the first is primary; comma list or repeated"};
    all["label"] =
        text_flag("label of the cluster", [](Flags& f) -> std::string& { return f.config.label; });
    all["meta"] =
        text_flag("metadata as text", [](Flags& f) -> std::string& { return f.config.meta; });
    all["meta-base64"] = {set_meta_base64, "metadata as base64"};
    all["state"] = text_flag("text sent as user state in push/pull",
                             [](Flags& f) -> std::string& { return f.state; });
    all["preset"] = {set_preset, "timing: lan, wan, local; other timing flags change it"};
    all["delegate-versions"] = {set_versions, "delegate protocol min,max,current"};
    all["members"] = number_flag<unsigned>("that many members in this process, NAME-1 …",
                                           [](Flags& f) -> unsigned& { return f.members; });
    all["compress"] = switch_flag("compression of what is sent",
                                  [](Flags& f) -> bool& { return f.config.compression; });
    all["verify-incoming"] = switch_flag("with a key: refuse clear text", [](Flags& f) -> bool& {
        return f.config.verify_incoming;
    });
    all["verify-outgoing"] = switch_flag(
        "with a key: send sealed", [](Flags& f) -> bool& { return f.config.verify_outgoing; });
    all["tcp"] = switch_flag("false: neither dial nor accept streams",
                             [](Flags& f) -> bool& { return f.tcp; });
    all["tcp-pings"] = switch_flag("ping by stream where a packet is not answered",
                                   [](Flags& f) -> bool& { return f.config.timing.stream_pings; });
    all["log"] = switch_flag("notices on stderr", [](Flags& f) -> bool& { return f.log; });
    all["help"] = switch_flag("this text", [](Flags& f) -> bool& { return f.help; });
    all["fast"] = {switch_flag("", [](Flags& f) -> bool& { return f.config.fast.on; }).set,
                   "on|off: the fast profile between members that know it"};
    all["udp-buffer"] = number_flag<std::size_t>(
        "largest packet built", [](Flags& f) -> std::size_t& { return f.config.packet_bytes_max; });
    all["probe-interval"] = duration_flag("one probe round", &Timing::probe_interval);
    all["probe-timeout"] = duration_flag("wait for a direct ack", &Timing::probe_timeout);
    all["gossip-interval"] = duration_flag("between gossip rounds", &Timing::gossip_interval);
    all["gossip-to-the-dead"] =
        duration_flag("go on gossiping to a dead member", &Timing::gossip_to_the_dead);
    all["push-pull-interval"] =
        duration_flag("between full exchanges", &Timing::push_pull_interval);
    all["tcp-timeout"] = duration_flag("of an exchange by stream", &Timing::stream_timeout);
    all["dead-node-reclaim"] = duration_flag(
        "a dead member's name may come back elsewhere after this", &Timing::dead_reclaim);
    all["suspicion-mult"] = count_flag("suspicion time multiplier", &Timing::suspicion_mult);
    all["suspicion-max-mult"] =
        count_flag("suspicion upper bound multiplier", &Timing::suspicion_max_mult);
    all["retransmit-mult"] = count_flag("retransmissions of news", &Timing::retransmit_mult);
    all["indirect-checks"] = count_flag("members asked to ping for us", &Timing::indirect_checks);
    all["gossip-nodes"] = count_flag("members a gossip round", &Timing::gossip_nodes);
    all["awareness-max"] = count_flag("local health multiplier", &Timing::awareness_max);
    return all;
}

const std::map<std::string_view, Flag>& all_flags() {
    static const std::map<std::string_view, Flag> kAll = make_flags();
    return kAll;
}

/// With the fast profile on and no metadata given, the member is one that knows it, as a node of ours is.
void show_as_ours(Flags& flags) {
    if (!flags.config.fast.on || !flags.config.meta.empty()) return;
    membership::NodeMeta meta;
    meta.capabilities = membership::NodeMeta::kFast;
    flags.config.meta = meta.encode();
}

}  // namespace

Result<Bytes> parse_key(std::string_view text) {
    std::optional<Bytes> key;
    if (text.starts_with("hex:"))
        key = text::from_hex(text.substr(4));
    else
        key = text::from_base64(text.starts_with("base64:") ? text.substr(7) : text);
    if (!key || (key->size() != 16 && key->size() != 24 && key->size() != 32))
        return fail(Errc::Malformed, "a key is 16, 24 or 32 bytes in base64, or hex:…");
    return *key;
}

Result<Flags> parse_flags(std::span<char* const> arguments) {
    Flags flags;
    flags.config.fast.on = false;  // like the Go peer, unless told
    // The preset first, wherever it stands: single timings change it.
    std::vector<std::pair<std::string_view, std::string_view>> given;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string_view name = arguments[i];
        if (!name.starts_with('-')) return fail(Errc::Malformed, "unexpected " + std::string(name));
        name.remove_prefix(name.starts_with("--") ? 2 : 1);
        const std::size_t equals = name.find('=');
        const auto flag = all_flags().find(name.substr(0, equals));
        if (flag == all_flags().end())
            return fail(Errc::Malformed, "unknown flag -" + std::string(name));
        std::string_view value = "true";
        if (equals != std::string_view::npos)
            value = name.substr(equals + 1);
        else if (!flag->second.is_switch) {
            if (++i == arguments.size())
                return fail(Errc::Malformed, "-" + std::string(name) + " wants a value");
            value = arguments[i];
        }
        given.emplace_back(flag->first, value);
    }
    for (const bool preset : {true, false})
        for (const auto& [name, value] : given)
            if ((name == "preset") == preset && !all_flags().at(name).set(flags, value))
                return fail(Errc::Malformed, "-" + std::string(name) + " " + std::string(value) +
                                                 ": not understood");
    if (flags.config.meta.size() > membership::kMetaBytesMax)
        return fail(Errc::Malformed, "metadata has at most 512 bytes");
    if (flags.config.name.empty() || flags.members == 0)
        return fail(Errc::Malformed, "-name is missing, or there are no members");
    show_as_ours(flags);
    return flags;
}

std::string help_text() {
    std::string out;
    for (const auto& [name, flag] : all_flags())
        out.append("  -").append(name).append("\t").append(flag.help).append("\n");
    return out;
}

}  // namespace anode::interop
