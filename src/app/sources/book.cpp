#include "app/sources/book.hpp"

#include "base/hash.hpp"
#include "base/text.hpp"
#include "base/varint.hpp"
#include "core/source/grammar.hpp"

namespace anode::app {
namespace {

using api::Failure;
using api::ObjectError;

std::unexpected<Failure> refuse(Failure::Why why, std::string detail,
                                std::vector<ObjectError> errors = {}) {
    return std::unexpected(Failure{why, std::move(detail), std::move(errors)});
}

std::unexpected<Failure> refuse(const std::vector<source::Complaint>& complaints) {
    Failure failure{Failure::Why::Invalid, {}, {}};
    for (const auto& complaint : complaints) {
        if (!failure.detail.empty()) failure.detail += "; ";
        failure.detail += complaint.pointer.empty() ? complaint.detail
                                                    : complaint.pointer + ": " + complaint.detail;
        failure.errors.push_back({complaint.pointer, complaint.code, complaint.detail});
    }
    return std::unexpected(std::move(failure));
}

/// The beginning of a template up to its first placeholder, if that already names the whole authority.
std::optional<std::string> known_address(const source::Template& url) {
    if (url.constant()) {
        const auto text = url.text({});
        return text ? std::optional(*text) : std::nullopt;
    }
    if (url.parts().empty() || url.parts().front().kind != source::Template::Part::Kind::Literal)
        return std::nullopt;
    const std::string& literal = url.parts().front().text;
    const auto scheme_end = literal.find("://");
    if (scheme_end == std::string::npos) return std::nullopt;
    const auto path = literal.find_first_of("/?#", scheme_end + 3);
    if (path == std::string::npos) return std::nullopt;
    return literal.substr(0, path) + "/";
}

void check_address(const source::Template& url, std::string pointer, const EgressPolicy& egress,
                   std::vector<ObjectError>& errors) {
    const auto address = known_address(url);
    if (!address) return;
    const auto parsed = Url::parse(*address);
    if (!parsed) {
        errors.push_back({std::move(pointer), "invalid", parsed.error().what});
        return;
    }
    if (const auto allowed = egress.check(*parsed); !allowed)
        errors.push_back({std::move(pointer), "address-blocked", allowed.error().what});
}

std::vector<ObjectError> blocked_addresses(const source::Definition& definition,
                                           const EgressPolicy& egress) {
    std::vector<ObjectError> errors;
    for (std::size_t i = 0; i < definition.url.size(); ++i) {
        check_address(definition.url[i],
                      definition.url.size() == 1 ? "/url" : "/url/" + std::to_string(i), egress,
                      errors);
    }
    for (const auto& list : definition.items)
        if (list.fetched)
            check_address(list.fetched->get, "/items/" + list.name + "/get", egress, errors);
    for (std::size_t i = 0; i < definition.connect.size(); ++i) {
        if (const auto* step = std::get_if<source::RequestStep>(&definition.connect[i].what)) {
            const char* verb = step->method == source::RequestStep::Method::Get ? "/get" : "/post";
            check_address(step->url, "/connect/" + std::to_string(i) + verb, egress, errors);
        }
    }
    return errors;
}

/// The definition's text with `name` in it, as the path of the request says.
Result<Bytes> with_name(const json::Value& tree, const std::string& name) {
    const json::Value given = tree.find("name");
    if (given && !given.equals(name)) return fail(Errc::Malformed, "the body names another source");
    if (given) {
        Bytes same;
        tree.append_compact(same);
        return same;
    }
    Bytes out;
    json::Writer writer(out);
    writer.begin_object().member("name", name);
    for (json::Value member = tree.first(); member; member = member.next_in(tree)) {
        Bytes value;
        member.append_compact(value);
        writer.key(member.name()).raw(value);
    }
    writer.end_object();
    return out;
}

/// The tree that a write leads to.
api::Outcome<Bytes> written_tree(const api::Write& write, const json::Value& body,
                                 const SourceEntry* present) {
    json::Document stored;
    if (present != nullptr && !stored.parse(present->json))
        return refuse(Failure::Why::Unavailable, "the stored definition is unreadable");
    if (write.patch) return json::merge_patch(stored.root(), body);
    Bytes tree;
    if (present != nullptr)
        tree = source::restore_redacted(body, stored.root());
    else
        body.append_compact(tree);
    if (write.name.empty()) return tree;
    json::Document named;
    if (const auto parsed = named.parse(tree); !parsed)
        return refuse(Failure::Why::Invalid, parsed.error().what);
    auto with = with_name(named.root(), write.name);
    if (!with)
        return refuse(Failure::Why::Invalid, with.error().what,
                      {{"/name", "invalid", with.error().what}});
    return std::move(*with);
}

}  // namespace

std::string SourceEntry::etag() const {
    if (!stamp.empty()) return stamp;
    Bytes counted = json;
    put_le(counted, version);
    const Hash128 hash = hash128(counted);
    Bytes raw;
    put_be(raw, hash.high);
    return text::hex(raw);
}

api::Outcome<std::shared_ptr<const source::Definition>> check_definition(
    const json::Value& tree, const EgressPolicy& egress) {
    auto parsed = source::parse(tree);
    if (!parsed) return refuse(parsed.error());
    auto errors = blocked_addresses(*parsed, egress);
    if (!errors.empty()) {
        const auto first = errors.front();
        const auto why =
            first.code == "address-blocked" ? Failure::Why::AddressBlocked : Failure::Why::Invalid;
        return refuse(why, first.pointer.substr(1) + ": " + first.detail, std::move(errors));
    }
    return std::make_shared<const source::Definition>(std::move(*parsed));
}

api::Outcome<SourceEntry> apply_write(const api::Write& write, const SourceEntry* present,
                                      const EgressPolicy& egress) {
    if (write.body.size() > source::kDefinitionBytesMax)
        return refuse(Failure::Why::TooLarge, "a definition has at most 64 KiB");
    json::Document body;
    if (const auto parsed = body.parse(write.body); !parsed)
        return refuse(Failure::Why::Invalid, parsed.error().what,
                      {{"", "bad-json", parsed.error().what}});
    if (!body.root().is_object())
        return refuse(Failure::Why::Invalid, "a definition is an object",
                      {{"", "invalid", "an object is expected"}});
    if (present != nullptr && write.create_only)
        return refuse(Failure::Why::Exists, "a source of this name exists");
    if (present != nullptr && present->from_file)
        return refuse(Failure::Why::ReadOnly, "the source is declared in " + present->origin +
                                                  " and can only be changed there");
    if (present == nullptr && (write.must_exist || write.patch || write.if_match))
        return refuse(Failure::Why::NotFound, "no such source");
    if (present != nullptr && write.if_match && *write.if_match != "*" &&
        *write.if_match != present->etag())
        return refuse(Failure::Why::Stale, "the source was changed meanwhile");

    auto tree = written_tree(write, body.root(), present);
    if (!tree) return std::unexpected(std::move(tree.error()));
    SourceEntry entry;
    entry.json = std::move(*tree);
    json::Document whole;
    if (const auto parsed = whole.parse(entry.json); !parsed)
        return refuse(Failure::Why::Invalid, parsed.error().what);
    auto definition = check_definition(whole.root(), egress);
    if (!definition) return std::unexpected(std::move(definition.error()));
    entry.definition = std::move(*definition);
    entry.name = entry.definition->name;
    if (!write.name.empty() && entry.name != write.name)
        return refuse(Failure::Why::Invalid, "a source cannot be renamed",
                      {{"/name", "invalid", "a source cannot be renamed"}});
    entry.version = present != nullptr ? present->version + 1 : 1;
    if (present != nullptr) entry.moved_to = present->moved_to;
    return entry;
}

Bytes encode_entry(const SourceEntry& entry) {
    Bytes out;
    json::Writer writer(out);
    writer.begin_object().member("moved_to", entry.moved_to);
    if (entry.from_file)
        writer.member("origin", entry.origin).member("declared_by", entry.declared_by);
    writer.key("definition").raw(entry.json).end_object();
    return out;
}

Result<SourceEntry> decode_entry(std::string name, BytesView record) {
    json::Document document;
    if (const auto parsed = document.parse(record); !parsed) return std::unexpected(parsed.error());
    const json::Value root = document.root();
    SourceEntry entry;
    entry.name = std::move(name);
    entry.version = static_cast<std::uint64_t>(root["version"].integer().value_or(1));
    entry.moved_to = root["moved_to"].string();
    entry.declared_by = root["declared_by"].string();
    entry.from_file = !entry.declared_by.empty();
    if (entry.from_file) entry.origin = root["origin"].string();
    root["definition"].append_compact(entry.json);
    auto parsed = source::parse(root["definition"]);
    if (!parsed)
        return fail(Errc::Malformed,
                    parsed.error().front().pointer + ": " + parsed.error().front().detail);
    entry.definition = std::make_shared<const source::Definition>(std::move(*parsed));
    return entry;
}

}  // namespace anode::app
