-- The ledger of one machine. Epoch seconds throughout; `until` of 9e999 means until a person acts.
CREATE TABLE IF NOT EXISTS boot (
    id TEXT PRIMARY KEY,
    epoch REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meter ( -- `day`: a meter's long window. Its newest slot holds what it holds in all, but for the older ones.
    scope TEXT PRIMARY KEY,
    open_requests INTEGER NOT NULL, open_tokens INTEGER NOT NULL, open_usd REAL NOT NULL,
    minute_requests INTEGER NOT NULL, minute_tokens INTEGER NOT NULL, minute_usd REAL NOT NULL,
    minute_leaves REAL NOT NULL, minute_slot INTEGER NOT NULL, minute_slot_leaves REAL NOT NULL,
    minute_older_requests INTEGER NOT NULL, minute_older_tokens INTEGER NOT NULL, minute_older_usd REAL NOT NULL,
    day_requests INTEGER NOT NULL, day_tokens INTEGER NOT NULL, day_usd REAL NOT NULL,
    day_leaves REAL NOT NULL, day_slot INTEGER NOT NULL, day_slot_leaves REAL NOT NULL,
    day_older_requests INTEGER NOT NULL, day_older_tokens INTEGER NOT NULL, day_older_usd REAL NOT NULL,
    seen TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slot ( -- The older ones.
    scope TEXT NOT NULL, period TEXT NOT NULL, slot INTEGER NOT NULL, leaves REAL NOT NULL,
    requests INTEGER NOT NULL, tokens INTEGER NOT NULL, usd REAL NOT NULL,
    PRIMARY KEY (scope, period, slot)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lease (
    id TEXT NOT NULL,
    deployment TEXT NOT NULL, scopes TEXT NOT NULL,
    requests INTEGER NOT NULL, tokens INTEGER NOT NULL, usd REAL NOT NULL,
    taken_at REAL NOT NULL, expires_at REAL NOT NULL, probes TEXT NOT NULL,
    input INTEGER, output INTEGER, -- Tokens; NULL where they are not counted apart.
    PRIMARY KEY (expires_at, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rest (
    scope TEXT PRIMARY KEY,
    status TEXT NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL, until REAL NOT NULL,
    probes INTEGER NOT NULL, probe TEXT, probe_until REAL NOT NULL
) WITHOUT ROWID;
DROP TABLE IF EXISTS history; -- Of schema 3 and before, by model.
DROP TABLE IF EXISTS latency;
CREATE TABLE IF NOT EXISTS course ( -- A provider's present minute, and how long its last answers took.
    provider TEXT PRIMARY KEY, minute INTEGER NOT NULL,
    requests INTEGER NOT NULL, tokens INTEGER NOT NULL, usd REAL NOT NULL, errors INTEGER NOT NULL,
    latencies TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS usage ( -- By five minutes, as far as they are over.
    provider TEXT NOT NULL, slot INTEGER NOT NULL,
    requests INTEGER NOT NULL, tokens INTEGER NOT NULL, usd REAL NOT NULL, errors INTEGER NOT NULL,
    PRIMARY KEY (provider, slot)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS minute ( -- By minute that is over.
    provider TEXT NOT NULL, slot INTEGER NOT NULL,
    requests INTEGER NOT NULL, tokens INTEGER NOT NULL, usd REAL NOT NULL, errors INTEGER NOT NULL,
    PRIMARY KEY (provider, slot)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hour ( -- What has left `usage`. Not in files of schema 6 from before it: they get it when opened.
    provider TEXT NOT NULL, slot INTEGER NOT NULL,
    requests INTEGER NOT NULL, tokens INTEGER NOT NULL, usd REAL NOT NULL, errors INTEGER NOT NULL,
    PRIMARY KEY (provider, slot)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS prompt_usage ( -- Tokens of prompts as providers told them, by five minutes, and what was cached.
    provider TEXT NOT NULL, slot INTEGER NOT NULL, prompt INTEGER NOT NULL, cached INTEGER NOT NULL,
    PRIMARY KEY (provider, slot)
) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS slot_usage AS
    SELECT provider, slot, requests, tokens, usd, errors FROM usage UNION ALL
    SELECT provider, minute / {SLOT_MINUTES}, requests, tokens, usd, errors FROM course;
CREATE VIEW IF NOT EXISTS minute_usage AS
    SELECT provider, slot, requests, tokens, usd, errors FROM minute UNION ALL
    SELECT provider, minute, requests, tokens, usd, errors FROM course;
CREATE VIEW IF NOT EXISTS hour_usage AS
    SELECT provider, slot, requests, tokens, usd, errors FROM hour UNION ALL
    SELECT provider, slot / {HOUR_SLOTS}, requests, tokens, usd, errors FROM slot_usage;
CREATE TABLE IF NOT EXISTS decision (
    number INTEGER PRIMARY KEY,
    text TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS decision_later ( -- What earlier versions know nothing of, and pass over.
    number INTEGER PRIMARY KEY,
    text TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY,
    at REAL NOT NULL, kind TEXT NOT NULL, provider TEXT NOT NULL, reason TEXT NOT NULL, until REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS last_error (
    provider TEXT PRIMARY KEY,
    at REAL NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempt_total (
    provider TEXT NOT NULL, model TEXT NOT NULL, outcome TEXT NOT NULL, bucket INTEGER NOT NULL,
    attempts INTEGER NOT NULL, tokens INTEGER NOT NULL, usd REAL NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (provider, model, outcome, bucket)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counted_total (
    kind TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (kind, provider, model)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS process (
    name TEXT PRIMARY KEY, seen_at REAL NOT NULL, joined_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identity (
    name TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS affinity ( -- Which deployment answers a tool loop.
    conversation TEXT PRIMARY KEY, deployment TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
    calls INTEGER NOT NULL, tokens INTEGER NOT NULL, began REAL NOT NULL, until REAL NOT NULL
) WITHOUT ROWID;
