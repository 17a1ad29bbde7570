/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle: from the bytes of a request to points, and from points to the database.
 * wm_bundle_decode has no side effects and no connection: it is what the fuzzers run. */
#ifndef WM_BUNDLE_H
#define WM_BUNDLE_H

#include <apr_tables.h>
#include <apr_time.h>

#include "wm_buf.h"
#include "wm_err.h"
#include "wm_point.h"

struct wm_db;

/* Different sources, generators and agents of one bundle, counted together: each needs a row to be
 * found or made while the database connection is held, and memory meanwhile.  Real bundles have one
 * source and less than a hundred of the others. */
enum { WM_BUNDLE_NAMES_MAX = 32768 };

/* Why something could not become a point: name as stored, words for people. */
#define WM_QUARANTINE_REASONS(X)                                                                   \
    X(WM_Q_BAD_JSON, "bad-json", "the text is not JSON")                                           \
    X(WM_Q_BAD_GZIP, "bad-gzip", "the compressed data are damaged or cut off")                     \
    X(WM_Q_BAD_BASE64, "bad-base64", "the payload is not base64")                                  \
    X(WM_Q_TOO_LARGE, "too-large", "the data inflate to more than WebmunkInflatedMax")             \
    X(WM_Q_TOO_DEEP, "too-deep", "the point nests deeper than WebmunkDepthMax")                    \
    X(WM_Q_TOO_MANY_POINTS, "too-many-points", "the bundle has more points than WebmunkPointsMax") \
    X(WM_Q_TOO_MANY_NAMES, "too-many-names",                                                       \
      "the bundle has more than 32768 different sources, generators and user agents")              \
    X(WM_Q_TOO_MANY_FILES, "too-many-files", "more than 10000 files come with the bundle")         \
    X(WM_Q_NOT_A_BUNDLE, "not-a-bundle", "the JSON is neither an array nor an object")             \
    X(WM_Q_UNKNOWN_COMPRESSION, "unknown-compression",                                             \
      "the field compression is neither none nor gzip")                                            \
    X(WM_Q_NO_NONCE, "no-nonce", "encrypted, but without a nonce")                                 \
    X(WM_Q_NO_KEY, "no-key", "encrypted, but this server has no keys (WebmunkBoxSecretKey)")       \
    X(WM_Q_DECRYPT_FAILED, "decrypt-failed", "the box does not open with this server's keys")      \
    X(WM_Q_NOT_AN_OBJECT, "not-an-object", "an element of the bundle is not an object")            \
    X(WM_Q_NO_METADATA, "no-metadata", "the point has no passive-data-metadata")                   \
    X(WM_Q_BAD_METADATA, "bad-metadata", "passive-data-metadata is not an object")                 \
    X(WM_Q_NO_SOURCE, "no-source", "the metadata name no source")                                  \
    X(WM_Q_BAD_SOURCE, "bad-source", "the source is no text or longer than 1024 characters")       \
    X(WM_Q_POINT_TOO_LARGE, "point-too-large",                                                     \
      "the point is larger than one value of the database can be")                                 \
    X(WM_Q_NOT_STORABLE, "not-storable",                                                           \
      "the database refuses what the bundle says; the operator's log has its words")

typedef enum {
#define X(name, word, text) name,
    WM_QUARANTINE_REASONS(X)
#undef X
        WM_Q_COUNT
} wm_reason;

/* "bad-json" and the like. */
const char *wm_reason_word(wm_reason reason);
/* The words for people. */
const char *wm_reason_text(wm_reason reason);

typedef enum {
    WM_BODY_URLENCODED, /* form with payload */
    WM_BODY_MULTIPART,  /* form with payload and files */
    WM_BODY_JSON,       /* the array itself (CREATE, POST application/json, PUT unencoded) */
    WM_BODY_GZIP        /* gzip bytes of the array (PUT v3) */
} wm_body_form;

/* What the host read from a request.  All of it must outlive the bundle. */
typedef struct wm_upload {
    wm_body_form form;
    const char *content_type; /* whole header, for the multipart boundary; may be NULL */
    const char *identifier;   /* X-PDK-IDENTIFIER or NULL */
    const char *user_agent;   /* HTTP User-Agent or NULL */
    const char *client;       /* peer address as text, or NULL */
    const char *method;       /* as received */
    const char *data;         /* the body, in memory or mapped */
    size_t size;
    apr_time_t received;
    unsigned char uid[16]; /* random, made when the request is received */
    int single;            /* add-point.json: encrypted_transmission is not added */
} wm_upload;

