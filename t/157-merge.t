#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Merging participants, and the way back: at the command line, against a server that uploads reach meanwhile.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use HTTP::Tiny;
use Test::More;
use WmTest;
use WmTest::Httpd;
use WmTest::Postgres;

my $unzip = need_program('unzip', 'unzip');
my $pg    = WmTest::Postgres->start;
my $httpd = WmTest::Httpd->start(pg => $pg);
my $dir   = workdir() . '/exports';
my %env   = (WEBMUNK_EXPORT_DIR => $dir);
$pg->do('select partitions_ahead(1, 1)');
$pg->do("insert into study (slug, name) values ('other', 'Other study')");

sub command { return webmunkd({ env => {%env} }, $pg, @_) }
sub as_jobs { return webmunkd({ env => {%env} }, $pg, '-d', $pg->url =~ s/user=\w+/user=wm_jobs/r, @_) }

# An upload of points: [source, generator, name, seconds]. The document has the name, and who sent it.
sub upload
{
    my (@points) = @_;
    my @all = map {
        my ($source, $generator, $name, $at) = @$_;
        { name => $name, 'passive-data-metadata' => { (defined $source ? (source => $source) : ()), 'generator-id' => $generator,
            generator => "$generator: test/1.0", timestamp => $at // 1700000000 } }
    } @points;
    my $answer = $httpd->request('POST', '/data/add-bundle.json', { content => json(\@all), headers => { 'content-type' => 'application/json' } });
    die "upload: $answer->{status}" unless $answer->{status} == 201;
    return;
}

# {identifier => "names of points"}
sub whose
{
    my %all;
    push @{ $all{ $_->{source} } }, $_->{name}
        for $pg->rows(q{select source, properties ->> 'name' as name from point order by 2});
    return { map { $_ => join(' ', @{ $all{$_} }) } keys %all };
}

# Every rollup says what the points say; a day's row, made anew from its points, is the same.
sub sound
{
    my ($name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @wrong = $pg->rows(<<'EOT');
select 'day' as what, source_id as id, p.n as points, r.n as told
  from (select source_id, generator_id, (created at time zone 'UTC')::date as day, count(*) as n from data_point group by 1, 2, 3) p
  full join (select source_id, generator_id, day, points as n from source_day where points > 0) r using (source_id, generator_id, day)
 where p.n is distinct from r.n
union all
select 'status', s.id, coalesce(sum(d.points), 0), t.points from source s join source_status t on t.source_id = s.id
  left join source_day d on d.source_id = s.id group by s.id, t.points, t.repeats
having coalesce(sum(d.points), 0) <> t.points or coalesce(sum(d.repeats), 0) <> t.repeats
union all
select 'bundle', b.id, coalesce(p.n, 0), b.points
  from bundle b left join (select id >> 20 as id, count(*) as n from data_point group by 1) p using (id) where b.points <> coalesce(p.n, 0)
union all
select 'no status', d.source_id, 0, 0 from source_day d where not exists (select from source_status t where t.source_id = d.source_id)
union all
select 'hidden', s.id, 0, 0 from source s where merged_into is not null
   and (exists (select from source_day d where d.source_id = s.id) or exists (select from bundle b where b.source_id = s.id
        and not exists (select from bundle_source v where v.bundle_id = b.id and v.source_id = s.merged_into)))
union all
select 'bundle of nobody', p.source_id, 0, p.id from (select distinct source_id, id >> 20 as id from data_point) p
  left join source_bundle v on v.bundle_id = p.id and v.source_id = p.source_id where v.bundle_id is null
EOT
    is_deeply(\@wrong, [], "$name: rollups and bundles agree with the points");
    my $columns = 'source_id, generator_id, day, points, bytes, quarters, first_created, last_created, '
        . 'case when repeats = 0 then first_received end as first, case when repeats = 0 then last_received end as last, lag_minute, lag_hour, lag_day, round(lag_sum::numeric, 3) as lag_sum, round(lag_max::numeric, 3) as lag_max, ahead, repeats';
    my $differ = $pg->query("begin; create temp table before as select $columns from source_day where points > 0;
        do \$\$ begin perform source_day_rebuild(source_id, generator_id, day, bytes, repeats) from before; end \$\$;
        select string_agg(x::text, E'\\n') from (table before except select $columns from source_day) x", '-A', '-t');
    is($differ, "\n", '... and each day is what its points make it');
    return;
}

sub rollups { return join "\n", $pg->list("select d::text from source_day d order by source_id, generator_id, day") }
sub bundles { return join "\n", $pg->list("select concat_ws(' ', source_id, bundle_id) from source_bundle order by 1") }

sub refused
{
    my ($like, $name, @words) = @_;
    my $done = command('source', @words, '--yes');
    is($done->{code}, 1, $name);
    like($done->{err}, $like, '... in words');
    return;
}

sub merge
{
    my ($origin, $destination, @more) = @_;
    my $done = command('source', 'merge', $origin, $destination, '--now', '--yes', @more);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($done->{code}, 0, "$origin is merged into $destination") or diag($done->{err});
    return $done->{out};
}

sub unmerge
{
    my ($origin) = @_;
    my $done = command('source', 'unmerge', $origin, '--now', '--yes');
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($done->{code}, 0, "the merge of $origin is undone") or diag($done->{err});
    return;
}

# --- what may not be merged ---
upload(map { [ 'old', 'clicks', "o$_", 1700000000 + 900 * $_ ] } 1 .. 30);
upload(map { [ 'new', 'clicks', "n$_", 1700000000 + 700 * $_ ] } 1 .. 9);
upload([ 'old', 'clicks', 'both1' ], [ 'new', 'clicks', 'both2' ], [ 'old', 'scrolls', 'both3' ]);
upload([ 'far', 'clicks', 'f1' ]);
upload([ 'gone', 'clicks', 'g1' ]);
$pg->do("update source set study_id = (select id from study where slug = 'other') where identifier = 'far'");
$pg->do("update source set withdrawn = now() where identifier = 'gone'");
refused(qr/merged into itself/, 'a participant is not merged into itself', qw(merge old old));
refused(qr/no participant "nobody"/, 'nor into one that does not exist', qw(merge old nobody));
refused(qr/no participant "nobody"/, 'nor one that does not exist', qw(merge nobody old));
refused(qr/"default" and "far" in "other"; --across-studies/, 'nor across studies without saying so', qw(merge old far));
refused(qr/withdrawn or was erased/, 'nor who has withdrawn', qw(merge gone new));
refused(qr/withdrawn or was erased/, 'nor into whom has withdrawn', qw(merge old gone));
refused(qr/merged into nobody/, 'what was not merged cannot be undone', qw(unmerge old));
is(command(qw(source merge old new))->{code}, 2, 'without a terminal --yes is needed');
like(command(qw(source merge old new --dry-run))->{out},
    qr/^old has 32 points from 2023-11-14 to 2023-11-15 in 2 uploads; new has 0 of them already$/, 'a dry run counts');
is($pg->scalar('select count(*) from source_merge'), 0, '... and changes nothing');

# --- a merge ---
my ($days, $links, $who) = (rollups(), bundles(), whose());
my $documents = 'select md5(string_agg(properties::text, E\'\n\' order by id)) from data_point';
my $before = $pg->scalar($documents);
like(merge(qw(old new)), qr/^old into new: 32 points, 0 repeats$/m, '... with all its points');
is_deeply(whose(), { %{ { map { $_ => $who->{$_} } qw(far gone) } }, new => join(' ', sort(split(/ /, "$who->{old} $who->{new}"))) },
    'its points are the destination\'s');
is($pg->scalar($documents), $before, '... as they were sent');
sound('after a merge');
is($pg->scalar("select points from source_status where source_id = (select id from source where identifier = 'new')"), 42,
    'the destination has the points of both');
is_deeply([ $pg->list("select action || ' ' || cardinality(array(select source_id from access_log_source where log_id = l.id))
    from access_log l where action like 'source-%'") ], ['source-merge 2'], 'the access log names both');
is(from_json(command(qw(source show old))->{out})->{merged_into}, 'new', 'the participant says whose it is');
is_deeply(from_json(command(qw(source show new))->{out})->{also}, ['old'], '... and the other who is in it');
like(command(qw(source list))->{out}, qr/^ +1  merged +32 +0  old, new$/m, 'the list shows it');
is($pg->scalar("select count(*) from source_states(now()) where identifier = 'old'"), 0, 'pages no longer list it');

# --- uploads after it ---
upload(map { [ 'old', 'clicks', "o$_", 1700000000 + 900 * $_ ] } 1 .. 30);
is($pg->scalar('select repeats from bundle order by id desc limit 1'), 30, 'what it sends again is a repeat');
upload([ 'old', 'clicks', 'later1' ]);
upload([ 'old', 'clicks', 'later2' ], [ 'new', 'clicks', 'later3' ], [ 'old', 'new kind', 'later4' ]);
like(whose()->{new}, qr/later1 later2 later3 later4/, 'what it sends from now on is the destination\'s, in one upload with it too');
sound('after more uploads');
is($pg->scalar('select count(*) from bundle where quarantined > 0'), 0, 'nothing went to quarantine');

# --- circles and chains ---
refused(qr/"old" is merged into "new" already/, 'a participant is merged once', qw(merge old far));
refused(qr/"old" is merged into "new": merge into that one/, 'no circle is made', qw(merge new old));
upload([ 'third', 'clicks', 't1' ]);
merge(qw(new third));
upload([ 'old', 'clicks', 'later5' ]);
like(whose()->{third}, qr/both1 .*later5 n1 .*o1 .*t1/, 'a chain leads to its end');
sound('after a chain');

# --- an export has one participant ---
my $export = command('export', 'create', '--types', 'generic', '--sources', 'old');
$export = command('export', 'create', '--types', 'clicks', '--sources', 'old') if $export->{code};
my ($number) = $export->{out} =~ /^(\d+)/m or diag($export->{err});
is(command('export', 'run', $number)->{code}, 0, 'an export that names the origin is made');
my $zip = glob("$dir/*.zip");
like(run($unzip, '-p', $zip, 'manifest.json')->{out}, qr/"third"/, '... of the participant that it is now');
unlike(run($unzip, '-p', $zip, 'clicks.txt')->{out}, qr/^(?:old|new)\t/m, '... and no row has another name');

# --- the way back ---
unmerge('new');
my $now = whose();
is($now->{third}, 't1', 'a link of the chain is undone');
like($now->{new}, qr/both1 .*later1 .*later5 n1 .*o1/, '... with all that came through it');
sound('after undoing a link');
upload([ 'new', 'clicks', 'n99' ], [ 'old', 'clicks', 'o99' ]);
unmerge('old');
my %expected = (%$who, third => 't1');
$expected{new} = join ' ', sort(split(/ /, $who->{new}), qw(later3 n99));
$expected{old} = join ' ', sort(split(/ /, $who->{old}), qw(later1 later2 later4 later5 o99));
is_deeply(whose(), \%expected, 'undoing the first gives back what it had, and what it has sent since');
sound('after undoing all');
is($pg->scalar('select count(*) from data_point where moved_from is not null') + $pg->scalar('select count(*) from bundle where moved_from is not null'),
    0, 'nothing is left to go back');
upload([ 'old', 'clicks', 'o100' ]);
like(whose()->{old}, qr/o100/, 'uploads are its own again');

# A merge and its way back without uploads in between leave every rollup as it was.
upload(map { [ 'p', 'clicks', "p$_", 1700000000 + 90_000 * $_ ] } 1 .. 20);
upload(map { [ 'q', 'clicks', "q$_", 1700000000 + 90_000 * $_ + $_ ] } 1 .. 20);
upload(map { [ 'p', 'clicks', "p$_", 1700000000 + 90_000 * $_ ] } 1 .. 5);
my $round = sub { $_[0] =~ s/(\d+\.\d{3})\d+/$1/gr };
($days, $links) = ($round->(rollups()), bundles());
my $status = sub { join "\n", $pg->list("select (to_jsonb(t) - 'agent_id')::text from source_status t order by source_id") };
my $states = $status->();
merge(qw(p q));
sound('merged');
unmerge('p');
is($round->(rollups()), $days, 'rollups are as they were');
is(bundles(), $links, '... and bundles');
is($status->(), $states, '... and what is known of both');

# --- points that the destination has already ---
# The document does not name the sender, so that it is the same from both.
sub by_header
{
    my ($source, $name) = @_;
    my $content = json([ { name => $name, 'passive-data-metadata' => { 'generator-id' => 'clicks', generator => 'c: t/1', timestamp => 1700000000 } } ]);
    my $answer = $httpd->request('POST', '/data/add-bundle.json', { content => $content,
        headers => { 'content-type' => 'application/json', 'x-pdk-identifier' => $source } });
    return $answer->{status};
}
is(by_header(@$_), 201, "$_->[0] sends $_->[1]") for [ 'h1', 'same' ], [ 'h2', 'same' ], [ 'h1', 'own' ];
like(command(qw(source merge h1 h2 --dry-run))->{out}, qr/^h1 has 2 points .*h2 has 1 of them already$/m, 'a dry run tells repeats');
like(merge(qw(h1 h2)), qr/1 points, 1 repeats/, '... one of them is known');
is(whose()->{h2}, 'own same', '... and stored once');
is($pg->scalar('select count(*) from source_merge_repeat'), 1, '... the other is put aside');
sound('with a repeat');
unmerge('h1');
is_deeply([ @{ whose() }{qw(h1 h2)} ], [ 'own same', 'same' ], '... and comes back');
sound('with a repeat that is back');

# --- studies ---
merge('far', 'q', '--across-studies');
is($pg->scalar("select y.slug from source s join study y on y.id = s.study_id where s.identifier = 'far'"), 'default', 'the destination\'s study counts');
$pg->do("update source set study_id = (select id from study where slug = 'other') where identifier = 'q'");
is($pg->scalar("select y.slug from source s join study y on y.id = s.study_id where s.identifier = 'far'"), 'other', '... wherever it goes');
unmerge('far');
is($pg->scalar("select y.slug from source s join study y on y.id = s.study_id where s.identifier = 'far'"), 'other', '... and its own when it is undone');

# --- exports and merges wait for each other ---
sub start
{
    my ($log, @words) = @_;
    my $pid = WmTest::spawn(workdir() . "/$log", { %{ $pg->env }, %env }, WmTest::launcher(), builddir() . '/jobs/webmunkd', @words);
    WmTest::guard(sub { WmTest::reap($pid, 'KILL') });
    return $pid;
}
my $busy = $pg->scalar("insert into export (study_id, definition, state, position) values (1, '{}', 'running', '3') returning id");
upload([ 'w1', 'clicks', 'w1' ], [ 'w2', 'clicks', 'w2' ]);
is(command(qw(source merge w1 w2 --yes))->{code}, 0, 'a merge is asked for');
my $job = start('waiting', 'run', '--once', 'source-merge');
ok(wait_until { $pg->scalar("select count(*) from pg_stat_activity where query like '%source_merge_begin%' and pid <> pg_backend_pid()") } 'the merge waits', 20);
is(whose()->{w1}, 'w1', 'while an export is made, nothing moves');
refused(qr/is not finished yet/, '... and no other merge of them may begin', qw(merge w2 q));
$pg->do("update export set state = 'ready' where id = $busy");
waitpid($job, 0);
is($?, 0, 'then it goes on');
is(whose()->{w2}, 'w1 w2', '... and moves');
$pg->do("update source_merge set state = 'moving' where id = (select max(id) from source_merge)");
($number) = command('export', 'create', '--types', 'clicks')->{out} =~ /^(\d+)/m;
$job = start('export', 'export', 'run', $number);
ok(wait_until { $pg->scalar("select count(*) from pg_stat_activity where query like '%export_may_open%' and pid <> pg_backend_pid() or query = 'COMMIT'") } 'the export waits', 20);
is($pg->scalar('select position from export where id = $1', $number), undef, 'while a merge moves, an export does not begin');
$pg->do("update source_merge set state = 'done'");
waitpid($job, 0);
is($?, 0, '... and is made when it is over') or diag(slurp(workdir() . '/export'));

# --- under load, killed, several at once ---
sub crowd
{
    my ($prefix, $points) = @_;
    $pg->do("insert into source (identifier, name, study_id) values ('$prefix', '$prefix', 1)");
    $pg->do(<<"EOT");
insert into generator (identifier, label) select 'kind' || n, 'k' from generate_series(1, 5) n on conflict do nothing;
insert into agent (generator, user_agent) select 'g', 'a' where not exists (select from agent where generator = 'g');
insert into bundle (received, uid, body_digest, source_id, method, form, points)
select timestamptz '2024-03-01' + n * interval '1 minute', md5('$prefix' || n)::uuid, md5('$prefix' || n)::uuid, s.id, 'POST', 'json', 50
  from generate_series(1, $points / 50) n, source s where s.identifier = '$prefix';
insert into data_point (id, source_id, created, recorded, digest, generator_id, agent_id, properties)
select b.id << 20 | n, b.source_id, b.received - n * interval '1 second', b.recorded, md5(b.id || '.' || n)::uuid, g.id, 1,
       jsonb_build_object('name', '$prefix' || b.id || '.' || n)
  from source s join bundle b on b.source_id = s.id, generate_series(1, 50) n, generator g
 where s.identifier = '$prefix' and g.identifier = 'kind' || (n % 5 + 1);
select count(source_day_rebuild(source_id, generator_id, day, 1000, 0))
  from (select distinct source_id, generator_id, (created at time zone 'UTC')::date as day from data_point
         where source_id = (select id from source where identifier = '$prefix')) x;
insert into source_status (source_id, last_received, points)
select source_id, max(last_received), sum(points) from source_day
 where source_id = (select id from source where identifier = '$prefix') group by 1;
EOT
    return;
}
crowd('a', 30_000);
crowd('b', 10_000);
upload([ 'c', 'clicks', 'c0' ]);
$pg->do('analyze');
my $uploads = fork() // die 'fork';
if (!$uploads) {
    # Both go on sending, together and one by one, and a third that has nothing to do with it.
    for (my $n = 0; !-e workdir() . '/enough'; $n++) {
        upload([ 'a', 'clicks', "a+$n", 1700000000 + $n ]);
        upload([ 'b', 'clicks', "b+$n", 1700000000 + $n ], [ 'c', 'clicks', "c+$n", 1700000000 + $n ], [ 'a', 'clicks', "d+$n", 1700000000 + $n ]);
        spew(workdir() . '/sent.new', $n);
        rename workdir() . '/sent.new', workdir() . '/sent';
    }
    POSIX::_exit(0);
}
WmTest::guard(sub { kill 'KILL', $uploads });
my $moved = sub { $pg->scalar("select coalesce(sum(points), 0) from source_merge where origin_id = (select id from source where identifier = 'a')") };
my $first = start('first', qw(source merge a c --now --yes));
ok(wait_until { $moved->() > 0 } 'points move', 30);
kill 'KILL', $first;
waitpid($first, 0);
cmp_ok($moved->(), '<', 30_000, 'a merge is killed half-way');
is($pg->scalar("select count(*) from data_point where properties ->> 'name' like 'a%.%'"), 30_000, '... and no point is lost');
my @two = (start('again', qw(run --once source-merge)), start('other', qw(source merge b c --now --yes)));
my @codes = map { waitpid($_, 0); $? } @two;
is_deeply(\@codes, [ 0, 0 ], 'the next run goes on, and another merge into the same one beside it') or diag(slurp(workdir() . '/again'), slurp(workdir() . '/other'));
my $sent = slurp(workdir() . '/sent') || 0;
ok(wait_until { (slurp(workdir() . '/sent') || 0) > $sent + 20 } 'uploads go on');
spew(workdir() . '/enough', '');
waitpid($uploads, 0);
is($?, 0, 'no upload was refused');
is(as_jobs(qw(run --once source-merge))->{code}, 0, 'a last look, with the rights of the runner');
is_deeply([ $pg->list('select count(*) from source_merge where state <> \'done\'') ], [0], 'all merges are done');
$sent = slurp(workdir() . '/sent') + 1;
is($pg->scalar("select count(*) from point where source = 'c'"), 40_001 + 4 * $sent, 'every point is the destination\'s, once');
is($pg->scalar("select count(*) from point where source in ('a', 'b')"), 0, '... and none is anybody else\'s');
sound('after merges under load');
unmerge($_) for qw(a b);
is_deeply([ $pg->list("select count(*) from point where source in ('a', 'b', 'c') group by source order by source") ],
    [ 30_000 + 2 * $sent, 10_000 + $sent, $sent + 1 ], 'the way back sorts them out');
sound('after the way back under load');
$httpd->log_ok('?WM0102');
done_testing();
