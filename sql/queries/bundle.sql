-- SPDX-License-Identifier: Apache-2.0

-- Whole bundles in one statement, hence one transaction without a BEGIN.  A row for each, in their
-- order; or one row that says why nothing was stored.
-- name: bundles_store prepared
SELECT s.missing, s.repeats, u.id
  FROM bundles_store(
       $1::timestamptz, $2::uuid[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[], $7::text[],
       $8::text[], $9::bool[], $10::bool[], $11::int8[], $12::int8[], $13::int4[], $14::float8[],
       $15::bytea[], $16::uuid[], $17::int4[], $18::int4[], $19::int4[], $20::int4[], $21::int4[],
       $22::int8[], $23::int4[], $24::text[], $25::text[], $26::text[], $27::text[], $28::int4[],
       $29::int4[], $30::int4[], $31::int4[], $32::timestamptz[], $33::uuid[], $34::text[],
       $35::float8[], $36::float8[], $37::int4[], $38::jsonb[], $39::int4[], $40::int4[], $41::int4[],
       $42::int4[], $43::int8[], $44::bit(96)[], $45::timestamptz[], $46::timestamptz[],
       $47::timestamptz[], $48::timestamptz[], $49::int4[], $50::int4[], $51::int4[], $52::float8[],
       $53::float8[], $54::int4[], $55::int4[], $56::int4[], $57::timestamptz[], $58::timestamptz[],
       $59::float8[], $60::timestamptz[], $61::int4[]) AS s
  LEFT JOIN LATERAL unnest(s.ids) WITH ORDINALITY AS u(id, n) ON true
 ORDER BY u.n;

-- name: bundle_dictionary
SELECT dictionary_make($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz);

-- Was this upload stored before?  A lost connection leaves that open.
-- name: bundle_by_uid
SELECT id, points, repeats FROM bundle WHERE received = $1::timestamptz AND uid = $2::uuid;

-- name: bundle_next
SELECT nextval('bundle_id_seq'), coalesce($1::timestamptz, now());

-- One piece of a bundle too large for one statement.
-- name: bundle_points
SELECT missing, stored, source_ids, counts
  FROM points_store(
       $1::int8, $2::timestamptz, $3::timestamptz, $4::uuid, $5::bool[], $6::int4[], $7::text[],
       $8::text[], $9::text[], $10::text[], $11::int4[], $12::int4[], $13::int4[], $14::int4[],
       $15::timestamptz[], $16::uuid[], $17::text[], $18::float8[], $19::float8[], $20::int4[],
       $21::jsonb[], $22::int4[], $23::int4[], $24::int4[], $25::int4[], $26::int8[], $27::bit(96)[],
       $28::timestamptz[], $29::timestamptz[], $30::timestamptz[], $31::timestamptz[], $32::int4[],
       $33::int4[], $34::int4[], $35::float8[], $36::float8[], $37::int4[], $38::int4[], $39::int4[],
       $40::timestamptz[], $41::timestamptz[], $42::float8[], $43::timestamptz[], $44::int4[]);

-- name: bundle_add
INSERT INTO bundle (id, received, recorded, uid, body_digest, source_id, client, method, form, token,
                    encrypted, compressed, request_bytes, json_bytes, points, repeats, quarantined,
                    ignored, generator_counts, body_expires, body)
VALUES ($1::int8, $2::timestamptz, $3::timestamptz, $4::uuid, $5::uuid, $6::int8, $7::text, $8::text,
        $9::text, $10::text, $11::bool, $12::bool, $13::int8, $14::int8, $15::int4, $16::int4, $17::int4,
        $18::int4, $19::text::jsonb,
        CASE WHEN $21::bytea IS NOT NULL THEN $3::timestamptz + make_interval(secs => $20::float8) END,
        $21::bytea);

-- Sources beyond the first, of which PostgreSQL has just told the ids ("{1,2}").
-- name: bundle_more_sources
INSERT INTO bundle_source (bundle_id, received, source_id)
SELECT $1::int8, $2::timestamptz, u.id
  FROM unnest($3::text::int8[]) AS u(id)
 WHERE u.id <> $4::int8
 ORDER BY u.id
ON CONFLICT DO NOTHING;

-- A bundle in pieces takes the time it takes: what is refused for its size would come back for ever.
-- To PostgreSQL a transaction is idle, too, while a statement with a value of hundreds of megabytes is
-- on its way.  Only for others it does not wait long.
-- name: bundle_patience
SELECT set_config('statement_timeout', '60s', true),
       set_config('idle_in_transaction_session_timeout', '60s', true),
       set_config('lock_timeout', '5s', true);

-- name: bundle_quarantine
INSERT INTO quarantine (received, bundle_id, reason, index, raw)
SELECT $2::timestamptz, $1::int8, u.reason, u.index, u.raw
  FROM unnest($3::text[], $4::int4[], $5::bytea[]) AS u(reason, index, raw);

-- The points of the bundle have made or locked the row.
-- name: bundle_quarantined
UPDATE source_status SET quarantined = quarantined + $2::int8 WHERE source_id = $1::int8;

-- name: bundle_attach
INSERT INTO attachment (bundle_id, identifier, content_type, bytes, sha256, path)
SELECT $1::int8, u.identifier, u.content_type, u.bytes, u.sha256, u.path
  FROM unnest($2::text[], $3::text[], $4::int8[], $5::bytea[], $6::text[])
       AS u(identifier, content_type, bytes, sha256, path);

-- The ordinals of the points that the bundle has stored.
-- name: bundle_ordinals
SELECT string_agg((id & 1048575)::text, ' ') FROM data_point
 WHERE recorded = $2::timestamptz AND id >= $1::int8 << 20 AND id < ($1::int8 + 1) << 20;

-- Links are pairs of a file, as place in the list of paths, and the ordinal of a point.
-- name: bundle_link
INSERT INTO attachment_point (attachment_id, point_id)
SELECT a.id, $1::int8 << 20 | l.ordinal
  FROM unnest($3::int4[], $4::int4[]) AS l(file, ordinal)
  JOIN unnest($2::text[]) WITH ORDINALITY AS f(path, n) ON f.n = l.file
  JOIN attachment a ON a.bundle_id = $1::int8 AND a.path = f.path
ON CONFLICT DO NOTHING;
