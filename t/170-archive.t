#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Archives of exports: what is in them, what proves it, and that interruptions leave no trace.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use WmTest;
use WmTest::Postgres;

my $unzip = need_program('unzip', 'unzip');
my $pg    = WmTest::Postgres->start;
my $dir   = workdir() . '/exports';
my $keys  = workdir() . '/keys';
mkdir $keys;
my %env = (WEBMUNK_EXPORT_DIR => $dir, WEBMUNK_EXPORT_KEY => "$keys/secret");

sub export { return webmunkd({ env => {%env} }, $pg, 'export', @_) }

# Make an export and return its number.
sub asked
{
    my $done = export('create', @_);
    is($done->{code}, 0, "asked: @_") or diag($done->{err});
    return $done->{out} =~ /^(\d+)$/m ? $1 : undef;
}

sub shown { return from_json(export('show', $_[0])->{out}) }

sub entry
{
    my ($file, $name) = @_;
    return run($unzip, '-p', $file, $name)->{out};
}

is(webmunkd({}, undef, 'keygen', '--sign', '--secret', "$keys/secret", '--public', "$keys/public")->{code}, 0,
    'a pair of keys for signatures is made');
is(webmunkd({}, undef, 'keygen', '--sign', '--secret', "$keys/other", '--public', "$keys/other.pub")->{code}, 0, 'and another');

# Three participants, one with a name that is no file's; two kinds of data, one of them by source.
$pg->do('select partitions_ahead(2, 2)');
my $yesterday = $pg->scalar(q{select (now() at time zone 'America/New_York')::date - 1});
$pg->do(<<'EOT');
insert into source (identifier, name, study_id)
select s, s, (select id from study where is_default) from unnest(array['anna', 'bo/../b', 'Čeněk']) s;
insert into generator (identifier, label) values ('webmunk-extension-scroll-position', 's'), ('webmunk-extension-log-elements', 'l');
insert into agent (generator, user_agent) values ('g', 'a');
insert into bundle (received, uid, body_digest, source_id, method, form, points)
select now() - interval '3 days' - n * interval '1 minute', md5('u' || n)::uuid, md5('b' || n)::uuid, n % 3 + 1, 'POST', 'json', 30
  from generate_series(1, 2000) n;
insert into data_point (id, source_id, created, recorded, digest, generator_id, agent_id, properties)
select b.id << 20 | n, b.source_id, b.received - n * interval '1 second', b.recorded, md5(b.id || '.' || n)::uuid, 1, 1,
       jsonb_build_object('tab-id', n, 'page-id', md5(n::text), 'top', n * 1.5, 'left', 0, 'width', 100, 'height', 200,
                          'url*', 'https://example.com/' || md5(b.id::text || n), 'page-title*', E'a\ttitle',
                          'passive-data-metadata', jsonb_build_object('timezone', 'Europe/Prague'))
  from bundle b, generate_series(1, 30) n;
insert into data_point (id, source_id, created, recorded, digest, generator_id, agent_id, properties)
select b.id << 20 | 99, b.source_id, b.received, b.recorded, md5(b.id || '.x')::uuid, 2, 1,
       '{"pattern-matches": {"p": [{"offset": {"top": 1, "left": 2}, "size": null, "element-content*": "<b>"}]}}'
  from bundle b where b.source_id < 3;
analyze;
EOT
my $points = $pg->scalar('select count(*) from data_point where generator_id = 1');
my @types  = ('--types', 'webmunk-extension-scroll-position,webmunk-extension-log-elements', '--zone', 'America/New_York');

# The archive.
my $id   = asked(@types, '--sensitive', '--to', $yesterday);
my $made = export('run', $id);
is($made->{code}, 0, 'the archive is made') or diag($made->{err});
my $e = shown($id);
is($e->{state}, 'ready', 'the export is ready');
my $file = "$dir/$e->{path}";
is(-s $file, $e->{file_bytes}, 'its size is known');
is(sha256_hex(slurp($file)), $e->{file_sha256}, 'and its SHA-256');
is((stat $file)[2] & 0777, 0600, 'nobody else may read it');
is((stat $dir)[2] & 0777, 0700, 'nor its folder');
ok(!-e "$dir/$id.parts", 'its parts are gone');
is(run($unzip, '-tqq', $file)->{code}, 0, 'unzip finds it whole');
my $list = run($unzip, '-l', $file)->{out};
my $next = $pg->scalar('select $1::date + 1', $yesterday);
like($list, qr/\Q$next\E 00:00/, 'entries carry the end of the window');

