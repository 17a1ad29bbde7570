#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Exports over HTTP: who sees which, how far they are, and how an archive is fetched, cancelled, repeated and deleted.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Browser;
use WmTest::Httpd;
use WmTest::Postgres;

need_module();
my $pg = WmTest::Postgres->start;
$pg->do('select partitions_ahead(1, 1)');
my $password = people($pg, alice => 'manager', ann => 'analyst', bob => 'analyst', carl => 'coordinator', victor => 'viewer',
    audrey => 'auditor', adam => 'administrator', nora => undef);
my $evil = '<script>alert("x")</script>&\'';
$pg->do(<<'EOT');
insert into study (slug, name) values ('other', 'Other study');
insert into source (identifier, name, study_id) select 'p' || n, 'p' || n, 1 from generate_series(1, 20) n;
update role_grant set study_id = 1 where account_id in (select id from account where name in ('ann', 'bob'));
EOT
my $httpd  = WmTest::Httpd->start(pg => $pg);
my $folder = $httpd->dir . '/exports';
mkdir $folder;
chmod 0755, $folder;
my $archive = join('', map { chr($_ * 7 % 256) } 1 .. 200_000);
chmod 0644, spew("$folder/17.zip", $archive);
spew($httpd->dir . '/secret.zip', 'not yours');

# Insert a row of export; more columns as SQL. Returns its number.
sub export_row
{
    my (%more) = @_;
    my $definition = delete $more{definition} || { study => 1, types => [ 'webmunk-extension-scroll-position', $evil ], sources => undef,
        groups => undef, from => '2026-01-01', to => '2026-01-31', clock => 'created', zone => 'America/Chicago', format => 'tsv',
        archives => 'one', pseudonyms => '', sensitive => JSON::PP::false(), newline => '' };
    my %row = (study_id => 1, purpose => "\$q\$why $evil\$q\$", definition => '$q$' . json($definition) . '$q$::jsonb', %more);
    my @names = sort keys %row;
    return $pg->scalar('insert into export (' . join(', ', @names) . ') values (' . join(', ', @row{@names}) . ') returning id');
}

sub by { return "(select id from account where name = '$_[0]')" }
my %ready = (state => "'ready'", path => "'17.zip'", file_name => "'webmunk 2026.zip'", file_bytes => length $archive,
    file_sha256 => "decode('" . sha256_hex($archive) . "', 'hex')", rows => 12345, bytes => 9_000_000,
    finished => 'now()', expires => "now() + interval '7 days'");
my $own     = export_row(%ready, requested_by => by('ann'));
my $other   = export_row(%ready, study_id => 2, requested_by => by('ann'), path => "'17.zip'");
my $nightly = export_row(%ready, profile => "'nightly'", purpose => "''");
my $old     = export_row(%ready, requested_by => by('ann'), expires => "now() - interval '1 minute'");
my $outside = export_row(%ready, requested_by => by('ann'), path => "'../secret.zip'");
my $away    = export_row(%ready, requested_by => by('ann'), path => "'gone.zip'");
my $failed  = export_row(state => "'failed'", requested_by => by('bob'), error => "\$q\$no room $evil\$q\$", finished => 'now()');

# One that a job makes.
sub with_job
{
    my ($job_state, %more) = @_;
    my $id  = export_row(%more);
    my $job = $pg->scalar("insert into job (name, what, study_id, state, params, lease_until) values ('export', 'export $id', 1, '$job_state', '{}',
        now() + interval '1 hour') returning id");
    $pg->do("update export set job_id = $job where id = $id");
    return wantarray ? ($id, $job) : $id;
}

my %who = map { $_ => WmTest::Browser->signed_in($httpd, $_, $password) } qw(alice ann bob carl victor audrey adam nora);
sub list { return from_json($who{ $_[0] }->get("/dashboard/exports.json?$_[1]")->{content}) }
sub log_rows { return $pg->rows('select * from access_log order by id') }
sub newest { return (log_rows())[-1] }

