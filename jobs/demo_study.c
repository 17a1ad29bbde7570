/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <apr_strings.h>

#include "demo.h"

#define HOUR        ((apr_time_t)3600 * APR_USEC_PER_SEC)
#define DAY         (24 * HOUR)
#define COUNT(list) (int)(sizeof(list) / sizeof(list)[0])

/* What wm_demo_chance is asked about a person; uploads count from UPLOAD on. */
enum { ZONE = 1, SYSTEM, EAGER, JOINED, STOPPED, UPDATED, UPLOAD = 100 };

static const struct {
    const char *name;
    int hours;
} zones[] = {{"America/New_York", -5},
             {"America/New_York", -5},
             {"America/Chicago", -6},
             {"America/Los_Angeles", -8},
             {"Europe/Berlin", 1}};

static const char *const systems[] = {"Windows NT 10.0; Win64; x64", "Windows NT 10.0; Win64; x64",
                                      "Macintosh; Intel Mac OS X 10_15_7", "X11; CrOS x86_64"};

/* splitmix64 over all four numbers. */
double wm_demo_chance(const wm_demo_study *study, int a, int b, int c)
{
    apr_uint64_t z = study->seed;
    const int numbers[] = {a, b, c};

    for (int i = 0; i < 3; i++) {
        z += APR_UINT64_C(0x9e3779b97f4a7c15) * ((apr_uint64_t)numbers[i] + 1);
        z = (z ^ z >> 30) * APR_UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * APR_UINT64_C(0x94d049bb133111eb);
        z ^= z >> 31;
    }
    return (double)(z >> 11) / (double)(APR_UINT64_C(1) << 53);
}

/* The shares are exact: places of the study are dealt out, not drawn. */
static wm_demo_fate fate_of(const wm_demo_study *study, int number)
{
    static const int shares[] = {
#define X(name, share) share,
        WM_DEMO_FATES(X)
#undef X
    };
    /* 7919 is prime, so every place is taken once in any smaller study. */
    apr_int64_t place =
        ((apr_int64_t)number * 7919 + (apr_int64_t)(study->seed % 1000)) % study->participants;
    apr_int64_t mille = place * 1000 / study->participants;
    int fate = 0;

    while (fate < WM_DEMO_ACTIVE && mille >= shares[fate])
        mille -= shares[fate++];
    return (wm_demo_fate)fate;
}

/* When a person of this fate sends nothing any more. */
static apr_time_t stop_of(const wm_demo_study *study, const wm_demo_person *person)
{
    apr_time_t end = study->start + study->days * DAY;
    double chance = wm_demo_chance(study, person->number, STOPPED, 0);

    switch (person->fate) {
    case WM_DEMO_LATE:
        return end - 13 * HOUR - (apr_time_t)(chance * 27 * HOUR);
    case WM_DEMO_SILENT:
    case WM_DEMO_PAUSED:
    case WM_DEMO_WITHDRAWN:
    case WM_DEMO_COMPLETED:
        return end - 50 * HOUR - (apr_time_t)(chance * study->days / 2 * DAY);
    case WM_DEMO_NEVER_STARTED:
    case WM_DEMO_INVITED:
        return 0;
    default:
        return APR_INT64_MAX;
    }
}

static void choose_client(wm_demo_person *p, const wm_demo_study *study, apr_pool_t *pool)
{
    const char *system =
        systems[(int)(wm_demo_chance(study, p->number, SYSTEM, 0) * COUNT(systems))];
    int old = p->fate == WM_DEMO_SILENT;

    p->android = p->number % 5 == 4;
    p->updated = old ? APR_INT64_MAX
                     : study->start + (apr_time_t)(wm_demo_chance(study, p->number, UPDATED, 0) *
                                                   study->days * DAY);
    if (p->android) {
        const char *device = "Passive Data Kit/1.0 (Android 14 SDK 34; Google Pixel 7)";

        p->agent_before = apr_psprintf(pool, "Webmunk Mobile/2.3.0 %s", device);
        p->agent = apr_psprintf(pool, "Webmunk Mobile/2.4.1 %s", device);
        p->browser = "okhttp/4.12.0";
        return;
    }
    p->browser = apr_psprintf(pool,
                              "Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) "
                              "Chrome/142.0.0.0 Safari/537.36",
                              system);
    p->agent_before = apr_psprintf(pool, "Webmunk/%s %s", old ? "0.38.2" : "0.39.0", p->browser);
    p->agent = apr_psprintf(pool, "Webmunk/0.40.0 %s", p->browser);
}

void wm_demo_person_make(wm_demo_person *p, const wm_demo_study *study, int number,
                         apr_pool_t *pool)
{
    int zone = (int)(wm_demo_chance(study, number, ZONE, 0) * COUNT(zones));
    double joined = wm_demo_chance(study, number, JOINED, 0);

    p->number = number;
    p->fate = fate_of(study, number);
    snprintf(p->identifier, sizeof p->identifier, "demo-%d-%04d", (int)study->seed, number + 1);
    snprintf(p->name, sizeof p->name, "Participant %d", number + 1);
    p->group = p->fate == WM_DEMO_UNASSIGNED || number % 20 == 19 ? 0 : 1 + number % 3;
    p->zone = zones[zone].name;
    p->hours = zones[zone].hours;
    choose_client(p, study, pool);
    p->eager = 0.3 + 1.7 * wm_demo_chance(study, number, EAGER, 0);
    /* Most join in the first fifth; the first one begins the study. */
    p->added = number ? study->start + (apr_time_t)(joined * joined * study->days * DAY / 5)
                      : study->start;
    if (p->fate == WM_DEMO_INVITED)
        p->added = study->start + study->days * DAY - (apr_time_t)((0.1 + 2.4 * joined) * DAY);
    p->stops = stop_of(study, p);
}

/* Every third hour, more or less, because a browser that is open reports by itself. */
static apr_time_t moment_of(const wm_demo_study *study, const wm_demo_person *person, int number)
{
    double chance = wm_demo_chance(study, person->number, UPLOAD + number, 0);

    return person->added +
           (apr_time_t)((number + 0.05 + 0.9 * chance) * (double)(DAY / WM_DEMO_UPLOADS_A_DAY));
}

/* Now and then somebody is offline, and the next upload brings what has gathered; never twice in a
 * row, which would make them late. */
static int is_skipped(const wm_demo_study *study, const wm_demo_person *person, int number)
{
    return number % 2 == 1 && wm_demo_chance(study, person->number, UPLOAD + number, 1) < 0.1;
}

int wm_demo_upload_make(wm_demo_upload *upload, const wm_demo_study *study,
                        const wm_demo_person *person, int number)
{
    int before = number - 1;

    if (number < 0 || is_skipped(study, person, number))
        return 0;
    *upload = (wm_demo_upload){
        .when = moment_of(study, person, number), .person = person->number, .number = number};
    if (before > 0 && is_skipped(study, person, before))
        before--;
    upload->before = before < 0 ? person->added : moment_of(study, person, before);
    return upload->when < person->stops;
}
