#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/request.hpp"
#include "api/http/response.hpp"

/// The one table of what can be asked: router, role checks, parameter checks, `Allow`, OpenAPI, AsyncAPI and docs/api.md are
/// all made from it. Handlers are joined to its rows when a node starts (see rest/rest.hpp).
/// Thread: made once, then read by all.
/// Source: interfaces, sections 6 to 10.
namespace anode::api {

/// A time, or a cursor, which is the longest position there is.
inline constexpr std::size_t kPositionBytesMax = 512;

/// What a query parameter may hold. `min` and `max` bound numbers, and the bytes of texts.
struct Parameter {
    enum class Is : std::uint8_t {
        Text,
        Word,
        Flag,
        Integer,
        Duration,
        Milliseconds,
        Time,
        Start,
        Patterns
    };

    std::string_view name = {};
    std::string_view text = {};  ///< what it means
    Is is = Is::Text;
    std::int64_t min = 0, max = 0;   ///< max 0: no limit of its own
    std::string_view words = {};     ///< Word: the choices, `|` between
    std::string_view standard = {};  ///< what holds without it
    std::string_view example = {};
    bool required = false;
};

/// A form in which a body may come.
struct BodyForm {
    std::string_view media_type = {};
    std::string_view schema = {};   ///< name of a schema; empty: anything
    std::string_view example = {};  ///< as it is sent; may be empty
};

/// An answer that is no Problem.
struct AnswerForm {
    int status = 200;
    std::string_view media_type = {};  ///< empty: no body
    std::string_view schema = {};      ///< name of a schema; empty: anything
    std::string_view text = {};
};

struct Operation {
    Method method = Method::Get;
    std::string_view path = {};  ///< the router's pattern
    Role role = Role::Any;
    std::string_view summary = {};
    std::string_view text = {};  ///< more, for those who read the reference; may be empty
    std::vector<Parameter> parameters = {};
    bool any_parameters = false;                 ///< others are let through unread
    std::vector<std::string_view> headers = {};  ///< request headers it reads: names of kHeaders
    std::vector<BodyForm> bodies = {};           ///< none: a body is not expected
    bool body_required = false;
    std::size_t body_bytes_max = 0;  ///< 0: the general limit
    std::vector<AnswerForm> answers = {};
    /// Codes beside those that every row of its kind may give.
    std::vector<std::string_view> problems = {};
    bool streams = false;           ///< the answer has no end of its own
    bool trial = false;             ///< reaches out to others: few a minute for each caller
    std::string_view example = {};  ///< of a query or a command line; may be empty

    [[nodiscard]] const Parameter* parameter(std::string_view name) const noexcept;
    [[nodiscard]] bool node_scoped() const noexcept { return parameter("node") != nullptr; }
    /// `get /v1/sources/{name}:test` → `get_v1_sources_name_test`.
    [[nodiscard]] std::string id() const;
    /// The group it belongs to: `sources`.
    [[nodiscard]] std::string_view tag() const noexcept;
};

/// All rows, by family.
std::span<const Operation> operations();
/// The row of a method and pattern; null if there is none.
const Operation* find_operation(Method method, std::string_view path) noexcept;

/// The families; used by operations() only.
namespace table {
void add_node(std::vector<Operation>& rows);
void add_objects(std::vector<Operation>& rows);
void add_data(std::vector<Operation>& rows);
void add_observe(std::vector<Operation>& rows);
void add_admin(std::vector<Operation>& rows);
}  // namespace table

/// `V`, `S`, …; `-` for none, `any`.
std::string_view role_letter(Role role) noexcept;

/// What is wrong with the query of a request, if anything: an unknown parameter, one given twice, a required one that is
/// missing, a value that its row does not allow.
std::optional<Problem> wrong_query(const Operation& operation, const Request& request);
/// The same for its body: 415 for a media type that the row does not know, 422 for a body that is
/// no object, lacks a member, or holds one that its schema does not name. Schemas that are open are
/// left to those who read them.
std::optional<Problem> wrong_body(const Operation& operation, const Request& request);

/// A problem code, its status and title.
struct CodeRow {
    int status;
    std::string_view code, title;
};
std::span<const CodeRow> problem_codes() noexcept;
/// Every code that a row may answer with, by status.
std::vector<const CodeRow*> problems_of(const Operation& operation);

}  // namespace anode::api
