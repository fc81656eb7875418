#include <openssl/crypto.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "app/cli/commands.hpp"
#include "base/text.hpp"

/// Tokens and passwords from the command line.
namespace anode::app {
namespace {

/// What is typed does not show while one lives.
class Silence {
public:
    Silence() : silent_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
        if (!silent_) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        silent_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
    ~Silence() {
        if (silent_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }

private:
    termios before_{};
    bool silent_;
};

/// Asked for twice at a terminal; the first line of a pipe as it is.
std::optional<std::string> read_password() {
    std::string password, again;
    if (::isatty(STDIN_FILENO) == 0) {
        std::getline(std::cin, password);
        return password;
    }
    const Silence silence;
    std::cerr << "Password: " << std::flush;
    std::getline(std::cin, password);
    std::cerr << "\nOnce more: " << std::flush;
    std::getline(std::cin, again);
    std::cerr << '\n';
    const bool same = password == again;
    OPENSSL_cleanse(again.data(), again.size());
    if (same) return password;
    std::cerr << "anode: the two are not the same\n";
    return std::nullopt;
}

struct Wish {
    std::string name, roles, expires, id;
    std::vector<std::string> topics, networks;
    bool url_ok = false;
};

void write_list(json::Writer& out, std::string_view name, const std::vector<std::string>& list) {
    if (list.empty()) return;
    out.key(name).begin_array();
    for (const std::string& one : list) out.value(one);
    out.end_array();
}

/// `S,P` or `SP` as a list of letters.
void write_roles(json::Writer& out, std::string_view roles) {
    if (roles.empty()) return;
    out.key("roles").begin_array();
    for (const char& letter : roles)
        if (letter != ',' && letter != ' ') out.value(std::string_view(&letter, 1));
    out.end_array();
}

Tried<Answer> send(const Shell& shell, const char* method, const std::string& path,
                   const Bytes& body) {
    return shell.client().call(method, path, body, {{"Content-Type", "application/json"}});
}

/// The token alone on standard output, so that a script can take it; the object if it was asked for.
int show_token(const Shell& shell, const Tried<Answer>& answer) {
    if (!answer) return Output::trouble(answer.error());
    if (shell.out().as != OutputAs::Table) return shell.out().show_object(answer);
    json::Document document;
    if (!document.parse(answer->body)) return exit_code::kFailed;
    Output::line(document.root()["token"].string());
    shell.out().remark("this is token " + document.root()["id"].string() +
                       "; it is not shown again");
    return exit_code::kDone;
}

int create_token(const Shell& shell, const Wish& wish) {
    Bytes body;
    json::Writer out(body);
    out.begin_object().member("name", wish.name);
    write_roles(out, wish.roles);
    write_list(out, "topics", wish.topics);
    write_list(out, "networks", wish.networks);
    if (!wish.expires.empty()) out.member("expires", wish.expires);
    if (wish.url_ok) out.member("url_ok", true);
    out.end_object();
    return show_token(shell, send(shell, "POST", "/v1/tokens", body));
}

int remove_token(const Shell& shell, const std::string& id) {
    const auto answer = shell.client().call("DELETE", "/v1/tokens/" + text::percent_encode(id));
    if (!answer) return Output::trouble(answer.error());
    shell.out().remark("revoked " + id);
    return exit_code::kDone;
}

/// Changes the password of who is there; makes who is not, with the roles that are given.
int passwd(const Shell& shell, const Wish& wish) {
    auto password = read_password();
    if (!password) return exit_code::kWrongUse;
    Bytes body;
    json::Writer out(body);
    out.begin_object().member("password", *password);
    write_roles(out, wish.roles);
    write_list(out, "topics", wish.topics);
    out.end_object();
    const std::string path = "/v1/users/" + text::percent_encode(wish.name);
    auto answer = send(shell, "PATCH", path, body);
    if (!answer && answer.error().status == 404) answer = send(shell, "PUT", path, body);
    OPENSSL_cleanse(password->data(), password->size());
    OPENSSL_cleanse(body.data(), body.size());
    if (!answer) return Output::trouble(answer.error());
    if (shell.out().as != OutputAs::Table) return shell.out().show_object(answer);
    shell.out().remark("the password of " + wish.name + " is set");
    return exit_code::kDone;
}

void add_tokens(CLI::App& tokens, Shell& shell) {
    auto wish = std::make_shared<Wish>();
    auto* create = tokens.add_subcommand("create", "Make a token; it is shown this once");
    create->add_option("name", wish->name, "What it is for")->required();
    create->add_option("--roles", wish->roles, "Letters of V, S, P, O, A, such as SP")->required();
    create->add_option("--topics", wish->topics, "Patterns for S and P, such as a.>");
    create->add_option("--networks", wish->networks, "From where it may be used");
    create->add_option("--expires", wish->expires, "A time, or a duration such as 30d");
    create->add_flag("--url-ok", wish->url_ok, "May stand in URLs; role S alone");
    create->callback(
        [&shell, wish] { shell.chosen = [&shell, wish] { return create_token(shell, *wish); }; });
    auto* rm = tokens.add_subcommand("rm", "Revoke one; its connections end");
    rm->add_option("id", wish->id)->required();
    rm->callback([&shell, wish] {
        shell.chosen = [&shell, wish] { return remove_token(shell, wish->id); };
    });
    auto* rotate = tokens.add_subcommand("rotate", "Give one a new secret");
    rotate->add_option("id", wish->id)->required();
    rotate->callback([&shell, wish] {
        shell.chosen = [&shell, wish] {
            return show_token(
                shell, send(shell, "POST",
                            "/v1/tokens/" + text::percent_encode(wish->id) + ":rotate", "{}"));
        };
    });
}

}  // namespace

void add_access_commands(CLI::App& app, Shell& shell) {
    add_tokens(*app.get_subcommand("tokens"), shell);
    auto wish = std::make_shared<Wish>();
    auto* command = app.add_subcommand(
        "passwd", "Set somebody's password for the dashboard, typed or from standard input");
    command->add_option("name", wish->name)->required();
    command->add_option("--roles", wish->roles, "For somebody new: letters of V, S, P, O, A");
    command->add_option("--topics", wish->topics, "Patterns for S and P");
    command->callback(
        [&shell, wish] { shell.chosen = [&shell, wish] { return passwd(shell, *wish); }; });
}

}  // namespace anode::app
