#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The pages in a real browser: light, dark, narrow, without script, by keyboard alone, and for those who do not see.
# Screenshots are kept in browser/ of the build directory.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Browser;
use WmTest::Httpd;
use WmTest::Postgres;

need_module();
my $chromium = need_program('chromium', 'chromium');
my $node     = need_program('node',     'nodejs');
my $modules  = srcdir() . '/t/browser/node_modules';
-d "$modules/playwright-core" && -d "$modules/axe-core"
    or give_up("the packages of t/browser are missing: do `npm ci` there, or ./quickstart check");
-d builddir() . '/assets/vendor' or give_up('the assets are not there: make gathers them with npm');

my $pg       = WmTest::Postgres->start;
my $password = people($pg, alice => 'manager');
is(webmunkd($pg, qw(account grant alice --right sensitive))->{code}, 0, 'alice may see sensitive fields');
$pg->do('select partitions_ahead(1, 2)');

# Sixty participants over a month: most send, five are late, three silent, one began and one never did.
$pg->do(<<'SQL');
update study set time_zone = 'America/Chicago' where is_default;
insert into source_group (study_id, name) select id, unnest(array['control', 'treatment']) from study where is_default;
insert into study (slug, name) values ('pilot', 'Pilot');
insert into generator (identifier, label, kind) values ('webmunk-amazon-order', 'Orders', 'event'),
    ('pdk-device-battery', 'Battery', 'continuous'), ('webmunk-scroll-position', 'Scroll', 'event');
insert into source (identifier, name, study_id, group_id, added)
select 'p' || n, case when n % 7 = 0 then 'Device ' || n else 'p' || n end, 1, 1 + n % 2, now() - interval '30 days' from generate_series(1, 60) n;
update source set added = now() - interval '2 hours' where identifier = 'p60';
update source set added = now() - interval '400 days' where identifier = 'p42';
insert into source_status (source_id, last_received, last_created, last_sign_of_life, client, version, battery, battery_at, points)
select id, at, at - interval '1 minute', at, 'Webmunk', '0.3' || id % 3, id % 100, at, id * 1234
  from source cross join lateral (select now() - case when id <= 5 then interval '13 hours' when id <= 8
       then interval '50 hours' else id % 30 * interval '11 minutes' end as at) x where id <= 58;
insert into source_day (source_id, generator_id, day, points, bytes, quarters, first_created, last_created, first_received,
                        last_received, lag_minute, lag_hour, lag_day)
select s, g, current_date - d, 10 + (s * d * g) % 90, 4000, repeat(case when (s + d) % 4 = 0 then '1000' else '1111' end, 24 - (s * d) % 9)::bit(96),
       current_date - d, least(now(), current_date - d + interval '20 hours'), current_date - d, least(now(), current_date - d + interval '20 hours'), 10, 5, 1
  from generate_series(1, 58) s, generate_series(1, 3) g, generate_series(0, 29) d where (s + d + g) % 5 > 0;
insert into source (identifier, name) values ('p-somebody-mistyped', ''), ('<script>alert(1)</script>', '');
insert into arrival (study_id, generator_id, hour, points, bundles, bytes)
select 1, 0, date_trunc('hour', now() - n * interval '1 hour', 'UTC'), 900 + (n * 37) % 400, 20 + n % 9, 90000 from generate_series(0, 700) n;
insert into generator (identifier, label) values ('webmunk-extension-scroll-position', 'Scroll position');
insert into arrival (study_id, generator_id, hour, points) select 1, id, date_trunc('hour', now()), 5 from generator;
insert into job (name, what, study_id, state, params, progress, lease_until) values
    ('export', 'export 2', 1, 'running', '{"export": 2}', '{"done": 20000, "total": 80000, "unit": "rows"}', now() + interval '1 day');
insert into job (name, state, error, tries, finished) values ('partitions', 'failed', 'The disk is full.', 5, now() - interval '2 hours');
insert into job_run (job_id, worker, started, finished, outcome, note) values (1, 'host:4711', now() - interval '1 hour', now() - interval '50 minutes', 'lost', null),
    (1, 'host:4712', now() - interval '40 minutes', null, null, 'counted 80000 rows');
insert into export (study_id, job_id, requested_by, purpose, definition, state, rows, rows_expected, bytes, file_name, file_bytes, file_sha256, finished, expires, downloads, error)
select 1, case n when 2 then 1 end, 1, 'For the report to the committee', replace('{"study": 1, "types": ["webmunk-extension-scroll-position"], "sources": null, "groups": null,
    "from": "2026-01-01", "to": "2026-01-31", "clock": "created", "zone": "America/Chicago", "format": "tsv", "archives": "one", "pseudonyms": "", "sensitive": %}', '%', (n = 5)::text)::jsonb,
    (array['ready', 'running', 'failed', 'cancelled', 'ready'])[n], case n when 2 then 20000 else 12345 end, 80000, 5000000, 'webmunk-2026-01.zip', 190000, '\xabcdef', case when n <> 2 then now() end,
    now() + interval '6 days', 2, case n when 3 then 'The disk is full.' end from generate_series(1, 5) n;
