#include "app/config/keys.hpp"

#include <algorithm>
#include <array>

namespace anode::app {
namespace {

using enum ValueKind;
constexpr bool kLive = true, kRestart = false;

/// Source: interfaces, section 12.
constexpr auto kKeys = std::to_array<KeyRow>({
    {"node.name", Text, "", kRestart, "", "Name shown to people; the host name if empty."},
    {"node.zone", Text, "", kRestart, "", "Zone, which spreads copies and standbys."},
    {"node.data_dir", Text, "\"./anode-data\"", kRestart, "",
     "Where the node keeps its data and its identity."},

    {"http.listen", AddressList, "[\"127.0.0.1:7945\"]", kRestart, "",
     "Addresses of the HTTP interface. One that is not loopback needs auth.mode other than none, "
     "and TLS or insecure = true."},
    {"http.socket", Text, "", kRestart, "",
     "Path of the Unix socket; `-` for none; empty: anode.sock in the data directory."},
    {"http.public_url", Text, "", kLive, "",
     "The address under which people reach the node, through a proxy for example."},
    {"http.allowed_origins", OriginList, "[]", kLive, "",
     "Origins of web pages that may use the node, beside its own."},
    {"http.trusted_proxies", NetworkList, "[]", kRestart, "",
     "Networks whose X-Forwarded-For counts."},
    {"http.insecure", Bool, "false", kRestart, "",
     "Allow plain HTTP, or no authentication, on addresses that are not loopback."},
    {"http.threads", Count, "1", kRestart, "", "Threads that serve listeners and requests."},
    {"http.tls.cert", Text, "", kLive, "",
     "PEM file of the certificate and its chain; empty: no TLS. Files are read again when they "
     "change; to begin or end TLS "
     "needs a restart."},
    {"http.tls.key", SecretOrNone, "", kLive, "", "The private key, PEM."},
    {"http.tls.client_ca", Text, "", kLive, "",
     "PEM file; set: client certificates are accepted, see auth.certificates."},

    {"auth.mode", Choice, "\"none\"", kRestart, "tokens|none", "Whether callers need a token."},
    {"auth.anonymous", GrantList, "[]", kLive, "",
     "What callers without a token may do, such as S:public.>."},
    {"auth.certificates", CertificateGrantList, "[]", kLive, "",
     "What holders of client certificates may do: NAME=GRANT with V, S:pattern, P:pattern, O or A; "
     "NAME is a common name, "
     "DNS name or URI of the certificate."},
    {"auth.session_idle", Duration, "\"1h\"", kRestart, "",
     "After how long without use a dashboard session ends."},
    {"auth.session_max", Duration, "\"12h\"", kRestart, "", "After how long it ends in any case."},

    {"gossip.cluster", Text, "\"anode\"", kRestart, "",
     "Name of the cluster; it stands before every packet, and nodes of another one are refused."},
    {"gossip.listen", Address, "\"127.0.0.1:7946\"", kRestart, "",
     "Address of the membership protocol, UDP and TCP; port 0: a free one. One that is not "
     "loopback "
     "needs a key ring or insecure = true. If nobody set it and the port is taken, a free one is "
     "used."},
    {"gossip.advertise", Address, "", kRestart, "",
     "Address that other members are told, with port 0 for the one listened on; empty: the one "
     "listened on, or the first private one of this machine."},
    {"gossip.join", TextList, "[]", kRestart, "",
     "Contacts: addresses or names of other nodes, with a port if it is not 7946; tried for ever, "
     "resolved anew each time."},
    {"gossip.profile", Choice, "\"lan\"", kRestart, "lan|wan|local",
     "Time scale of the membership protocol."},
    {"gossip.keyring", SecretOrNone, "", kRestart, "",
     "Key ring, as `anode keys gen` makes it: members seal all they say. Keys that the cluster "
     "changes are written back to the file."},
    {"gossip.insecure", Bool, "false", kRestart, "",
     "Allow membership in clear text on an address that is not loopback."},
    {"gossip.delegate_versions", Versions, "\"0.0.0\"", kRestart, "",
     "Least, greatest and current version of the application layer, as foreign members of the "
     "protocol compare them: 2.5.4 for Serf."},

    {"mesh.listen", Address, "\"127.0.0.1:7947\"", kRestart, "",
     "Address on which nodes exchange messages."},
    {"mesh.auth", Choice, "\"keyring\"", kRestart, "keyring|certificates",
     "How nodes prove that they belong."},
    {"mesh.bandwidth", Size, "\"0\"", kLive, "", "Bytes a second for the mesh; 0: no limit."},
    {"mesh.insecure", Bool, "false", kRestart, "", "Allow plain text between nodes."},
    {"mesh.tls.ca", Text, "", kRestart, "",
     "With certificates: PEM file of the cluster's authority."},
    {"mesh.tls.cert", Text, "", kRestart, "", "With certificates: PEM file of this node."},
    {"mesh.tls.key", SecretOrNone, "", kRestart, "", "With certificates: the private key."},

    {"storage.engine", Choice, "\"rocksdb\"", kRestart, "rocksdb|cassandra",
     "Where history is kept."},
    {"storage.ack", Ack, "\"disk\"", kLive, "",
     "When a publisher is answered unless it asks otherwise: received, disk or copies:N."},
    {"storage.sync_interval", Duration, "\"5ms\"", kRestart, "", "Longest wait of a group commit."},
    {"storage.min_free", Share, "\"5%\"", kRestart, "",
     "Free part of the disk below which durable writes are refused."},
    {"storage.rocksdb.cache", SizeOrShare, "\"25%\"", kRestart, "",
     "Cache of blocks; a share is of memory.limit."},
    {"storage.cassandra.contact", TextList, "[]", kRestart, "",
     "Addresses of some Cassandra nodes."},
    {"storage.cassandra.datacenter", Text, "", kRestart, "",
     "The data centre whose nodes are used."},
    {"storage.cassandra.keyspace", Text, "\"anode\"", kRestart, "", "Keyspace of the tables."},
    {"storage.cassandra.consistency", Text, "\"LOCAL_QUORUM\"", kLive, "",
     "Consistency of writes."},
    {"storage.cassandra.read_consistency", Text, "\"LOCAL_ONE\"", kLive, "",
     "Consistency of reads."},
    {"storage.cassandra.username", Text, "", kRestart, "", "User name."},
    {"storage.cassandra.password", SecretOrNone, "", kRestart, "", "Password."},
    {"storage.cassandra.ca", Text, "", kRestart, "", "PEM file; set: TLS."},
    {"storage.cassandra.cert", Text, "", kRestart, "", "PEM file of a client certificate."},
    {"storage.cassandra.key", SecretOrNone, "", kRestart, "", "Its private key."},
    {"storage.cassandra.spool", Size, "\"10GiB\"", kLive, "", "How much may wait for Cassandra."},
    {"storage.cassandra.schema", Choice, "\"check\"", kRestart, "check|create",
     "Whether tables are made."},
    {"storage.cassandra.inflight", Count, "32", kLive, "", "Requests at once."},
    {"storage.cassandra.takeover", Duration, "\"60s\"", kLive, "",
     "When another node writes for one that is gone."},
    {"storage.cassandra.max_age", Duration, "\"400d\"", kLive, "", "Oldest history kept."},
    {"storage.cassandra.module", Text, "", kRestart, "",
     "Path of the driver module; empty: beside the program."},

    {"memory.limit", SizeOrShare, "\"75%\"", kRestart, "",
     "What the node may use; a share is of the control group or host."},

    {"egress.allow_private", NetworkList, "[]", kLive, "",
     "Private networks that sources may reach; default: public addresses only."},
    {"egress.ports", PortList, "[80, 443, 8080, 8443, 9443]", kLive, "",
     "Ports that sources may reach."},

    {"log.level", Level, "\"info\"", kLive, "debug|info|warn|error",
     "Least level that is written; a table gives one for each component."},
    {"log.format", Choice, "\"auto\"", kRestart, "auto|text|json",
     "auto: text on a terminal, else one JSON object a line."},

    {"tracing.otlp", Text, "", kRestart, "", "OTLP/HTTP JSON endpoint; empty: off."},
    {"tracing.sample", Fraction, "0.001", kLive, "", "Part of messages that is traced."},

    {"limits.requests", Number, "200", kRestart, "",
     "Requests a second for each token, callers without one by address; twice as many at once; 0: "
     "no limit. Without tokens it holds only if it is set."},
    {"limits.messages", Number, "50000", kRestart, "", "The same for published messages."},

    {"metrics.public", Bool, "false", kLive, "", "Whether /metrics needs no token."},
    {"shutdown.timeout", Duration, "\"30s\"", kLive, "", "Longest drain at the end."},
});

}  // namespace

std::span<const KeyRow> config_keys() noexcept { return kKeys; }

const KeyRow* find_key(std::string_view key) noexcept {
    const auto found = std::ranges::find(kKeys, key, &KeyRow::key);
    return found == kKeys.end() ? nullptr : &*found;
}

std::string_view describe(ValueKind kind) noexcept {
    switch (kind) {
        case Text:
            return "a string";
        case Bool:
            return "true or false";
        case Number:
            return "a whole number";
        case Count:
            return "a whole number from 1 to 1,000";
        case Fraction:
            return "a number from 0 to 1";
        case Port:
            return "a port";
        case Duration:
            return "a duration (string) such as 5ms, 30s or 7d";
        case Size:
            return "a size (string) such as 64KiB or 20GiB";
        case SizeOrShare:
            return "a size such as 1GiB or a share such as 25% (string)";
        case Share:
            return "a share (string) from 0% to 100%";
        case Address:
            return "an address with a port (string) such as 127.0.0.1:7946";
        case Versions:
            return "three versions min.max.current (string) such as 2.5.4";
        case Choice:
            return "a string, one of the choices";
        case Ack:
            return "a string: received, disk or copies:N";
        case Secret:
        case SecretOrNone:
            return "a reference: { env = \"NAME\" } or { file = \"/path\" }";
        case TextList:
            return "a list of strings";
        case AddressList:
            return "a list of addresses with ports such as [\"127.0.0.1:7945\"]";
        case NetworkList:
            return "a list of networks such as [\"10.3.0.0/16\"]";
        case OriginList:
            return "a list of origins such as [\"https://example.org\"]";
        case PortList:
            return "a list of ports such as [80, 443]";
        case GrantList:
            return "a list of grants such as [\"S:public.>\"]";
        case CertificateGrantList:
            return "a list of grants such as [\"ops.example.org=O\"]";
        case Level:
            return "a level (string): debug, info, warn or error";
    }
    return "a value";
}

}  // namespace anode::app
