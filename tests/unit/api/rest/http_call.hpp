#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "core/json/json.hpp"

/// One request over a socket of its own, and what came back.
namespace anode::api::rest_spec {

struct Answer {
    int status = 0;
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;

    [[nodiscard]] std::string header(const std::string& name) const {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string() : found->second;
    }
    /// The raw text of a member of the body, such as `next` or `items`.
    [[nodiscard]] std::string member(std::string_view name) const {
        json::Document document;
        if (!document.parse(body)) return "no JSON: " + body;
        return std::string(document.root()[name].raw());
    }
    [[nodiscard]] std::string text(std::string_view name) const {
        json::Document document;
        return document.parse(body) ? document.root()[name].string() : std::string();
    }
    [[nodiscard]] std::string code() const { return text("code"); }
    /// Member `name` of each item, as raw text.
    [[nodiscard]] std::vector<std::string> items(std::string_view name) const {
        std::vector<std::string> all;
        json::Document document;
        if (!document.parse(body)) return {"no JSON: " + body};
        const json::Value list = document.root()["items"];
        for (json::Value v = list.first(); v; v = v.next_in(list)) all.emplace_back(v[name].raw());
        return all;
    }
    [[nodiscard]] std::vector<std::string> lines() const {
        std::vector<std::string> all;
        for (const auto line : text::split(body, '\n'))
            if (!line.empty()) all.emplace_back(line);
        return all;
    }
};

using Headers = std::vector<std::pair<std::string, std::string>>;

inline std::string unchunked(std::string_view rest) {
    std::string body;
    for (;;) {
        const std::size_t line = rest.find("\r\n");
        if (line == std::string_view::npos) return body + "<cut>";
        const std::size_t size =
            std::strtoull(std::string(rest.substr(0, line)).c_str(), nullptr, 16);
        if (size == 0) return body;
        body += rest.substr(line + 2, size);
        rest = rest.substr(std::min(rest.size(), line + 2 + size + 2));
    }
}

inline Answer call(std::uint16_t port, std::string_view method, std::string_view target,
                   std::string_view body = {}, const Headers& headers = {}) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Answer answer;
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        ::close(fd);
        return answer;
    }
    std::string request = std::string(method) + " " + std::string(target) +
                          " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
    for (const auto& [name, value] : headers) request += name + ": " + value + "\r\n";
    if (!body.empty() || method == "POST" || method == "PUT")
        request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    request.append("\r\n").append(body);
    for (std::string_view rest = request; !rest.empty();) {
        const ssize_t sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    std::string all;
    char buffer[65536];
    for (ssize_t got; (got = ::recv(fd, buffer, sizeof buffer, 0)) > 0;)
        all.append(buffer, static_cast<std::size_t>(got));
    ::close(fd);
    const std::size_t end = all.find("\r\n\r\n");
    if (end == std::string::npos) return answer;
    answer.status = std::atoi(all.substr(9, 3).c_str());
    std::string_view head = std::string_view(all).substr(0, end + 2);
    head.remove_prefix(head.find("\r\n") + 2);
    while (!head.empty()) {
        const std::string_view line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(line.size() + 2);
        const std::size_t colon = line.find(':');
        answer.headers[text::lower(line.substr(0, colon))] = text::trim(line.substr(colon + 1));
    }
    answer.body = all.substr(end + 4);
    if (answer.header("transfer-encoding") == "chunked") answer.body = unchunked(answer.body);
    return answer;
}

}  // namespace anode::api::rest_spec