subtest 'the list' => sub {
    my $mine = list('ann', '');
    is_deeply([ map { $_->{id} } @{ $mine->{rows} } ], [ $away, $outside, $old, $own ], 'an analyst begins with the own ones, newest first');
    is_deeply([ map { $_->{id} } @{ list('ann', 'who=all')->{rows} } ], [ $failed, $away, $outside, $old, $nightly, $own ],
        '... and finds those of the study');
    is_deeply([ map { $_->{id} } @{ list('alice', '')->{rows} } ], [ $failed, $away, $outside, $old, $nightly, $other, $own ],
        'a manager of all studies sees all of them');
    is(list('alice', 'who=mine')->{total}, 0, '... unless only the own ones are wanted');
    my ($row) = grep { $_->{id} == $own } @{ $mine->{rows} };
    is($row->{state}{name}, 'ready', 'a row has its state');
    is($row->{rows_text}, "12\x{202f}345", '... its rows');
    is($row->{size_text}, '200 kB', '... its size');
    is("$row->{types_words}, $row->{who}, $row->{when}, $row->{clock}", '2 types, all participants, 2026-01-01 to 2026-01-31, created', '... what it is');
    is($row->{download}, "/dashboard/exports/$own/download", '... and its address');
    is_deeply([ map { $_->{state}{name} } grep { $_->{id} == $old } @{ $mine->{rows} } ], ['expired'], 'what has expired says so');
    is(list('ann', 'state=expired')->{total}, 1, 'states filter');
    is(list('ann', 'q=nothing')->{total}, 0, '... and so does the search');
    is_deeply([ map { $_->{id} } @{ list('ann', 'sort=number')->{rows} } ], [ $own, $old, $outside, $away ], 'columns sort');
    for my $sort (map { ($_, "-$_") } qw(number by state size rows expires downloads)) {
        is($who{ann}->get("/dashboard/exports?sort=$sort")->{status}, 200, "... by $sort");
    }
    my $html = $who{ann}->get('/dashboard/exports?who=all');
    is($html->{status}, 200, 'it is a page');
    unlike($html->{content}, qr/<script>alert/, '... in which a purpose is text');
    like($html->{content}, qr/why &lt;script&gt;/, '... that can be read');
    like($html->{content}, qr{<a href="/dashboard/exports" aria-current="page">Exports</a>}, '... in the navigation');
    unlike($html->{content}, qr{http-equiv|hx-trigger}, 'nothing runs: it does not ask again');
    my $csv = $who{ann}->get('/dashboard/exports.csv');
    is($csv->{status}, 200, 'it is CSV');
    is(scalar(() = $csv->{content} =~ /\r\n/g), 5, '... of the same rows');
    is($who{ann}->get("/dashboard/exports?$_")->{status}, 400, "$_ is refused") for 'state=x', 'who=x', 'sort=purpose', 'after=x';
};

