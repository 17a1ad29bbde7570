/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that decode one bundle share: wm_bundle.c walks over the elements, wm_point.c makes
 * points of them, wm_link.c finds the files that they name, wm_order.c
 * sorts the points of large bundles. */
#ifndef WM_DECODE_H
#define WM_DECODE_H

#include <sodium.h>

#include "wm_bundle.h"
#include "wm_dict.h"
#include "wm_derive.h"
#include "wm_json.h"
#include "wm_secondary.h"

/* What is the same for all points of one generator. */
typedef struct wm_generator_facts {
    const wm_secondary_rule *rule;
    int battery; /* its points tell the charge */
    int agent;   /* of its last point, which most likely is that of the next; -1 before */
} wm_generator_facts;

/* A digest without occurrence number that this bundle has, and how often. */
typedef struct wm_seen {
    unsigned char digest[16];
    apr_uint32_t count;
} wm_seen;

typedef struct wm_linker wm_linker;

typedef struct wm_decoder {
    const wm_upload *upload;
    const wm_decode_options *options;
    wm_bundle *bundle;
    wm_json *json;
    wm_buf *points; /* wm_point; properties are laid one behind the other in out */
    wm_buf *out;
    wm_dict *sources, *generators, *agents;
    apr_array_header_t *facts;      /* wm_generator_facts, parallel to generators */
    apr_array_header_t *charged;    /* apr_time_t, parallel to news: when the battery was told */
    crypto_generichash_state *body; /* of body_digest */
    wm_seen *seen;                  /* hashed by the digest; count 0 is free */
    apr_uint32_t seen_mask;
    wm_buf *seen_buf;     /* whose memory seen is */
    wm_hold *hold;        /* for what lies in the pool */
    wm_linker *linker;    /* NULL: the bundle has no files */
    wm_text header;       /* repaired X-PDK-IDENTIFIER; NULL without */
    wm_text transmission; /* the member that the server adds; NULL for a single point */
    apr_pool_t *scratch;  /* of the element on the tape */
    apr_pool_t *pool;
} wm_decoder;

/* Make a point of the element on the tape, the ORDINAL-th.  REASON gets WM_DERIVE_GOOD, or why it is
 * none.  Fails like wm_buf_reserve. */
const wm_err *wm_point_add(int *reason, wm_decoder *decoder, apr_uint32_t ordinal);

/* The point's digest (architecture, section 5), as far as the point tells it: BLAKE2b-128 of its
 * canonical text TEXT of SIZE bytes less what stands between FROM and TO, then its occurrence number
 * among equal points of the bundle.  Fails like wm_buf_reserve. */
const wm_err *wm_point_digest(unsigned char digest[16], wm_decoder *decoder, const char *text,
                              size_t size, size_t from, size_t to);

/* What of the bundle goes into POINT's digest once all elements are known: the body digest when the
 * point has no time of its own, the uid where repeats are kept. */
void wm_point_digest_bundle(wm_point *point, const wm_decoder *decoder);

/* Bundles of so many points may be stored in pieces. */
enum { WM_ORDER_FROM = 1024 };

/* Sort the points of the bundle, when they are many, by source, generator and time.  Fails like
 * wm_buf_reserve. */
const wm_err *wm_points_order(wm_decoder *decoder);

/* Ready to link the bundle's files by their identifiers; SEED and HOLD as in wm_dict_create, errors
 * as of wm_hold_add. */
const wm_err *wm_linker_create(wm_linker **linker, const apr_array_header_t *files,
                               apr_uint64_t seed, wm_hold *hold, apr_pool_t *pool);

/* Many points may name many files of one name: links beyond this are left out, points and files are
 * kept. */
enum { WM_LINKS_MAX = 1 << 20 };

/* Link the files that the element on the tape names (7.5) with POINT.  After wm_json_emit.  Fails
 * like wm_hold_add. */
const wm_err *wm_linker_link(wm_decoder *decoder, int point);

#endif
