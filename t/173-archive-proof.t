#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What an archive proves: no bit of it can change, and no byte be missing, without being found; other programs read it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Postgres;

my $flip = builddir() . '/t/unit/export_flip';
-x $flip or give_up("$flip is missing: make check builds it");
my $pg   = WmTest::Postgres->start;
my $dir  = workdir() . '/exports';
my $keys = workdir();
my %env  = (WEBMUNK_EXPORT_DIR => $dir, WEBMUNK_EXPORT_KEY => "$keys/secret");

sub export { return webmunkd({ env => {%env} }, $pg, 'export', @_) }

for my $name (qw(secret other)) {
    is(webmunkd({}, undef, 'keygen', '--sign', '--secret', "$keys/$name", '--public', "$keys/$name.pub")->{code}, 0, "the pair \"$name\" is made");
}
$pg->do(<<'EOT');
select partitions_ahead(2, 2);
insert into source (identifier, name, study_id) select s, s, 1 from unnest(array['anna', 'Čeněk']) s;
insert into generator (identifier, label) values ('webmunk-extension-action', 'a'), ('webmunk-extension-log-elements', 'l');
insert into agent (generator, user_agent) values ('g', 'a');
insert into bundle (received, uid, body_digest, source_id, method, form, points)
select now() - n * interval '1 minute', md5('u' || n)::uuid, md5('b' || n)::uuid, n % 2 + 1, 'POST', 'json', 1 from generate_series(1, 40) n;
insert into data_point (id, source_id, created, recorded, digest, generator_id, agent_id, properties)
select b.id << 20, b.source_id, b.received, b.recorded, md5(b.id::text)::uuid, 1, 1, '{"action": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}' from bundle b;
EOT

# A small one, so that each of its bits can be changed: repeated text leaves room for other encodings of the same.
my ($id) = export('create', '--types', 'webmunk-extension-action,webmunk-extension-log-elements')->{out} =~ /(\d+)/;
is(export('run', $id)->{code}, 0, 'the archive is made');
my $file = "$dir/$id.zip";
is(export('verify', $file, '--key', "$keys/secret.pub")->{code}, 0, 'it is whole and signed');
cmp_ok(-s $file, '<', 20_000, '... and small');
my $flipped = run($flip, $file);
is($flipped->{code}, 0, 'copies of it are changed') or diag($flipped->{out}, $flipped->{err});
like($flipped->{out}, qr/^bits ${\ (8 * -s $file)} unseen 0$/m, 'a bit that is changed is found, whichever it is') or diag($flipped->{out});
like($flipped->{out}, qr/^cuts ${\ -s $file} unseen 0$/m, 'an archive that ends early is found, wherever it ends');
for my $more ("\0", slurp($file)) {
    spew("$keys/longer.zip", slurp($file) . $more);
    isnt(export('verify', "$keys/longer.zip")->{code}, 0, 'bytes behind the end are found');
    spew("$keys/longer.zip", $more . slurp($file));
    isnt(export('verify', "$keys/longer.zip")->{code}, 0, '... and before the beginning');
}
my $other = export('verify', $file, '--key', "$keys/other.pub");
is($other->{code}, 1, 'another key has not signed it');
like($other->{err}, qr/is signed with another key than/, '... in words');
is(export('verify', "$keys/none.zip")->{code}, 1, 'what is not there is not whole');
spew("$keys/empty.zip", '');
like(export('verify', "$keys/empty.zip")->{err}, qr/no zip archive of an export/, 'nor is nothing');

# Other programs.
my $names = [ sort map { $_->{name} } @{ from_json(run('unzip', '-p', $file, 'manifest.json')->{out})->{entries} } ];
SKIP: {
    my $python = WmTest::find_program('python3') or skip('python3 is not installed', 2);
    my $read = run($python, '-c', 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print("\n".join(sorted(z.namelist())))', $file);
    is($read->{code}, 0, 'Python reads all of it') or diag($read->{err});
    is_deeply([ grep { !/^manifest/ } split(/\n/, $read->{out}) ], $names, '... under the same names');
}
SKIP: {
    my $tar = WmTest::find_program('bsdtar') or skip('bsdtar is not installed', 1);
    my $read = run($tar, '-tf', $file);
    is_deeply([ sort grep { !/^manifest/ } split(/\n/, $read->{out}) ], $names, 'bsdtar reads it');
}
SKIP: {
    my $unzip = WmTest::find_program('unzip') or skip('unzip is not installed', 1);
    is(run($unzip, '-tqq', $file)->{code}, 0, 'unzip reads it');
}
done_testing();