subtest 'one export' => sub {
    $pg->do("insert into export_part (export_id, number, type, entry, file, start, rows, bytes, packed_bytes, sha256, defects)
        values ($own, 1, 'webmunk-extension-scroll-position', \$q\$$evil.txt\$q\$, 1, 0, 12345, 9000000, 190000, '\\xabcd', 3)");
    my $page = from_json($who{ann}->get("/dashboard/exports/$own.json")->{content});
    is($page->{title}, "Export $own", 'it has a page');
    is($page->{export}{parts}[0]{entry}, "$evil.txt", '... with its parts');
    is($page->{export}{definition}{zone}, 'America/Chicago', '... and its definition');
    my $html = $who{ann}->get("/dashboard/exports/$own");
    is($html->{status}, 200, '... also as HTML');
    unlike($html->{content}, qr/<script>alert/, '... without markup of others');
    is($who{ann}->get("/dashboard/exports/$own", { accept => 'application/json' })->{headers}{'content-type'}, 'application/json', '... and by Accept');
    like($who{bob}->get("/dashboard/exports/$failed")->{content}, qr/no room &lt;script&gt;/, 'a failed one says why');
    is($who{ann}->get("/dashboard/exports/$_")->{status}, 404, "exports/$_ is nothing") for 999, 0, '-1', 'x', '1x', '9' x 19, '1/2', '1/download/x';
};

subtest 'progress' => sub {
    my ($id, $job) = with_job('running', state => "'running'", requested_by => by('ann'), rows_expected => 80_000, rows => 20_000, bytes => 5_000_000);
    $pg->do("insert into job_run (job_id, worker, started) values ($job, 'host:1', now() - interval '10 seconds');
        update job set progress = '{\"done\": 20000, \"total\": 80000, \"unit\": \"rows\", \"note\": \"scroll <b>\"}' where id = $job");
    my $row = from_json($who{ann}->get("/dashboard/exports/$id.json")->{content})->{export};
    is($row->{percent}, 25, 'a quarter is done');
    like($row->{rate_words}, qr{^(?:2.000|1.81\d) rows/s$}, '... at its rate');
    like($row->{left_words}, qr/^2\d seconds to \d+ seconds left$/, '... and the rest is a range');
    my $html = $who{ann}->get("/dashboard/exports/$id");
    like($html->{content}, qr{<noscript><meta http-equiv="refresh" content="5"></noscript>}, 'without script the page reloads itself');
    my ($link, $seen) = $html->{content} =~ /hx-get="([^"]+)" hx-trigger="every 2s".*hx-headers='([^']+)'/;
    is($link, "/dashboard/exports/$id/progress", 'with script a part of it asks every 2 seconds');
    my $part = $who{ann}->get($link);
    is($part->{status}, 200, '... and is answered');
    unlike($part->{content}, qr/<html|<nav/, '... with that part alone');
    like($part->{content}, qr/id="live".*value="25".*scroll &lt;b&gt;/s, '... which says how far it is');
    cmp_ok(length $part->{content}, '<', 6000, '... in little');
    my $rows = () = log_rows();
    my $etag = $part->{headers}{etag};
    is($etag, from_json($part->{content} =~ /hx-headers='([^']+)'/ ? $1 =~ s/&quot;/"/gr : '')->{'If-None-Match'}, '... and has it ready for the next time');
    $pg->do("update job_run set finished = now() where job_id = $job; update export set finished = now() where id = $id");
    $part = $who{ann}->get($link);
    is($who{ann}->get($link, { 'if-none-match' => $part->{headers}{etag} })->{status}, 304, 'what says the same is not sent');
    $pg->do("update export set rows = 40000 where id = $id");
    is($who{ann}->get($link, { 'if-none-match' => $part->{headers}{etag} })->{status}, 200, '... and news are');
    is(scalar(() = log_rows()), $rows, 'it shows nobody, so it is no row of the access log');
    like($who{ann}->get('/dashboard/exports')->{content}, qr{hx-get="/dashboard/exports/progress"}, 'the list asks as well');
    like($who{ann}->get('/dashboard/exports/progress')->{content}, qr/\A\s*<div id="live"/, '... for a part of it');
    is($who{victor}->get($link)->{status}, 404, 'who may not export learns nothing');
    my $queued = with_job('ready', requested_by => by('ann'));
    is(from_json($who{ann}->get("/dashboard/exports/$queued.json")->{content})->{export}{place}, 1, 'one that waits says its place');
    $pg->do("update export set state = 'ready' where id = $id; update export set state = 'cancelled' where id = $queued; update job set state = 'done'");
    unlike($who{ann}->get($link)->{content}, qr/hx-trigger/, 'when it is over, nothing asks');
};

