#include "app/cli/client.hpp"

#include <curl/curl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::app {
namespace {

struct Curl {
    CURL* handle = curl_easy_init();
    curl_slist* headers = nullptr;
    ~Curl() {
        curl_slist_free_all(headers);
        curl_easy_cleanup(handle);
    }
};

bool is_socket(const std::string& path) {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode) &&
           ::access(path.c_str(), W_OK) == 0;
}

std::size_t take_body(char* data, std::size_t, std::size_t count, void* out) {
    static_cast<Bytes*>(out)->append(data, count);
    return count;
}

std::size_t take_header(char* data, std::size_t, std::size_t count, void* out) {
    const std::string_view line(data, count);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && text::iequals(line.substr(0, colon), "etag"))
        *static_cast<std::string*>(out) = std::string(text::trim(line.substr(colon + 1)));
    return count;
}

void prepare(Curl& curl, const Target& target, const std::string& path,
             const Client::Headers& headers) {
    const std::string base = target.socket.empty() ? target.url : "http://localhost";
    curl_easy_setopt(curl.handle, CURLOPT_URL, (base + path).c_str());
    if (!target.socket.empty())
        curl_easy_setopt(curl.handle, CURLOPT_UNIX_SOCKET_PATH, target.socket.c_str());
    curl_easy_setopt(curl.handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.handle, CURLOPT_PROTOCOLS_STR, "http,https");
    if (const char* authority = std::getenv("ANODE_CA"); authority != nullptr)
        curl_easy_setopt(curl.handle, CURLOPT_CAINFO, authority);
    curl_easy_setopt(curl.handle, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    for (const auto& [name, value] : headers)
        curl.headers = curl_slist_append(curl.headers, (name + ": " + value).c_str());
    if (!target.token.empty())
        curl.headers =
            curl_slist_append(curl.headers, ("Authorization: Bearer " + target.token).c_str());
    curl.headers = curl_slist_append(curl.headers, "Expect:");
    curl_easy_setopt(curl.handle, CURLOPT_HTTPHEADER, curl.headers);
}

std::string where(const Target& target) {
    return target.socket.empty() ? target.url : target.socket;
}

Trouble trouble_of(CURLcode code, const Target& target) {
    const std::string words = where(target) + ": " + curl_easy_strerror(code);
    if (code == CURLE_OPERATION_TIMEDOUT) return {exit_code::kTimedOut, words};
    return {exit_code::kUnreachable, words};
}

Trouble trouble_of(int status, BytesView body) {
    int code = exit_code::kFailed;
    if (status == 401 || status == 403) code = exit_code::kNotAllowed;
    if (status == 404) code = exit_code::kNotFound;
    if (status == 409 || status == 412) code = exit_code::kConflict;
    if (status == 408 || status == 504) code = exit_code::kTimedOut;
    return {code, problem_text(status, body), status};
}

/// What a streaming answer is fed into.
struct LineFeed {
    CURL* handle = nullptr;
    const std::function<bool(std::string_view)>* on_line = nullptr;
    Bytes pending, refusal;
    bool stopped = false;

    bool take(std::string_view data) {
        long status = 0;
        curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
        if (status != 200) {
            refusal.append(data);
            return refusal.size() < (1u << 20);
        }
        pending.append(data);
        std::size_t begin = 0;
        for (std::size_t end; (end = pending.find('\n', begin)) != std::string::npos;
             begin = end + 1) {
            if (!(*on_line)(std::string_view(pending).substr(begin, end - begin))) {
                stopped = true;
                return false;
            }
        }
        pending.erase(0, begin);
        return pending.size() < (64u << 20);
    }
};

std::size_t take_lines(char* data, std::size_t, std::size_t count, void* feed) {
    return static_cast<LineFeed*>(feed)->take({data, count}) ? count : 0;
}

}  // namespace

