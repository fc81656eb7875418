// The API's objects, as far as the dashboard reads them. Everything optional may be missing on another version of a node.

export interface Caller { name: string; authenticated: boolean; roles: string[]; topics: string[]; expires: string | null; session?: unknown }

export interface Cluster {
    name: string; health: string; state: string; encrypted: boolean; node: string;
    nodes: { alive: number; suspect: number; dead: number; left: number; foreign: number };
    versions: string[]; topics: number; messages: number; bytes: number; alerts?: number;
}

export interface Disk { free: number; total: number; store?: number; full?: boolean }

export interface NodeDoc {
    id: string; name: string; kind: string; self: boolean; state: string; suspect: boolean; draining: boolean;
    zone: string; version: string; address: string; url: string; incarnation: number; epoch: number; since: string;
    rtt_ms: number | null; key: string | null;
    ready?: boolean; health?: string; started?: string; uptime_seconds?: number;
    load?: { in_per_second: number; memory_bytes: number; shed_level: number; cpu?: number; memory_limit?: number };
    listeners?: number; told?: string;
    sources?: number; sources_live?: number; clock_offset_ms?: number; disk?: Disk;
}

/// What a node tells of itself once a second on `$sys.stats.<node>`.
export interface Stats {
    node: string; name: string; at: string; in_per_second: number; stored_per_second: number;
    received: number; stored: number; rejected: number; duplicates: number; dropped: number;
    sources: number; sources_live: number; sources_per_second: number; memory_bytes: number; shed_level: number;
    out_per_second?: number; delivered?: number; skipped?: number; listeners?: number; cpu?: number; store_bytes?: number; store_pending?: number; sources_owned?: number; links?: number; health_score?: number; clock_offset_ms?: number;
    disk_free?: number; disk_total?: number; open_fds?: number; fd_limit?: number; memory_limit?: number;
    delivery_ms?: { p50: number | null; p99: number | null }; hop_ms?: { p50: number | null; p99: number | null };
    loop_lag_ms?: number | null; uptime_seconds?: number; gaps?: number;
}

export interface LastError { class: string; detail: string; at: string | null }

export interface SourceDoc {
    name: string; type: string; url?: string | string[]; topic: string; labels?: Record<string, string>; enabled: boolean;
    version: number; origin: string; weakness?: string; moved_to?: string;
    owner: string | null; owner_name?: string; role: string; term: number; candidates: string[];
    state: string; why: string; state_since?: string | null; last_error: LastError | null;
    last_message?: string | null; lag_ms?: number | null; messages: number; messages_per_second: number;
    connections?: number; queued_bytes?: number; next_due?: string | null; counters?: Record<string, number>; polls?: Record<string, number>;
    [key: string]: unknown;
}

export interface Listener {
    id: string; node: string; transport: string; address: string; identity: string; topics: string[]; mode: string;
    queue_bytes: number; lag: number; catching_up: boolean; sent: number; skipped: number; conflated: number; gaps: number; since: string;
    policy?: string;
}

export interface Gap {
    at: string; node: string; gap: string; scope: string; reason: string; source?: string; key?: string; cause?: string;
    from?: string | number; to?: string | number; lost: number | null; topics?: string[]; repaired_by?: string | null;
    [key: string]: unknown;
}

export interface Event { at: string; node: string; kind: string; source?: string; from?: string; to?: string; why?: string; [key: string]: unknown }

export interface Message {
    cursor: string; id: string; topic: string; ts: number; src: string; node: string; data?: unknown; b64?: string; ct?: string;
    key?: string; kind?: string; sts?: number; flags?: string[];
    line?: string;  ///< as it came over the live connection: numbers keep every digit there
}

export interface Topic {
    topic: string; messages: number; bytes: number; first: string | null; last: string | null; messages_per_second: number | null;
    retention: Retention | null; last_message?: Message | null;
}
export interface Branch { prefix: string; topics: number; is_topic: boolean; messages: number; bytes: number; last: string | null; messages_per_second: number | null }
export interface Retention { name: string; topics: string; age: string; bytes: string; origin: string }

export interface Storage {
    node: string; engine: string; bytes: number; pending_bytes: number; queued_bytes: number; messages: number; topics: number; blocks: number;
    segments: number; quarantined: number; oldest: string | null; disk: Disk;
    cassandra?: Record<string, unknown>; spool_bytes?: number; [key: string]: unknown;
}

export interface Link {
    peer: string; name: string; purpose: string; state: string; direction: string; seconds: number; rtt_ms: number | null; offset_ms: number;
    bytes_in: number; bytes_out: number; blocks_in: number; blocks_out: number; queued: number; parents: number; children: number;
}
export interface MeshLog {
    origin: string; epoch: string; lane: number; state: string; head: number; watermark: number; stored: number; parent: string; depth: number;
    children: number; missing: { from: number; to: number }[];
}
export interface Mesh {
    node: string; state: string; links: Link[]; logs: { count: number; missing: number; items?: MeshLog[] };
    queue_bytes: number; cache_bytes: number; counters: Record<string, number>;
}
export interface Gossip {
    node: string; cluster: string; state: string; listen: string; health_score: number; queue: number; encrypted: boolean; keys: string[];
    counters: Record<string, number | Record<string, number>>; members: NodeDoc[];
}
export interface Keys {
    complete: boolean;
    items: { id: string; kind: string; answered: boolean; primary: string; keys: string[]; error: string | null }[];
}

export interface Pipeline {
    name: string; input: string; output: string; steps: Record<string, unknown>[]; enabled?: boolean; description?: string; state?: string;
    why?: string; version?: number; origin?: string; owner?: string | null; counters?: Record<string, number>; slow_path?: boolean; [key: string]: unknown;
}

export interface Token { id: string; name: string; roles: string[]; topics: string[]; networks?: string[]; expires: string | null; created?: string; last_used?: string | null; url_ok?: boolean; token?: string }

export interface Alert {
    id: string; name?: string; severity?: string; state?: string; since?: string; at?: string; text?: string; detail?: string; rule?: string;
    node?: string; source?: string; acknowledged_by?: string | null; silenced_until?: string | null; comment?: string | null; [key: string]: unknown;
}
export interface Audit { at: string; node?: string; actor: string; action: string; object: string; from?: string; address?: string; [key: string]: unknown }

export interface Check { name: string; status: string; detail: string; since: string }
export interface Health { status: string; ready: boolean; checks: Check[] }
export interface ConfigItem { key: string; value: unknown; origin: string; live: boolean }

/// A source as the cluster view has it: what a table of all of them needs, and no more.
export interface SourceRow {
    name: string; type: string; provider: string; enabled: boolean; origin: string; state: string; why: string; since: string | null;
    owner: string | null; ownerName: string; standby: string[]; rate: number | null; lagMs: number | null; last: string | null;
    messages: number; gaps: number | null; error: LastError | null; nextDue: string | null; at: number;
}
