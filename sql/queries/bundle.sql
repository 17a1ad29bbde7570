-- SPDX-License-Identifier: Apache-2.0

-- The whole bundle in one statement, hence one transaction without a BEGIN.  No row comes back
-- when a dictionary lacks a row: bundle_dictionary, and again.
-- name: bundle_store prepared
SELECT id, points, repeats
  FROM bundle_store(
       $1::uuid, $2::timestamptz, $3::timestamptz, $4::uuid, $5::text, $6::text, $7::text,
       $8::text, $9::bool, $10::bool, $11::int8, $12::int8, $13::int4, $14::float8, $15::bytea,
       $16::text[], $17::text[], $18::text[], $19::text[], $20::int4[], $21::int4[], $22::int4[],
       $23::int4[], $24::timestamptz[], $25::bool[], $26::uuid[], $27::text[], $28::float8[],
       $29::float8[], $30::int4[], $31::jsonb[], $32::int4[], $33::int4[], $34::int4[],
       $35::int4[], $36::int4[], $37::int8[], $38::bit(96)[], $39::timestamptz[], $40::timestamptz[],
       $41::int4[], $42::int4[], $43::int4[], $44::float8[], $45::float8[], $46::int4[],
       $47::int4[], $48::int4[], $49::timestamptz[], $50::float8[], $51::int4[])
 WHERE id IS NOT NULL;

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
       $1::int8, $2::timestamptz, $3::timestamptz, $4::uuid, $5::text[], $6::text[], $7::text[],
       $8::text[], $9::int4[], $10::int4[], $11::int4[], $12::int4[], $13::timestamptz[],
       $14::bool[], $15::uuid[], $16::text[], $17::float8[], $18::float8[], $19::int4[],
       $20::jsonb[], $21::int4[], $22::int4[], $23::int4[], $24::int4[], $25::int4[],
       $26::int8[], $27::bit(96)[], $28::timestamptz[], $29::timestamptz[], $30::int4[], $31::int4[],
       $32::int4[], $33::float8[], $34::float8[], $35::int4[], $36::int4[], $37::int4[],
       $38::timestamptz[], $39::float8[], $40::int4[]);

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
-- name: bundle_patience
SELECT set_config('statement_timeout', '60s', true);

-- name: bundle_quarantine
INSERT INTO quarantine (received, bundle_id, reason, index, raw)
SELECT $2::timestamptz, $1::int8, u.reason, u.index, u.raw
  FROM unnest($3::text[], $4::int4[], $5::bytea[]) AS u(reason, index, raw);

-- name: bundle_attach
INSERT INTO attachment (bundle_id, identifier, content_type, bytes, sha256, path)
SELECT $1::int8, u.identifier, u.content_type, u.bytes, u.sha256, u.path
  FROM unnest($2::text[], $3::text[], $4::int8[], $5::bytea[], $6::text[])
       AS u(identifier, content_type, bytes, sha256, path);

-- Links are pairs of a file, as place in the list of paths, and the ordinal of a point.
-- name: bundle_link
INSERT INTO attachment_point (attachment_id, point_id)
SELECT a.id, $1::int8 << 20 | l.ordinal
  FROM unnest($3::int4[], $4::int4[]) AS l(file, ordinal)
  JOIN unnest($2::text[]) WITH ORDINALITY AS f(path, n) ON f.n = l.file
  JOIN attachment a ON a.bundle_id = $1::int8 AND a.path = f.path
ON CONFLICT DO NOTHING;