insert into export_part (export_id, number, type, entry, file, start, rows, bytes, packed_bytes, sha256) select 1, n, 'webmunk-extension-scroll-position', 'scroll-' || n || '.txt', n, 0, 1000 * n,
    90000 * n, 9000 * n, sha256(n::text::bytea) from generate_series(1, 3) n;
insert into destination (name, kind, tested, test_result) values ('The archive of the library', 'sftp', now() - interval '1 day', null), ('Bucket', 's3', now(), 'the bucket does not exist');
insert into delivery (export_id, destination_id, object, state, delivered) values (1, 1, 'webmunk-2026-01.zip', 'delivered', now());
insert into alert (check_name, source_id, study_id, level, value, reached, opened, last_seen, closed, acknowledged, acknowledged_by, acknowledged_until)
select case when n % 2 = 1 then 'battery-low' else 'upload-silence' end, s.id, 1, (array['info', 'warning', 'critical'])[1 + n % 3], case when n % 2 = 1 then n else 90000 * n end,
    case when n % 2 = 1 then 33 else 172800 end, now() - n * interval '3 hours', now() - interval '2 minutes', case when n > 9 then now() - interval '1 hour' end,
    case when n = 4 then now() end, 1, now() + interval '1 day' from generate_series(1, 12) n join source s on s.identifier = 'p' || n + 40;
insert into alert (check_name, level, subject, message, opened, last_seen) values ('job-failed', 'critical', 'partitions', 'The disk is full.', now() - interval '2 hours', now());
insert into schedule (name, every, built_in, next_due) values ('partitions', '1 day', true, now() - interval '3 days');
insert into schedule (name, what, study_id, daily_at, time_zone, next_due) values ('export-nightly', 'study 1', 1, '00:30', 'America/Chicago', now() + interval '5 hours');
insert into health_sample (span, at, taken, state, bundles, points, quarantined, waiting, connections, database_bytes, free_bytes, facts, checks)
select 'minute', at, at, 'warning', 2 + n % 5, (200 + n % 97) * 6, n % 50 / 49, n % 7, 8 + n % 5, 900000000 + n * -40000.0, 50000000000 + n * 1e6, '{}',
    '[{"name": "jobs", "label": "Jobs", "state": "ok", "words": "1 job running, 0 due."},
      {"name": "schedules", "label": "Schedules", "state": "critical", "words": "Overdue: partitions. Is webmunkd running, and does it have these jobs?"},
      {"name": "disk", "label": "Disk", "state": "warning", "words": "/var/lib/webmunk/attachments has 50 GB free, 9 %. Make room, or add some: with a full disk uploads are refused."},
      {"name": "arrivals", "label": "Arrivals", "state": "ok", "words": "The newest upload came just now."}]'
  from generate_series(0, 1439) n cross join lateral (select date_trunc('minute', now()) - n * interval '1 minute' as at) x where n not between 300 and 400;
insert into health_sample (span, at, taken, state, bundles, points, quarantined, waiting, connections, database_bytes, free_bytes)
select 'hour', at, at, 'ok', 120 + n % 50, (2000 + n % 97) * 60, n % 3, n % 7, 8 + n % 5, 900000000 + n * -400000.0, 50000000000 + n * 1e7
  from generate_series(0, 719) n cross join lateral (select date_trunc('hour', now()) - n * interval '1 hour' as at) x where n not between 200 and 230;
SQL

my $httpd = WmTest::Httpd->start(pg => $pg);
my @points = map {
    { 'url*' => "https://shop.example/item/$_", 'price' => 12.5, 'title' => '<img src=x onerror=alert(1)> a long title ' . 'that goes on ' x 10,
        'passive-data-metadata' => { source => 'p42', generator => 'webmunk-amazon-order: Webmunk/0.39', 'generator-id' => 'webmunk-amazon-order',
            timestamp => time - 600 * $_ } }
} 1 .. 80;
is($httpd->post('/data/add-bundle.json', { payload => json([ @points[ 40 * $_ .. 40 * $_ + 39 ] ]) },
        { 'user-agent' => 'Mozilla/5.0 (X11; Linux x86_64) Chrome/120' })->{status}, 201, 'a client uploads') for 0, 1;

my $pictures = builddir() . '/browser';
mkdir $pictures;
my $done = run({
        timeout => 600,
        env     => {
            NODE_PATH => $modules, BASE => $httpd->url('/dashboard'), UPLOAD => $httpd->url('/data/add-bundle.json'), WM_USER => 'alice',
            WM_PASSWORD => $password, CHROMIUM => $chromium, PICTURES => $pictures, PARTICIPANT => 'p42', HOME => workdir(),
        },
    },
    $node, srcdir() . '/t/browser/run.js');

my @why;
my $seen = 0;
for my $line (split(/\n/, $done->{out})) {
    if ($line =~ /^(not )?ok - (.*)/) {
        ok(!$1, $2) or diag(join("\n", @why[ 0 .. ($#why > 15 ? 15 : $#why) ]));
        @why = ();
        $seen++;
    } elsif ($line =~ /^# (.*)/) {
        push @why, $1;
    }
}
like($done->{out}, qr/^done$/m, 'the browser comes to its end') or diag($done->{err});
cmp_ok($seen, '>', 100, 'all was looked at');
$httpd->log_ok;
done_testing();