/* NaCl box keys, 32 bytes each (7.3). */
typedef struct wm_box_keys {
    unsigned char secret[32]; /* the server's */
    unsigned char peer[32];   /* public key that all clients of the study share */
} wm_box_keys;

typedef struct wm_decode_options {
    size_t inflated_max;     /* bytes of JSON text, 512 MiB by default */
    int depth_max;           /* 1000 */
    apr_uint32_t points_max; /* at most 1 << 20, because an ordinal has 20 bits */
    const wm_box_keys *keys; /* NULL: encrypted bundles go to quarantine, no-key */
    const wm_budget *budget; /* NULL: unaccounted */
    int repeats_keep;        /* WebmunkRepeats keep: the uid is mixed into each digest */
} wm_decode_options;

typedef struct wm_quarantined {
    wm_reason reason;
    int index;   /* of the array element; -1 for the whole bundle */
    wm_text raw; /* bytes as they were when nothing more could be made of them */
} wm_quarantined;

typedef struct wm_agent {
    wm_text generator;  /* metadata.generator as sent, repaired */
    wm_text user_agent; /* 6.3 */
} wm_agent;

typedef struct wm_file {
    wm_text identifier;   /* part name, %22 %0D %0A decoded (4.3) */
    wm_text content_type; /* default application/octet-stream */
    wm_text content;      /* slice of the request body */
    const char *path; /* where the host stored it, relative to the attachment folder; NULL before */
    unsigned char sha256[32];
} wm_file;

typedef struct wm_file_link {
    int file;  /* index into files */
    int point; /* index into points */
} wm_file_link;

/* Newest facts of one source in this bundle. */
typedef struct wm_source_news {
    int source;
    int agent;               /* of its newest point */
    apr_time_t last_created; /* newest created */
    double battery;          /* percent by the newest pdk-device-battery point; NAN: not told */
} wm_source_news;

typedef struct wm_bundle {
    const wm_upload *upload;
    wm_point *points; /* as in the array, or, when they are many, by source, generator and time */
    int point_count;
    apr_array_header_t *sources;     /* wm_text, distinct identifiers */
    apr_array_header_t *generators;  /* wm_text, distinct generator identifiers */
    apr_array_header_t *agents;      /* wm_agent, distinct */
    apr_array_header_t *news;        /* wm_source_news, one per source */
    apr_array_header_t *quarantined; /* wm_quarantined */
    apr_array_header_t *files;       /* wm_file */
    apr_array_header_t *links;       /* wm_file_link */
    int ignored;                     /* null elements */
    int compressed;                  /* came as gzip */
    int encrypted;                   /* came in a box */
    apr_size_t json_bytes;           /* of the JSON text before repair */
    wm_text gzip; /* the JSON as it came, gzipped by the client; NULL when it came plain */
    wm_text json; /* the JSON as it came, when it came plain and no gzip is there; else NULL */
    /* BLAKE2b-128 of what it says: of the elements set aside, then of the points' digests; of the
     * raw bytes when no elements were found. */
    unsigned char body_digest[16];
} wm_bundle;

/* Decode UPLOAD (7.2, 7.3, 6.*).  Content is never an error: it goes to quarantined.  Errors:
 * WM_E_INPUT when there is no payload or the multipart cannot be parsed, WM_E_BUSY when the budget
 * refuses memory, WM_E_SYSTEM.  The result lives in POOL and points into UPLOAD's data. */
const wm_err *wm_bundle_decode(wm_bundle **bundle, const wm_upload *upload,
                               const wm_decode_options *options, apr_pool_t *pool);

/* BUNDLE with nothing but its request's body, set aside as a whole for REASON, and its files. */
const wm_bundle *wm_bundle_aside(const wm_bundle *bundle, wm_reason reason, apr_pool_t *pool);

typedef struct wm_stored {
    apr_int64_t id;
    int points;  /* stored */
    int repeats; /* known from another bundle: counted, not stored */
    int quarantined;
} wm_stored;

typedef struct wm_store_options {
    apr_interval_time_t body_keep; /* how long the body is kept; 0: not at all */
    const char *token;             /* name of the upload token, for PUT; else NULL */
    apr_time_t now;                /* 0: the database's clock; the simulated study sets it */
} wm_store_options;

/* Store BUNDLE durably in one transaction; deadlocks are retried.  What the database refuses for what
 * it says goes to quarantine, WM_Q_NOT_STORABLE, for it would come back for ever (11.4).  On success
 * everything is committed.  WM_E_BUSY when the database cannot take it now; then nothing is stored. */
const wm_err *wm_bundle_store(wm_stored *stored, struct wm_db *db, const wm_bundle *bundle,
                              const wm_store_options *options, apr_pool_t *pool);

#endif
