#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include <unistd.h>

#include "app/cli/commands.hpp"
#include "app/config/toml.hpp"
#include "app/replay.hpp"
#include "app/sources/book.hpp"
#include "base/text.hpp"
#include "core/pipeline/pipeline.hpp"
#include "core/source/grammar.hpp"

namespace anode::app {
namespace {

/// A definition read from a file: JSON, or TOML as a `[[source]]` table or bare keys.
struct DefinitionFile {
    Bytes json;
    std::optional<TomlNode> toml;  ///< for places
};

Tried<std::string> read_file(const std::string& path) {
    std::ostringstream text;
    if (path == "-") {
        text << std::cin.rdbuf();
        return text.str();
    }
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::unexpected(Trouble{exit_code::kFailed, path + ": cannot be read"});
    text << in.rdbuf();
    return text.str();
}

/// All definitions of a file, in its order.
Tried<std::vector<DefinitionFile>> read_definitions(const std::string& path,
                                                    const std::string& kind) {
    auto text = read_file(path);
    if (!text) return std::unexpected(text.error());
    const std::string_view trimmed = text::trim(*text);
    if (trimmed.starts_with('{') || trimmed.starts_with('[')) {
        json::Document document;
        const auto parsed = document.parse(trimmed);
        if (parsed && document.root().is_object())
            return std::vector<DefinitionFile>{{Bytes(trimmed), std::nullopt}};
        if (!trimmed.starts_with('['))
            return std::unexpected(Trouble{exit_code::kFailed, path + ": " + parsed.error().what});
    }
    auto tree = parse_toml(*text, path);
    if (!tree)
        return std::unexpected(
            Trouble{exit_code::kFailed, tree.error().place + ": " + tree.error().detail});
    std::vector<DefinitionFile> found;
    const auto add = [&found](TomlNode node) {
        DefinitionFile one;
        node.append_json(one.json);
        one.toml = std::move(node);
        found.push_back(std::move(one));
    };
    if (const TomlNode* tables = tree->find(kind);
        tables != nullptr && tables->type == TomlNode::Type::Array) {
        for (const TomlNode& table : tables->items) add(table);
    } else {
        add(std::move(*tree));
    }
    return found;
}

Tried<DefinitionFile> read_definition(const std::string& path) {
    auto all = read_definitions(path, "source");
    if (!all) return std::unexpected(all.error());
    if (all->size() != 1)
        return std::unexpected(Trouble{
            exit_code::kFailed,
            path + ": holds " + std::to_string(all->size()) + " definitions; one is expected"});
    return std::move(all->front());
}

int check(const Shell& shell, const std::string& path) {
    const auto files = read_definitions(path, "source");
    if (!files) {
        Output::trouble(files.error());
        return exit_code::kBadConfig;
    }
    int code = exit_code::kDone;
    for (const DefinitionFile& file : *files) {
        const auto parsed = source::parse(std::string_view(file.json));
        if (parsed) {
            shell.out().remark(
                path + ": " + parsed->name + " is good" +
                (parsed->weakness.empty() ? "" : "; it cannot detect: " + parsed->weakness));
            continue;
        }
        code = exit_code::kBadConfig;
        for (const auto& complaint : parsed.error()) {
            const bool of_key = complaint.detail.find("unknown") != std::string::npos;
            const std::string place =
                file.toml ? file.toml->place_of(complaint.pointer, of_key).text() : path;
            std::fprintf(stderr, "%s: %s: %s\n", place.c_str(), complaint.pointer.c_str(),
                         complaint.detail.c_str());
        }
    }
    return code;
}

int add(const Shell& shell, const std::string& path, const char* collection, const char* kind) {
    const auto files = read_definitions(path, kind);
    if (!files) return Output::trouble(files.error());
    for (const DefinitionFile& file : *files) {
        const auto answer = shell.client().call("POST", std::string("/v1/") + collection, file.json,
                                                {{"Content-Type", "application/json"}});
        if (!answer) return Output::trouble(answer.error());
        json::Document document;
        if (document.parse(answer->body))
            shell.out().remark("added " + document.root()["name"].string());
    }
    return exit_code::kDone;
}

std::string path_of(const char* collection, const std::string& name, const char* tail = "") {
    return std::string("/v1/") + collection + "/" + text::percent_encode(name) + tail;
}

/// GET, an editor, PUT with If-Match: what somebody else changed meanwhile is not lost.
int edit(const Shell& shell, const std::string& name) {
    const auto answer = shell.client().get(path_of("sources", name));
    if (!answer) return Output::trouble(answer.error());
    json::Document document;
    if (!document.parse(answer->body))
        return Output::trouble({exit_code::kFailed, "the answer is no JSON"});
    Bytes definition;
    json::Writer out(definition);
    out.begin_object();
    const json::Value root = document.root();
    for (json::Value member = root.first(); member && member.name() != "version";
         member = member.next_in(root))
        out.key(member.name()).raw(member.raw());
    out.end_object();
    char path[] = "/tmp/anode-edit-XXXXXX";
    const int fd = ::mkstemp(path);
    if (fd < 0) return Output::trouble({exit_code::kFailed, "no temporary file can be made"});
    ::close(fd);
    std::ofstream(path) << definition << "\n";
    const char* editor = std::getenv("EDITOR");
    const int edited =
        std::system((std::string(editor == nullptr ? "vi" : editor) + " " + path).c_str());
    auto changed = read_file(path);
    ::unlink(path);
    if (edited != 0 || !changed)
        return Output::trouble({exit_code::kFailed, "the editor ended with an error"});
    if (text::trim(*changed) == definition) return exit_code::kDone;
    const auto written =
        shell.client().call("PUT", path_of("sources", name), *changed,
                            {{"Content-Type", "application/json"}, {"If-Match", answer->etag}});
    if (!written) return Output::trouble(written.error());
    shell.out().remark("changed " + name);
    return exit_code::kDone;
}

int test(const Shell& shell, const std::string& path) {
    const auto file = read_definition(path);
    if (!file) return Output::trouble(file.error());
    Target target = shell.client().target();
    if (!shell.timed()) target.timeout = 45s;
    const auto answer = Client(target).call("POST", "/v1/sources:test", file->json,
                                            {{"Content-Type", "application/json"}});
    const Output out = shell.out();
    if (!answer || out.as != OutputAs::Table) return out.show(answer, {});
    json::Document document;
    if (!document.parse(answer->body))
        return Output::trouble({exit_code::kFailed, "the answer is no JSON"});
    const json::Value root = document.root();
    const auto each = [&root](const char* name, const auto& print) {
        const json::Value list = root[name];
        for (json::Value one = list.first(); one; one = one.next_in(list)) print(one);
    };
    each("steps", [](const json::Value& step) {
        Output::line((step["state"].equals("ok") ? "✓ " : "✗ ") + cell(step["what"]) + "  " +
                     cell(step["took_ms"]) + " ms  " + cell(step["detail"]));
    });
    each("items", [](const json::Value& item) {
        Output::line("  item " + cell(item["item"]) + "  " + cell(item["state"]) + "  " +
                     cell(item["reason"]));
    });
    each("messages", [](const json::Value& message) {
        Output::line("  " + cell(message["topic"]) + "  " + cell(message["key"]) + "  " +
                     cell(message["data"]));
    });
    each("rejected", [](const json::Value& letter) {
        Output::line("  rejected: " + text::printable(letter.raw()));
    });
    each("warnings", [](const json::Value& warning) { Output::line("! " + cell(warning)); });
    each("errors", [](const json::Value& error) {
        Output::line("! " + cell(error["class"]) + ": " + cell(error["sample"]));
    });
    return root["messages"].size() > 0 ? exit_code::kDone : exit_code::kFailed;
}

int replay(const Shell& shell, const std::string& definition, const std::string& capture) {
    const auto file = read_definition(definition);
    if (!file) return Output::trouble(file.error());
    const auto report =
        replay_capture(file->json, capture, [](BytesView message) { Output::line(message); });
    if (!report) return Output::trouble({exit_code::kFailed, report.error().what});
    std::fflush(stdout);
    for (const std::string& line : report->lines()) shell.out().remark(line);
    return report->good() ? exit_code::kDone : exit_code::kFailed;
}

int probe(const Shell& shell, const std::string& url) {
    Target target = shell.client().target();
    if (!shell.timed()) target.timeout = 75s;
    Bytes body = "{\"url\":" + text::json_string(url) + "}";
    return shell.out().show_object(Client(target).call("POST", "/v1/sources:probe", body,
                                                       {{"Content-Type", "application/json"}}));
}

/// A command that takes one name or file.
void add_named(CLI::App& parent, Shell& shell, const char* name, const char* words,
               const char* what, std::function<int(const std::string&)> run) {
    auto value = std::make_shared<std::string>();
    auto* command = parent.add_subcommand(name, words);
    command->add_option(what, *value)->required();
    command->callback([&shell, value, run = std::move(run)] {
        shell.chosen = [value, run] { return run(*value); };
    });
}

void add_verb(CLI::App& parent, Shell& shell, const char* verb, const char* words) {
    add_named(parent, shell, verb, words, "name",
              [&shell, verb = std::string(verb)](const std::string& name) {
                  const auto done =
                      shell.client().call("POST", path_of("sources", name, (":" + verb).c_str()));
                  if (!done) return Output::trouble(done.error());
                  shell.out().remark(verb + " " + name);
                  return exit_code::kDone;
              });
}

int remove(const Shell& shell, const char* collection, const std::string& name) {
    const auto done = shell.client().call("DELETE", path_of(collection, name));
    if (!done) return Output::trouble(done.error());
    shell.out().remark("removed " + name);
    return exit_code::kDone;
}

void add_pipelines(CLI::App& app, Shell& shell) {
    auto* pipelines = app.add_subcommand("pipelines", "Rules that turn messages into messages");
    pipelines->require_subcommand(1);
    pipelines->add_subcommand("ls", "List them")->callback([&shell] {
        shell.chosen = [&shell] {
            return shell.out().show(shell.client().get("/v1/pipelines?limit=1000"),
                                    {{"NAME", "name"},
                                     {"STATE", "state"},
                                     {"INPUT", "input"},
                                     {"OUTPUT", "output"},
                                     {"IN", "counters.in"},
                                     {"OUT", "counters.out"},
                                     {"FAILED", "counters.failed"}});
        };
    });
    add_named(*pipelines, shell, "get", "One of them", "name", [&shell](const std::string& name) {
        return shell.out().show_object(shell.client().get(path_of("pipelines", name)));
    });
    add_named(
        *pipelines, shell, "add", "Add those of a file (JSON or TOML)", "file",
        [&shell](const std::string& file) { return add(shell, file, "pipelines", "pipeline"); });
    add_named(*pipelines, shell, "rm", "Remove one", "name",
              [&shell](const std::string& name) { return remove(shell, "pipelines", name); });
    pipelines->add_subcommand("docs", "Every key with its meaning")->callback([&shell] {
        shell.chosen = [] {
            std::fputs(pipeline::reference_markdown().c_str(), stdout);
            return exit_code::kDone;
        };
    });
}

}  // namespace

void add_source_commands(CLI::App& app, Shell& shell) {
    auto* sources = app.add_subcommand("sources", "Feeds that the node takes in");
    sources->require_subcommand(1);
    sources->add_subcommand("ls", "List them")->callback([&shell] {
        shell.chosen = [&shell] {
            return shell.out().show(shell.client().get("/v1/sources?limit=1000"),
                                    {{"NAME", "name"},
                                     {"TYPE", "type"},
                                     {"STATE", "state"},
                                     {"RATE", "messages_per_second"},
                                     {"MESSAGES", "messages"},
                                     {"LAST", "last_message"},
                                     {"ERROR", "last_error.detail"}});
        };
    });
    add_named(*sources, shell, "get", "One of them, with its state", "name",
              [&shell](const std::string& name) {
                  return shell.out().show_object(shell.client().get(path_of("sources", name)));
              });
    add_named(*sources, shell, "add", "Add those of a file (JSON or TOML)", "file",
              [&shell](const std::string& file) { return add(shell, file, "sources", "source"); });
    add_named(*sources, shell, "edit", "Change one in $EDITOR", "name",
              [&shell](const std::string& name) { return edit(shell, name); });
    add_named(*sources, shell, "rm", "Remove one", "name",
              [&shell](const std::string& name) { return remove(shell, "sources", name); });
    add_verb(*sources, shell, "enable", "Start one");
    add_verb(*sources, shell, "disable", "Stop one");
    add_verb(*sources, shell, "restart", "Connect anew");
    add_named(*sources, shell, "errors", "Errors of one, by class", "name",
              [&shell](const std::string& name) {
                  return shell.out().show(shell.client().get(path_of("sources", name, "/errors")),
                                          {{"CLASS", "class"},
                                           {"COUNT", "count"},
                                           {"LAST", "last_at"},
                                           {"SAMPLE", "sample"}});
              });
    add_named(*sources, shell, "check", "Check a definition: file:line:column of every mistake",
              "file", [&shell](const std::string& file) { return check(shell, file); });
    add_named(*sources, shell, "test", "Run a definition for up to 30 s; nothing is stored", "file",
              [&shell](const std::string& file) { return test(shell, file); });
    add_named(*sources, shell, "probe", "Watch a URL and propose a definition", "url",
              [&shell](const std::string& url) { return probe(shell, url); });
    sources->add_subcommand("docs", "Every key with its meaning")->callback([&shell] {
        shell.chosen = [] {
            std::fputs(source::reference_markdown().c_str(), stdout);
            return exit_code::kDone;
        };
    });
    auto move = std::make_shared<std::pair<std::string, std::string>>();
    auto* mover = sources->add_subcommand("move", "Pin one to a node; without a node: unpin");
    mover->add_option("name", move->first)->required();
    mover->add_option("node", move->second);
    mover->callback([&shell, move] {
        shell.chosen = [&shell, move] {
            const Bytes body = move->second.empty()
                                   ? "{\"node\":null}"
                                   : "{\"node\":" + text::json_string(move->second) + "}";
            const auto done = shell.client().call("POST", path_of("sources", move->first, ":move"),
                                                  body, {{"Content-Type", "application/json"}});
            return done ? exit_code::kDone : Output::trouble(done.error());
        };
    });
    auto played = std::make_shared<std::pair<std::string, std::string>>();
    auto* player = sources->add_subcommand("replay", "What a definition makes of recorded traffic");
    player->add_option("definition", played->first)->required();
    player->add_option("capture", played->second)->required();
    player->callback([&shell, played] {
        shell.chosen = [&shell, played] { return replay(shell, played->first, played->second); };
    });
    add_pipelines(app, shell);
}

}  // namespace anode::app