Target find_target(const std::string& url, const std::string& token, Duration timeout) {
    Target target;
    target.timeout = timeout;
    target.token = token;
    if (const char* given = std::getenv("ANODE_TOKEN"); target.token.empty() && given != nullptr)
        target.token = given;
    target.url = url;
    if (const char* given = std::getenv("ANODE_URL"); target.url.empty() && given != nullptr)
        target.url = given;
    while (target.url.ends_with('/')) target.url.pop_back();
    if (!target.url.empty()) return target;
    for (const char* path : {"/run/anode/anode.sock", "anode-data/anode.sock"}) {
        if (!is_socket(path)) continue;
        target.socket = path;
        return target;
    }
    target.url = "http://127.0.0.1:7945";
    return target;
}

Tried<Answer> Client::call(const std::string& method, const std::string& path, BytesView body,
                           const Headers& headers) const {
    Curl curl;
    prepare(curl, target_, path, headers);
    Answer answer;
    curl_easy_setopt(curl.handle, CURLOPT_CUSTOMREQUEST, method.c_str());
    if (method != "GET") {
        curl_easy_setopt(curl.handle, CURLOPT_POSTFIELDS,
                         body.data() == nullptr ? "" : body.data());
        curl_easy_setopt(curl.handle, CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(body.size()));
    }
    curl_easy_setopt(curl.handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl.handle, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(curl.handle, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl.handle, CURLOPT_HEADERDATA, &answer.etag);
    curl_easy_setopt(curl.handle, CURLOPT_TIMEOUT_MS, static_cast<long>(target_.timeout / 1ms));
    if (const CURLcode done = curl_easy_perform(curl.handle); done != CURLE_OK)
        return std::unexpected(trouble_of(done, target_));
    long status = 0;
    curl_easy_getinfo(curl.handle, CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    if (status < 200 || status > 299)
        return std::unexpected(trouble_of(answer.status, answer.body));
    return answer;
}

Tried<void> Client::lines(const std::string& path, Duration total,
                          const std::function<bool(std::string_view)>& on_line) const {
    Curl curl;
    prepare(curl, target_, path, {{"Accept", "application/x-ndjson"}});
    LineFeed feed{.handle = curl.handle, .on_line = &on_line, .pending = {}, .refusal = {}};
    curl_easy_setopt(curl.handle, CURLOPT_WRITEFUNCTION, take_lines);
    curl_easy_setopt(curl.handle, CURLOPT_WRITEDATA, &feed);
    if (total > 0ns)
        curl_easy_setopt(curl.handle, CURLOPT_TIMEOUT_MS, static_cast<long>(total / 1ms));
    // A stream that says nothing at all for a minute is dead: heartbeats come every 15 s.
    curl_easy_setopt(curl.handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl.handle, CURLOPT_LOW_SPEED_TIME, 60L);
    const CURLcode done = curl_easy_perform(curl.handle);
    long status = 0;
    curl_easy_getinfo(curl.handle, CURLINFO_RESPONSE_CODE, &status);
    if (status != 0 && status != 200)
        return std::unexpected(trouble_of(static_cast<int>(status), feed.refusal));
    if (feed.stopped || done == CURLE_OK) return {};
    return std::unexpected(trouble_of(done, target_));
}

std::string query(const std::vector<std::pair<std::string, std::string>>& parameters) {
    std::string out;
    for (const auto& [name, value] : parameters) {
        if (value.empty()) continue;
        out += out.empty() ? '?' : '&';
        out += name + "=" + text::percent_encode(value);
    }
    return out;
}

std::string problem_text(int status, BytesView body) {
    json::Document document;
    if (!document.parse(body) || !document.root().is_object())
        return "HTTP " + std::to_string(status);
    const json::Value root = document.root();
    std::string words = root["code"].string();
    if (const std::string detail = root["detail"].string(); !detail.empty()) words += ": " + detail;
    const json::Value errors = root["errors"];
    for (json::Value error = errors.first(); error; error = error.next_in(errors))
        words += "\n  " + error["pointer"].string() + ": " + error["detail"].string();
    return words.empty() ? "HTTP " + std::to_string(status) : words;
}

}  // namespace anode::app
