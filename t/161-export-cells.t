#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The corrections of the export's rules that the samples do not show, on points made for each.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Postgres;

my $program = builddir() . '/t/unit/export_rows';
-x $program or give_up("$program is missing: make check builds it");
my $pg = WmTest::Postgres->start;
my ($bundles, $runs) = (0, 0);

sub tool { return run({ env => { DATABASE_URL => $pg->url } }, $program, @_) }

# Store points: source, generator, time, members, members of the metadata.
sub store
{
    my ($received, @points) = @_;
    my @list = map {
        my ($source, $generator, $time, $members, $metadata) = @$_;
        +{ %$members, 'passive-data-metadata' => { source => $source, 'generator-id' => $generator, generator => "$generator: Probe/1",
                timestamp => $time, timezone => 'America/New_York', %{ $metadata || {} } } }
    } @points;
    my $done = tool('load', $received, spew(workdir() . '/bundle' . ++$bundles . '.json', json(\@list)));
    is($done->{code}, 0, 'points are stored') or diag("$done->{out}$done->{err}");
    return;
}

sub export
{
    my ($definition) = @_;
    my $dir = workdir() . '/out' . ++$runs;
    mkdir $dir or die "mkdir $dir: $!";
    my $done = tool('run', json({ study => 1, zone => 'America/New_York', %$definition }), $dir);
    my %entries = map { chomp; ($_ => slurp("$dir/$_")) } map { s/^entry //r } grep { /^entry / } split(/\n/, $done->{out});
    return ($done->{out}, \%entries);
}

sub lines { my ($text) = @_; return [ map { [ split(/\t/, $_, -1) ] } split(/\r\n/, $text) ] }

my $noon = 1741536000;    # 2025-03-09 12:00 in New York
store($noon + 60,
    [ 'p1', 'webmunk-amazon-order', $noon, { 'order-date' => undef, items => [ { asin => 'B1' } ] } ],
    [ 'p1', 'webmunk-amazon-order', $noon + 1, { 'order-date' => '2025-03-08T23:00:00.000Z', items => [ { asin => 'B2' } ] }, { timezone => 'Europe/Berlin' } ],
    [ 'p1', 'webmunk-local-tasks', $noon, { 'pending-tasks' => undef } ],
    [ 'p1', 'webmunk-extension-class-added', $noon, { 'element-content*' => "a\nb\r\nc" } ],
    [ 'p1', 'webmunk-extension-class-added', $noon + 1, { 'element-content*' => undef } ],
    [ 'p1', 'webmunk-extension-element-click', $noon, { size => undef, 'tab-id' => 7 } ],
    [ 'p1', 'webmunk-extension-scroll-position', $noon, { top => 1 }, { timezone => 'Etc/Unknown' } ],
    [ 'p1', 'webmunk-extension-scroll-position', $noon + 1, { top => 2 }, { timezone => 'asia/KOLKATA' } ],
    [ 'p1', 'webmunk-extension-scroll-position', $noon + 2, { top => 3 }, { timezone => undef } ],
    [ 'p1', 'pdk-web-visit', $noon, { visitId => 1, url => 'https://x/', host => 'x', title => "t\x{e9}" } ],
    [ 'p1', 'pdk-withings-device', $noon, { datastream => 'body', measure_value => 5 } ],
    [ 'p1', 'pdk-withings-device', $noon, { datastream => 'sleep-measures', state => 2 } ],
    [ 'p1', 'pdk-usage-event-daily-summary', $noon, { events => [ { observed => 1741540000000, package => 'a', event_type => 'b' } ] } ],
    [ 'p1', 'acme-steps', $noon, { a => "\x{e9}", 'secret*' => 's' } ],
    [ 'p 2', 'webmunk-extension-log-elements', $noon, { 'pattern-matches' => { m => [ {} ] } } ],
    [ 'P-2', 'webmunk-extension-log-elements', $noon, { 'pattern-matches' => { m => [ {} ] } } ],
);

# E1: a field that cannot be read leaves its cell empty and is counted; no row is lost.
my ($said, $got) = export({ types => [qw(webmunk-amazon-order webmunk-local-tasks webmunk-extension-element-click)] });
my $order = lines($got->{'webmunk-amazon-order.txt'});
is_deeply([ map { $_->[7] } @$order ], [ 'Order Date', '2025-03-09', '' ], 'E1, E17: an order date is the participant\'s day, a null one empty');
is_deeply([ @{ lines($got->{'webmunk-local-tasks.txt'})->[1] }[ 6, 7 ] ], [ 0, '' ], 'E2: no list of tasks is no task');
is(lines($got->{'webmunk-extension-element-click.txt'})->[1][4], 7, 'E1: a size of null leaves the row');
like($said, qr/ defects 3$/m, 'E1: each unreadable field is counted');

# E3: a zone that is none.
($said, $got) = export({ types => ['webmunk-extension-scroll-position'] });
is_deeply([ map { [ @$_[ 1, 3 ] ] } @{ lines($got->{'webmunk-extension-scroll-position.txt'}) }[ 1 .. 3 ] ],
    [ [ '2025-03-09T12:00:02-04:00', '' ], [ '2025-03-09T21:30:01+05:30', 'asia/KOLKATA' ], [ '2025-03-09T12:00:00-04:00', 'Etc/Unknown' ] ],
    'E3: an unknown zone and null show the export\'s time, letters of either case are known');
like($said, qr/ defects 2$/m, 'E3: and are counted');

# E4, E5: a type without rows has its own header; asking creates nothing.
($said, $got) = export({ types => ['webmunk-asin-details'] });
like($got->{'webmunk-asin-details.txt'}, qr/\AASIN\tType\t[^\r]*\r\n\z/, 'E4: a type without rows has its own header');
is($pg->scalar("select count(*) from generator where identifier like 'webmunk-asin%'"), 0, 'E5: asking for it makes no generator');

# E6, E31: days follow each other without gap and without repeat, through the change of clocks.
my $sum = 0;
my $start = 1741410000 - 3600;    # 2025-03-08 00:00 in New York
store($start, map { [ 'clock', 'tick', $start + $_ * 900, { n => $_ } ] } 0 .. 4 * 24 * 3 - 1);
for my $day (qw(2025-03-07 2025-03-08 2025-03-09 2025-03-10 2025-03-11)) {
    my ($out) = export({ types => ['tick'], from => $day, to => $day });
    my ($rows) = $out =~ /^rows (\d+)/m;
    is($rows, 92, 'E6: the day of 23 hours has no hour of its neighbours') if $day eq '2025-03-09';
    $sum += $rows;
}
is($sum, 288, 'E6: days tile time');

# E7, E8: what is asked for wrongly is refused in words.
for ([ { clock => 'sent' }, qr/"clock" must be one of/ ], [ { from => '2025-03-10', to => '2025-03-09' }, qr/is before the first/ ],
    [ { zone => 'Mars/Olympus' }, qr/no time zone "Mars/ ], [ { types => ['nothing'] }, qr/no type of data "nothing"/ ],
    [ { from => '2025-02-29' }, qr/must be a day/ ], [ { sources => ['nobody'] }, qr/no participant "nobody"/ ], [ { when => 1 }, qr/no member/ ]) {
    my ($out) = export({ types => ['tick'], %{ $_->[0] } });
    like($out, qr/^refused 1 .*$_->[1]/m, 'E7: refused: ' . join(',', %{ $_->[0] }));
}

# E10: words are not fused when something is to stand between them.
(undef, $got) = export({ types => ['webmunk-extension-class-added'], newline => ' ' });
is_deeply([ map { $_->[9] } @{ lines($got->{'webmunk-extension-class-added.txt'}) }[ 1, 2 ] ], [ '', 'a b c' ], 'E10: line ends become what is asked for');

# E12: slugs that meet stay apart.
(undef, $got) = export({ types => ['webmunk-extension-log-elements'], sources => [ 'p 2', 'P-2' ] });
is_deeply([ sort keys %$got ], [ map { "webmunk-extension-log-elements/$_.txt" } qw(p-2 p-2__1) ], 'E12: names of files that meet get a number');

# E20: the generic layout.
(undef, $got) = export({ types => ['acme-steps'] });
like($got->{'acme-steps.txt'}, qr/\r\np1\tacme-steps: Probe\/1\tacme-steps\t$noon\t2025-03-09T16:00:00\+00:00\t\t\t.*\t"\{""a"": ""\\u00e9"", /, 'E20: any type can be exported');
(undef, $got) = export({ types => ['acme-steps'], sensitive => JSON::PP::false(), pseudonyms => JSON::PP::true() });
unlike($got->{'acme-steps.txt'}, qr/secret|\tp1\t|"p1"/, 'neither sensitive members nor the identifier are there when not wanted');

# E23, E24, E25.
(undef, $got) = export({ types => [qw(pdk-web-visit pdk-usage-event-daily-summary pdk-withings-device-body)] });
is_deeply([ @{ lines($got->{'pdk-usage-event-daily-summary/p1.txt'})->[1] }[ 1, 2 ] ], [ 1741540000, '2025-03-09T13:06:40-04:00' ], 'E23: both times are the event\'s');
is(lines($got->{'pdk-web-visit/p1.txt'})->[1][6], 'https://x/', 'E24: text is text');
is(@{ lines($got->{'pdk-withings-device-body.txt'}) }, 2, 'E25: a stream has its own points alone');

# Numbers that no machine has are what the database says, in every format.
my @large = qw(123456789012345678901234567890 -9223372036854775809 18446744073709551616);
my $large = sprintf('"a": [%s], "top": %s, "left": %s, "width": 1e300, "height": 1e400', join(',', @large), @large[ 0, 1 ]);
$large = join ',', map { qq({$large, "passive-data-metadata": {"source": "large", "generator-id": "$_", "generator": "$_: Probe/1", "timestamp": $noon, "n": 1e300}}) }
    qw(acme-large webmunk-extension-scroll-position);
is(tool('load', $noon + 20_000, spew(workdir() . '/large.json', "[$large]"))->{code}, 0, 'numbers of any size are stored');
for my $format (qw(tsv csv jsonl raw)) {
    ($said, $got) = export({ types => [qw(acme-large webmunk-extension-scroll-position)], sources => ['large'], format => $format, sensitive => JSON::PP::true() });
    like($said, qr/^rows 2 counted 2 defects 0$/m, "$format: none is a defect");
    my ($generic, $cells) = map { my $type = $_; (map { $got->{$_} } grep { /$type/ } keys %$got)[0] } qw(acme scroll);
    like($generic, qr/(?<!\d)\Q$_\E(?!\d)/, "$format: $_ is there") for @large;
    like($cells, qr/(?<!\d)\Q$_\E(?!\d)/, "$format: ... and in a cell") for @large[ 0, 1 ];
    like($cells, qr/(?<!\d)10{300}(?!\d)/, "$format: ... and one with an exponent");
    like($cells, qr/1e400/, "$format: ... and one that is text by now");
    ok(eval { JSON::PP->new->allow_bignum->decode($_); 1 }, "$format: it is JSON") or diag($@) for $format eq 'jsonl' ? split(/\r?\n/, $cells) : $format eq 'raw' ? $cells : ();
}

# What is stored at or above the position is not in.
my $position = $pg->scalar('select max(position)::text::bigint + 1 from bundle');
store($noon + 9999, [ 'p1', 'acme-steps', $noon + 5, { late => 1 } ]);
mkdir workdir() . '/late';
my $done = tool('run', json({ study => 1, types => ['acme-steps'] }), workdir() . '/late', $position);
like($done->{out}, qr/^rows 1 counted 1 /m, 'a bundle at the position does not count');

# How rows are found.
my $explain = sub {
    my $sql = tool('sql', json({ study => 1, types => ['tick'], %{ $_[0] } }))->{out} =~ s/\Adefinition.*\n//r;
    return $pg->query("set enable_seqscan = off; begin; select set_config('webmunk.sources', '1,2', true), set_config('webmunk.generators', '1', true),
        set_config('webmunk.from', '2025-03-09', true), set_config('webmunk.to', '2025-03-10', true), set_config('webmunk.position', '9000000', true);
        explain (costs off) $sql", '-A', '-t');
};
like($explain->({}), qr/Index Scan.* using data_point_default_source_id_generator_id_created_digest_idx.*?\n.*Index Cond: \(\(source_id = .*generator_id.*created >=/,
    'by created, each source is read along the index of repeats');
like($explain->({ clock => 'recorded', from => '2025-03-09', to => '2025-03-09' }), qr/recorded_idx|source_id_generator_id_created/, 'by recorded, an index is used');
done_testing();