my $manifest = from_json(entry($file, 'manifest.json'));
is($manifest->{definition}{zone}, 'America/New_York', 'the manifest has the definition');
is($manifest->{position}, $e->{position}, 'and the position');
is($manifest->{window}{before}, $pg->scalar(q{select to_char($1::timestamp at time zone 'America/New_York' at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')}, $next), 'and the window as instants');
is($manifest->{window}{from}, undef, 'open where it is open');
like($manifest->{schema}, qr/^\d{4}-\w/, 'and the schema');
is(scalar(@{ $manifest->{sources}{included} }), 3, 'and who is in it');
unlike(entry($file, 'manifest.json'), qr/"(?:job|id|requested)"/, 'but not which export or job made it');
my %entries = map { $_->{name} => $_ } @{ $manifest->{entries} };
for my $name (sort keys %entries) {
    my $text = entry($file, $name);
    is(sha256_hex($text), $entries{$name}{sha256}, "$name has the SHA-256 that the manifest says");
    is(length $text, $entries{$name}{bytes}, "$name has that many bytes");
}
is($entries{'webmunk-extension-scroll-position.txt'}{rows}, $points, 'rows are counted');
is(() = entry($file, 'webmunk-extension-scroll-position.txt') =~ /\r\n/g, $points + 1, 'and there, under a header');
is($e->{rows_expected}, $e->{rows}, 'as many as were counted before');
my @logs = grep { m{^webmunk-extension-log-elements/} } sort keys %entries;
is(@logs, 3, 'a type by source has a file for each participant');
ok($entries{ $logs[0] }{defects}, 'unreadable fields are counted');
ok(@{ $entries{ $logs[0] }{defect_points} }, 'and their points are named');

my $book = entry($file, 'codebook.tsv');
like($book, qr/^webmunk-extension-scroll-position\tURL\tyes\tyes\t/m, 'the code book knows sensitive columns');
like($book, qr/^webmunk-extension-scroll-position\tTop\tno\tyes\t/m, 'and others');
my $complete = entry($file, 'completeness.tsv');
like($complete, qr/^anna\twebmunk-extension-scroll-position\t[1-9]\d*\t\d{4}-\d\d-\d\dT/m, 'who has how much, since when');
like($complete, qr/^\S+\twebmunk-extension-log-elements\t0\t\t\r$/m, 'and who has nothing');

# Proof.
is(export('verify', $file, '--key', "$keys/public")->{code}, 0, 'the signature is true');
like(export('verify', $file)->{out}, qr/compare it/, 'without a key the archive vouches for itself alone');
my $other = export('verify', $file, '--key', "$keys/other.pub");
isnt($other->{code}, 0, 'another key is refused');
like($other->{err}, qr/signed with another key/, 'in words');
my $bytes = slurp($file);
my $bad   = 0;
my $tries = 0;
for (my $at = 100; $at < length($bytes) - 200; $at += int(length($bytes) / 12)) {
    my $changed = $bytes;
    substr($changed, $at, 1) = chr(ord(substr($changed, $at, 1)) ^ 0x20);
    spew("$keys/changed.zip", $changed);
    $tries++;
    $bad++ if export('verify', "$keys/changed.zip", '--key', "$keys/public")->{code} == 1;
}
is($bad, $tries, "a changed byte is found, at each of $tries places");
my $got = export('get', $id, '--output', '-');
ok($got->{out} eq $bytes, 'the archive goes to standard output');
is($pg->scalar(q{select count(*) from access_log where action = 'export-get' and object = $1}, "export:$id"), 1, 'which is logged');

# The same again.
my $again = asked(@types, '--sensitive', '--to', $yesterday);
$pg->do('update export set position = (select position from export where id = $1) where id = $2', $id, $again);
is(export('run', $again)->{code}, 0, 'the same definition at the same position');
is(shown($again)->{file_sha256}, $e->{file_sha256}, 'gives the same bytes');

# Killed at random moments: the time that one run takes, cut anywhere.
my $third = asked(@types, '--sensitive', '--to', $yesterday);
$pg->do('update export set position = (select position from export where id = $1) where id = $2', $id, $third);
my $kills = 0;
srand(11);
for my $n (1 .. 60) {
    last if $kills == 10;
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        open(STDOUT, '>', '/dev/null');
        open(STDERR, '>', '/dev/null');
        @ENV{ keys %env } = values %env;
        $ENV{DATABASE_URL} = $pg->url;
        exec { builddir() . "/jobs/webmunkd" } "webmunkd", "export", "run", $third or POSIX::_exit(127);
    }
    sleep(0.02 + rand(0.5));
    kill 'KILL', $pid;
    waitpid($pid, 0);
    $kills++ if $? & 127;
    if (shown($third)->{state} eq 'ready') {
        # It was faster than the knife: another one from the beginning.
        is(shown($third)->{file_sha256}, $e->{file_sha256}, 'one that was killed and went on has the same bytes');
        $third = asked(@types, '--sensitive', '--to', $yesterday);
        $pg->do('update export set position = (select position from export where id = $1) where id = $2', $id, $third);
    }
}
is($kills, 10, 'ten times its process was killed');
is(export('run', $third)->{code}, 0, 'the next run goes on');
is(shown($third)->{file_sha256}, $e->{file_sha256}, 'and the bytes are the same');

# What was stored meanwhile is not in it.
$pg->do(q{insert into bundle (received, uid, body_digest, source_id, method, form, points)
          values (now(), md5('late')::uuid, md5('late')::uuid, 1, 'POST', 'json', 1)});
$pg->do(q{insert into data_point (id, source_id, created, recorded, digest, generator_id, agent_id, properties)
          select id << 20, 1, now(), recorded, md5('late')::uuid, 1, 1, '{}' from bundle order by position desc limit 1});
my $late = asked(@types, '--sensitive', '--to', $yesterday);
$pg->do('update export set position = (select position from export where id = $1) where id = $2', $id, $late);
export('run', $late);
is(shown($late)->{file_sha256}, $e->{file_sha256}, 'points that came later change nothing');

# Pseudonyms, and no sensitive columns.
my $secret = asked(@types, '--pseudonyms', 'new');
is(export('run', $secret)->{code}, 0, 'an export with pseudonyms');
my $hidden = "$dir/" . shown($secret)->{path};
my $everything = join('', map { entry($hidden, $_) } split(/\n/, run($unzip, '-Z1', $hidden)->{out}));
unlike($everything, qr/\banna\b/, 'names nobody');
unlike($everything, qr{https://example\.com}, 'and has no sensitive field');
like(entry($hidden, 'codebook.tsv'), qr/^webmunk-extension-scroll-position\tURL\tyes\tno\t/m, 'as its code book says');

# Refusals, in words.
for my $case (
    [ qr/no type of data "nonsense"/,     '--types', 'nonsense' ],
    [ qr/last day.*before/,               @types, '--from', '2026-02-02', '--to', '2026-02-01' ],
    [ qr/the day 2999-12-31 is not over in America/, @types, '--to', '2999-12-31' ],
    [ qr/no time zone "Mars\/Olympus"/,   '--types', 'webmunk-extension-scroll-position', '--zone', 'Mars/Olympus' ],
    [ qr/"clock" must be one of/,         @types, '--clock', 'imagined' ],
    [ qr/no participant "nobody"/,        @types, '--sources', 'nobody' ],
    )
{
    my ($words, @options) = @$case;
    my $done = export('create', @options);
    isnt($done->{code}, 0, "refused: @options");
    like($done->{err}, $words, 'and the sentence says why');
}

# Without a key it says so.
{
    local $env{WEBMUNK_EXPORT_KEY} = '';
    my $plain = asked('--types', 'webmunk-extension-scroll-position');
    export('run', $plain);
    my $unsigned = "$dir/" . shown($plain)->{path};
    is(from_json(entry($unsigned, 'manifest.json'))->{signature}, undef, 'an unsigned archive says that it is');
    like(export('verify', $unsigned)->{out}, qr/not signed/, 'and so does its check');
    isnt(export('verify', $unsigned, '--key', "$keys/public")->{code}, 0, 'which fails when a signature is wanted');
}

# Cancel, delete, expire.
my $unwanted = asked(@types);
is(export('cancel', $unwanted)->{code}, 0, 'an export that waits is cancelled');
is(shown($unwanted)->{state}, 'cancelled', 'and says so');
like(export('run', $unwanted)->{err}, qr/is cancelled/, 'it is not made any more');
isnt(export('cancel', $id)->{code}, 0, 'one that is ready cannot be cancelled');
is(export('delete', $again)->{code}, 0, 'but deleted');
ok(!-e "$dir/$again.zip", 'its file is gone');
is(shown($again)->{state}, 'expired', 'its row stays');
$pg->do(q{update export set expires = now() - interval '1 minute' where id = $1}, $third);
mkdir "$dir/$unwanted.parts" or die;
spew("$dir/$unwanted.parts/0000001", 'x');
spew("$dir/notes.txt", 'not ours');
my $purged = webmunkd({ env => {%env} }, $pg, '--once', 'export-purge');
is($purged->{code}, 0, 'the purge runs') or diag($purged->{err});
ok(!-e "$dir/$third.zip", 'it removes what is over');
is(shown($third)->{state}, 'expired', 'and says so');
ok(!-e "$dir/$unwanted.parts", 'and parts that nobody needs');
ok(-e "$dir/notes.txt", 'and nothing else');
ok(-e $file, 'least of all what is not over');
done_testing();
