-- Store of runs. `PRAGMA user_version` is the format; grader/store/database.py upgrades older ones step by step.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    class_name TEXT NOT NULL,
    rubric_name TEXT NOT NULL,
    rubric BLOB NOT NULL,              -- the TOML bytes, so that a run can be judged again without the file
    settings BLOB NOT NULL,            -- msgpack of Settings
    fingerprint TEXT NOT NULL,         -- what must be equal for --resume to go on with this run
    started TEXT NOT NULL,             -- UTC, ISO 8601; a clock is never compared
    finished TEXT NOT NULL DEFAULT '',
    shown INTEGER NOT NULL DEFAULT 0,  -- grows with each drawing of pages: the greatest is what the pages show
    facts_of INTEGER NOT NULL DEFAULT 0 -- the run whose facts this one scored again with another rubric; 0 for none
);
CREATE TABLE deliveries (              -- what was handed in, in this run
    run INTEGER NOT NULL REFERENCES runs(id),
    id TEXT NOT NULL,
    slug TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    late_days REAL NOT NULL DEFAULT 0,
    submission BLOB NOT NULL,          -- msgpack of Submission
    seen TEXT NOT NULL,
    PRIMARY KEY (run, id)
);
CREATE TABLE refusals (                -- entries of the class that are no submission, each with its reason
    run INTEGER NOT NULL REFERENCES runs(id),
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    basis TEXT NOT NULL DEFAULT '',    -- as in phases
    PRIMARY KEY (run, name)
);
CREATE TABLE products (                -- evidence and facts, by everything that changes them
    key TEXT PRIMARY KEY,
    product TEXT NOT NULL,
    payload BLOB NOT NULL              -- msgpack, zlib
);
CREATE TABLE phases (                  -- one row, one transaction, when a phase of a submission is finished
    run INTEGER NOT NULL REFERENCES runs(id),
    id TEXT NOT NULL,
    phase TEXT NOT NULL,
    products BLOB NOT NULL,            -- msgpack: product name to key
    missing BLOB NOT NULL,             -- msgpack: product name to Missing
    notes BLOB NOT NULL,               -- msgpack: lines of "what we read"
    basis TEXT NOT NULL DEFAULT '',    -- digest of all that decides this row; a later run with the same basis copies it; '' never
    PRIMARY KEY (run, id, phase)
);
CREATE TABLE durations (               -- what a phase cost; apart from results, which hold no clock
    run INTEGER NOT NULL REFERENCES runs(id),
    id TEXT NOT NULL,
    phase TEXT NOT NULL,
    wall REAL NOT NULL,                -- seconds
    cpu REAL NOT NULL,                 -- seconds of the worker and of what it waited for
    PRIMARY KEY (run, id, phase)
);
-- An unchanged class asks for each submission whether any run has it: without these each question reads all runs.
CREATE INDEX phases_of_a_submission ON phases (id, phase, basis);
CREATE INDEX refusals_of_a_submission ON refusals (name, basis);
CREATE INDEX durations_of_a_submission ON durations (id, phase, run);
CREATE TABLE overrides (               -- append-only: an edit is a new row
    number INTEGER PRIMARY KEY,
    submission TEXT NOT NULL,
    code TEXT NOT NULL,
    verdict TEXT NOT NULL,
    credit REAL NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    made TEXT NOT NULL,
    points REAL,                       -- given in the place of a verdict; NULL for none
    comment TEXT NOT NULL DEFAULT ''   -- for the student; '' verdict and no points: nothing else was decided
);
CREATE TRIGGER overrides_are_for_ever_u BEFORE UPDATE ON overrides BEGIN SELECT RAISE(ABORT, 'overrides are append-only'); END;
CREATE TRIGGER overrides_are_for_ever_d BEFORE DELETE ON overrides BEGIN SELECT RAISE(ABORT, 'overrides are append-only'); END;