subtest 'download' => sub {
    my $rows = () = log_rows();
    my $answer = $who{ann}->get("/dashboard/exports/$own/download");
    is($answer->{status}, 200, 'who asked for it gets it');
    ok($answer->{content} eq $archive, '... whole');
    is(header($answer, 'content-disposition'), 'attachment; filename="webmunk-2026.zip"', '... under a name without surprises');
    is(header($answer, 'content-type'), 'application/zip', '... as a zip');
    is(header($answer, 'etag'), '"' . sha256_hex($archive) . '"', '... with its digest');
    is(header($answer, 'accept-ranges'), 'bytes', '... in parts if wanted');
    is(header($answer, 'cache-control'), 'no-store', '... and nobody keeps it');
    my @new = (log_rows())[ $rows .. $rows ];
    is_deeply([ @{ $new[0] }{qw(account action object source_count)} ], [ 'ann', 'export-download', "export:$own", 20 ], 'it is in the access log, with everybody');
    is($pg->scalar("select downloads from export where id = $own"), 1, '... and counted');
    is($who{$_}->get("/dashboard/exports/$own/download")->{status}, 200, "$_ may export in this study") for qw(bob alice);
    is(newest()->{account}, 'alice', '... each for the record');
    is($pg->scalar("select downloads from export where id = $own"), 3, '... and counted');

    my $part = $who{ann}->get("/dashboard/exports/$own/download", { range => 'bytes=100000-', 'if-range' => header($answer, 'etag') });
    is($part->{status}, 206, 'a download that broke off goes on');
    ok($part->{content} eq substr($archive, 100_000), '... where it was');
    is(header($part, 'content-range'), 'bytes 100000-199999/200000', '... which is said');
    is(newest()->{extent}{range}, 'bytes=100000-', '... and recorded');
    is($pg->scalar("select downloads from export where id = $own"), 3, '... but is the same download');
    is($who{ann}->get("/dashboard/exports/$own/download", { range => 'bytes=5-', 'if-range' => '"other"' })->{status}, 200, 'another archive is sent whole');
    is($who{ann}->get("/dashboard/exports/$own/download", { range => 'bytes=200000-' })->{status}, 416, 'behind its end is nothing');
    like($who{ann}->get("/dashboard/exports/$own/download", { range => 'bytes=0-9,20-29' })->{content}, qr/Content-range: bytes 20-29/i, 'several parts come as several parts');
    my $count = () = log_rows();
    my $head = $who{ann}->request('HEAD', "/dashboard/exports/$own/download");
    is_deeply([ $head->{status}, header($head, 'content-length'), $head->{content} // '' ], [ 200, 200_000, '' ], 'HEAD says how long it is');
    is($who{ann}->get("/dashboard/exports/$own/download", { 'if-none-match' => header($answer, 'etag') })->{status}, 304, 'who has it needs it not');
    is(scalar(() = log_rows()), $count, '... and neither is a row');

    my $gone = $who{ann}->get("/dashboard/exports/$old/download");
    is($gone->{status}, 410, 'what has expired is gone');
    like($gone->{content}, qr/has expired.*made again/s, '... in words');
    is($who{ann}->get("/dashboard/exports/$old/download", { accept => 'application/json' })->{headers}{'content-type'}, 'application/problem+json', '... also for programs');
    is($who{bob}->get("/dashboard/exports/$failed/download")->{status}, 409, 'what has no archive has none to fetch');
    is($who{ann}->get("/dashboard/exports/$_/download")->{status}, 404, "there is no export $_") for 999, 'x', 0;
    for my $bad ($outside, $away) {
        $answer = $who{ann}->get("/dashboard/exports/$bad/download");
        is($answer->{status} >= 400 ? 'refused' : 'served', 'refused', 'a file that is not in the folder is not sent');
        unlike($answer->{content}, qr/not yours/, '... whatever its row says');
    }
    $pg->do('alter function access_log_add rename to access_log_add_away');
    $answer = $who{ann}->get("/dashboard/exports/$own/download");
    is($answer->{status}, 500, 'no row, no byte');
    $pg->do('alter function access_log_add_away rename to access_log_add');
    cmp_ok(length $answer->{content}, '<', 10_000, '... not one');
};

subtest 'who may not' => sub {
    for my $name (qw(carl victor audrey adam nora)) {
        my $who = $who{$name};
        is($who->get('/dashboard/exports')->{status}, 403, "$name has no list of exports");
        is($who->get('/dashboard/exports.csv')->{status}, 403, '... in no form');
        is($who->get('/dashboard/exports/progress')->{status}, 403, '... in no part');
        is($who->get("/dashboard/exports/$own$_")->{status}, 404, "... and nothing at exports/N$_") for '', '.json', '/progress', '/download';
        unlike($who->get('/dashboard/')->{content}, qr{href="/dashboard/exports"}, '... nor a way there');
        my $token = WmTest::Browser::token($who->get('/dashboard/')) || 'x';
        for my $what (qw(cancel delete repeat)) {
            is($who->post("/dashboard/exports/$own/$what", { csrf => $token })->{status}, 404, "... and may not $what");
        }
    }
    is($who{ann}->get("/dashboard/exports/$other$_")->{status}, 404, "a right in one study is none in another: $_") for '', '/download', '/progress';
    is(scalar(grep { $_->{id} == $other } @{ list('ann', 'who=all')->{rows} }), 0, '... nor in the list');
    is($httpd->get("/dashboard/exports/$own")->{status}, 303, 'nobody is led to the sign-in page');
    is($httpd->get("/dashboard/exports/$own/download", { accept => 'application/json' })->{status}, 401, '... or told so');
};

subtest 'changes' => sub {
    my $token = WmTest::Browser::token($who{ann}->get('/dashboard/exports'));
    my ($waiting, $job) = with_job('ready', requested_by => by('ann'));
    for my $what (qw(cancel delete repeat)) {
        is($who{ann}->get("/dashboard/exports/$waiting/$what")->{status}, 405, "a visit does not $what");
        is($who{ann}->post("/dashboard/exports/$waiting/$what", { csrf => 'x' x 43 })->{status}, 403, '... nor a form without token');
        is($who{ann}->post("/dashboard/exports/$waiting/$what", { csrf => $token }, { 'sec-fetch-site' => 'cross-site' })->{status}, 403, '... nor one of another site');
    }
    my $bob = WmTest::Browser::token($who{bob}->get('/dashboard/exports'));
    is($who{bob}->post("/dashboard/exports/$waiting/$_", { csrf => $bob })->{status}, 403, "an analyst does not $_ what others asked for") for qw(cancel delete);
    is($who{ann}->post("/dashboard/exports/$waiting/delete", { csrf => $token })->{status}, 409, 'what is under way is not deleted');
    my $answer = $who{ann}->post("/dashboard/exports/$waiting/cancel", { csrf => $token });
    is_deeply([ $answer->{status}, header($answer, 'location') ], [ 303, "/dashboard/exports/$waiting" ], 'who asked cancels');
    is($pg->scalar("select state from export where id = $waiting") . $pg->scalar("select state from job where id = $job"), 'cancelledcancelled', '... one that waits at once');
    is(newest()->{action}, 'export-cancel', '... for the record');
    my ($running, $other_job) = with_job('running', state => "'running'", requested_by => by('ann'));
    is($who{ann}->post("/dashboard/exports/$running/cancel", { csrf => $token })->{status}, 303, 'one that runs');
    is($pg->scalar("select e.state || j.stop::text from export e join job j on j.id = e.job_id where e.id = $running"), 'runningtrue', '... is asked to end');
    my @asked = grep { $who{alice}->get("/dashboard/jobs/$_")->{content} =~ /asked to end/ } $job, $other_job;
    is_deeply(\@asked, [$other_job], '... as its page says, which one that has ended does not');
    is($who{ann}->post("/dashboard/exports/$own/cancel", { csrf => $token })->{status}, 409, 'what is over is not cancelled');

    $answer = $who{bob}->post("/dashboard/exports/$own/repeat", { csrf => $bob });
    my ($new) = header($answer, 'location') =~ m{/exports/(\d+)$};
    is($answer->{status}, 303, 'who may export repeats');
    my ($row) = $pg->rows("select e.state, e.definition = o.definition as same, j.name, j.what, j.params, j.state as job from export e
        join job j on j.id = e.job_id, export o where e.id = $new and o.id = $own");
    is_deeply($row, { state => 'queued', same => JSON::PP::true(), name => 'export', what => "export $new", params => { export => $new + 0 }, job => 'ready' },
        '... which is a new one with a job');
    is_deeply([ @{ newest() }{qw(account action object purpose)} ], [ 'bob', 'export-request', "export:$new", "why $evil" ], '... for the record');

    is($who{ann}->post("/dashboard/exports/$own/delete", { csrf => $token })->{status}, 303, 'who asked deletes');
    is($who{ann}->get("/dashboard/exports/$own/download")->{status}, 410, '... then it is gone');
    is(scalar(grep { $_->{id} == $own } @{ list('ann', 'who=all')->{rows} }), 0, '... from the list');
    is($who{ann}->get("/dashboard/exports/$own")->{status}, 200, '... but what it was can be read');
    is($pg->scalar("select expires <= now() from export where id = $own"), 't', '... and the clean-up finds its file');
    is($who{ann}->post("/dashboard/exports/$own/delete", { csrf => $token })->{status}, 409, '... once');
    my $alice = WmTest::Browser::token($who{alice}->get('/dashboard/exports'));
    is($who{alice}->post("/dashboard/exports/$old/delete", { csrf => $alice })->{status}, 303, 'a manager deletes what others asked for');
    is($pg->scalar('select access_log_verify()'), undef, 'the chain holds');
};

$httpd->log_ok('?WM0102');
done_testing();
