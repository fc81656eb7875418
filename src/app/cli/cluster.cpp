#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "app/cli/commands.hpp"
#include "base/text.hpp"
#include "runtime/random.hpp"

/// The cluster from the command line: its nodes, joining and leaving, its keys.
namespace anode::app {
namespace {

constexpr std::size_t kKeyBytes = 32;

const std::vector<Output::Column>& key_columns() {
    static const std::vector<Output::Column> columns{
        {"ID", "id"},           {"KIND", "kind"}, {"ANSWERED", "answered"},
        {"PRIMARY", "primary"}, {"KEYS", "keys"}, {"ERROR", "error"}};
    return columns;
}

std::string random_key() {
    std::uint8_t key[kKeyBytes];
    os_random(key);
    return text::base64({reinterpret_cast<const char*>(key), sizeof key});
}

int make_keys() {
    std::string json;
    json::Writer out(json);
    out.begin_object().key("keys").begin_array().value(random_key()).end_array();
    out.member("primary", 0).end_object();
    Output::line(json);
    return exit_code::kDone;
}

int nodes(const Shell& shell, const std::string& id) {
    const Client client = shell.client();
    if (!id.empty())
        return shell.out().show_object(client.get("/v1/nodes/" + text::percent_encode(id)));
    return shell.out().show(client.get("/v1/nodes?limit=1000"), {{"ID", "id"},
                                                                 {"NAME", "name"},
                                                                 {"STATE", "state"},
                                                                 {"ADDRESS", "address"},
                                                                 {"ZONE", "zone"},
                                                                 {"VERSION", "version"},
                                                                 {"RTT_MS", "rtt_ms"},
                                                                 {"IN/S", "load.in_per_second"},
                                                                 {"CPU", "load.cpu"},
                                                                 {"FREE", "disk.free"},
                                                                 {"URL", "url"}});
}

Tried<Answer> post(const Client& client, const std::string& path, const Bytes& body) {
    return client.call("POST", path, body, {{"Content-Type", "application/json"}});
}

/// The API's own object if it was asked for, else a remark.
int told(const Shell& shell, const Tried<Answer>& answer, const std::string& remark) {
    if (!answer) return Output::trouble(answer.error());
    if (shell.out().as != OutputAs::Table) return shell.out().show(answer, {});
    shell.out().remark(remark);
    return exit_code::kDone;
}

int join(const Shell& shell, const std::vector<std::string>& addresses) {
    Bytes body;
    json::Writer out(body);
    out.begin_object().key("addresses").begin_array();
    for (const std::string& address : addresses) out.value(address);
    out.end_array().end_object();
    return told(shell, post(shell.client(), "/v1/cluster:join", body),
                "asked to join; `anode nodes` shows who is there");
}

int leave(const Shell& shell) {
    return told(shell, post(shell.client(), "/v1/cluster:leave", "{}"),
                "left; the node goes on by itself until it is started again");
}

int forget(const Shell& shell, const std::string& id) {
    return told(
        shell, post(shell.client(), "/v1/cluster:forget", "{\"id\":" + text::json_string(id) + "}"),
        "forgotten " + id);
}

/// What members say to a change of the ring; a refusal names those that stand against it.
int change_keys(const Shell& shell, const char* verb, const Bytes& body) {
    Target target = shell.client().target();
    if (!shell.timed()) target.timeout = 35s;  // a round waits for slow members
    const auto answer = post(Client(target), std::string("/v1/gossip/keys:") + verb, body);
    if (!answer && answer.error().status == 504) {
        Output::trouble(answer.error());
        return exit_code::kPartly;
    }
    return shell.out().show(answer, key_columns());
}

int list_keys(const Shell& shell) {
    const auto answer = shell.client().get("/v1/gossip/keys");
    const int code = shell.out().show(answer, key_columns());
    json::Document document;
    if (code != exit_code::kDone || !document.parse(answer->body)) return code;
    return document.root()["complete"].boolean().value_or(true) ? exit_code::kDone
                                                                : exit_code::kPartly;
}

/// The key as it was typed, read from standard input for `-`, or left to the node.
int install_key(const Shell& shell, std::string key) {
    if (key == "-") std::getline(std::cin, key);
    const std::string_view trimmed = text::trim(key);
    return change_keys(shell, "install",
                       trimmed.empty() ? "{}" : "{\"key\":" + text::json_string(trimmed) + "}");
}

int with_fingerprint(const Shell& shell, const char* verb, const std::string& fingerprint) {
    return change_keys(shell, verb, "{\"fingerprint\":" + text::json_string(fingerprint) + "}");
}

void add_cluster(CLI::App& app, Shell& shell) {
    auto* cluster = app.add_subcommand("cluster", "Join, leave, forget");
    cluster->require_subcommand(1);
    auto addresses = std::make_shared<std::vector<std::string>>();
    auto* joiner = cluster->add_subcommand("join", "Make the node know further contacts");
    joiner->add_option("address", *addresses, "host, host:port")->required();
    joiner->callback([&shell, addresses] {
        shell.chosen = [&shell, addresses] { return join(shell, *addresses); };
    });
    cluster->add_subcommand("leave", "Make the node leave its cluster")->callback([&shell] {
        shell.chosen = [&shell] { return leave(shell); };
    });
    auto id = std::make_shared<std::string>();
    auto* forgetter = cluster->add_subcommand("forget", "Remove a dead or left node for all");
    forgetter->add_option("id", *id)->required();
    forgetter->callback(
        [&shell, id] { shell.chosen = [&shell, id] { return forget(shell, *id); }; });
}

void add_keys(CLI::App& app, Shell& shell) {
    auto* keys = app.add_subcommand("keys", "Keys of the cluster");
    keys->require_subcommand(1);
    keys->add_subcommand("gen", "Make a key ring")->callback([&shell] {
        shell.chosen = make_keys;
    });
    keys->add_subcommand("list", "Fingerprints of every node's keys")->callback([&shell] {
        shell.chosen = [&shell] { return list_keys(shell); };
    });
    auto key = std::make_shared<std::string>();
    auto* installer = keys->add_subcommand("install", "Give every node a further key");
    installer->add_option("key", *key, "base64; - reads it from standard input; none: a fresh one");
    installer->callback(
        [&shell, key] { shell.chosen = [&shell, key] { return install_key(shell, *key); }; });
    for (const auto& [verb, words] :
         {std::pair{"use", "Seal with this key from now on"},
          std::pair{"remove", "Take a key from every node; refused while one needs it"}}) {
        auto fingerprint = std::make_shared<std::string>();
        auto* command = keys->add_subcommand(verb, words);
        command->add_option("fingerprint", *fingerprint, "as `keys list` shows it")->required();
        command->callback([&shell, fingerprint, verb = verb] {
            shell.chosen = [&shell, fingerprint, verb] {
                return with_fingerprint(shell, verb, *fingerprint);
            };
        });
    }
}

}  // namespace

void add_cluster_commands(CLI::App& app, Shell& shell) {
    auto id = std::make_shared<std::string>();
    auto* lister = app.add_subcommand("nodes", "The nodes, or one of them");
    lister->add_option("id", *id);
    lister->callback([&shell, id] { shell.chosen = [&shell, id] { return nodes(shell, *id); }; });
    add_cluster(app, shell);
    add_keys(app, shell);
}

}  // namespace anode::app
