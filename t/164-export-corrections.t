#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The corrections of exports.md, section 9, each under its number, where t/160 and t/161 do not name them; and what makes an export
# the same whenever it is made again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use WmTest;
use WmTest::Export;
use WmTest::Postgres;

my $pg   = WmTest::Postgres->start;
my $lab  = WmTest::Export->new($pg);
my $noon = 1741536000;    # 2025-03-09 12:00 in New York, the day of the spring change
my $no   = JSON::PP::null();

sub cells { my ($text, $name) = @_; my ($head, @rows) = @{ lines($text) }; my ($at) = grep { $head->[$_] eq $name } 0 .. $#$head; return [ map { $_->[$at] } @rows ] }
sub rows { return $_[0] =~ /^rows (\d+)/m ? $1 : undef }

# E2, E7: one window for every type, and one filter.
$lab->store($noon + 60, map { my $t = $_; map { [ 'w', $t, $noon + $_ * 86400, { mode => $_, sunrise => 1 } ] } -1 .. 1 } qw(pdk-user pdk-time-of-day));
for my $type (qw(pdk-user pdk-time-of-day)) {
    my ($said) = $lab->export({ types => [$type], from => '2025-03-09', to => '2025-03-09' });
    is(rows($said), 1, "E2: $type has the window that every type has");
    ($said) = $lab->export({ types => [$type], from => '2025-03-09', to => '2025-03-09', clock => 'recorded' });
    is(rows($said), 3, "E7: by recorded, $type is not filtered by created as well");
}

# E8: midnight is that of the zone's rules, to the second, on both sides of the change.
$lab->store($noon + 60, map { [ 'edge', 'edge', $_, { at => $_ } ] } 1741496399, 1741496400, 1741579199, 1741579200);
my ($said, $got) = $lab->export({ types => ['edge'], from => '2025-03-09', to => '2025-03-09' });
is_deeply(cells($got->{'edge.txt'}, 'Created Timestamp'), [ 1741496400, 1741579199 ], 'E8: a day begins and ends at the midnights of its zone');

# E11, E13, E14, E15, E16: what the extension's points say twice.
my %both = ('url!' => 'https://clear/', 'url*' => 'CIPHER', 'page-title!' => 'clear title', 'page-title*' => 'CIPHER', 'element-content!' => '<p>clear</p>', 'element-content*' => 'CIPHER');
my @old = map { "webmunk-extension-$_" } qw(class-added element-click matched-rule element-show element-hide scroll-position);
$lab->store($noon + 60, (map { [ 'old', $_, $noon, { 'tab-id' => 3, 'page-id' => 'page', 'element-class' => 'c', %both } ] } @old),
    [ 'old', 'webmunk-extension-log-elements', $noon, { %both, 'pattern-matches' => { m => [ { 'element-content!' => 'own clear', 'element-content*' => 'CIPHER' }, {} ] } } ]);
(undef, $got) = $lab->export({ types => [ @old, 'webmunk-visibility-export', 'webmunk-extension-log-elements' ], sources => ['old'] });
for my $type (@old, 'webmunk-visibility-export') {
    my $text = $got->{"$type.txt"};
    unlike($text, qr/CIPHER/, "E11: $type shows what an old client added in clear");
    is_deeply(cells($text, 'URL'), [ ('https://clear/') x (() = $text =~ /\r\n./g) ], ($type =~ /click/ ? 'E13' : 'E11') . ": ... as the URL of $type, too");
}
my $log = $got->{'webmunk-extension-log-elements/old.txt'};
unlike($log, qr/CIPHER/, 'E11: and so does log-elements');
is_deeply(cells($log, 'URL'), [ ('https://clear/') x 2 ], 'E13: the URL of log-elements is read in the same way');
is_deeply(cells($log, 'Element HTML'), [ 'own clear', '' ], 'E15: the markup of a match is its own, never that of the point');
my ($show, $hide, $seen) = map { $got->{"$_.txt"} } 'webmunk-extension-element-show', 'webmunk-extension-element-hide', 'webmunk-visibility-export';
is(lines($hide)->[0][$_], lines($show)->[0][$_], 'E14: hide has the header of show: ' . lines($show)->[0][$_]) for 0 .. $#{ lines($show)->[0] };
is_deeply([ map { cells($hide, $_)->[0] } 'Tab ID', 'Page ID', 'Visible' ], [ 3, 'page', 0 ], 'E14: ... over the cells that belong to it');
is_deeply([ sort @{ cells($seen, 'Visible') } ], [ 0, 1 ], 'E16: in the visibility export what is shown has 1, what is hidden 0');
is_deeply([ cells($show, 'Visible')->[0], cells($hide, 'Visible')->[0] ], [ 1, 0 ], 'E16: ... as in the exports of each');

# E9: objects are JSON.
$lab->store($noon + 60, [ 'obj', 'webmunk-extension-action', $noon, { action => { b => [ JSON::PP::true(), $no, "x" ], a => 1.5 } } ]);
(undef, $got) = $lab->export({ types => ['webmunk-extension-action'], sources => ['obj'] });
like($got->{'webmunk-extension-action.txt'}, qr/\t"\{""a"":1.5,""b"":\[true,null,""x""\]\}"\r\n\z/, 'E9: an object in a cell is compact JSON');

# E21, E19: items.
$pg->do(q{insert into asin_item (asin, brand, metadata) values ('B000000009', null, '{"keepa": [{"brand": "b", "data": {"NEW": [1.5, null]}}]}'), ('../../etc/x', null, '{}'),
    ('true', null, 'true')});
my $before = $pg->scalar('select md5(string_agg(i::text, chr(10) order by id)) from asin_item i');
($said, $got) = $lab->export({ types => ['webmunk-asin-details'] });
is(from_json($got->{'B000/B000000009.json'})->{keepa}[0]{data}{NEW}[1], undef, 'E21: the files of items are JSON, with null for what is no number');
is_deeply([ grep { /\.json$/ } sort keys %$got ], ['B000/B000000009.json'], 'only what is an ASIN has a file');
is($pg->scalar('select md5(string_agg(i::text, chr(10) order by id)) from asin_item i'), $before, 'E19: an export of items changes none');
is(rows($said), 3, 'E18: and has every one, once, whoever it is about');

# E22: long recordings are cut, and nothing is lost at a cut.
$pg->do(q{insert into source (identifier, name, study_id) select s, s, 1 from unnest(array['long', 'short']) s;
    insert into generator (identifier, label) values ('pdk-sensor-accelerometer', 'a'), ('pdk-sensor-light', 'l')});
my $recording = sub {
    my ($type, $who, $points) = @_;
    my $bundle = $pg->scalar("insert into bundle (received, uid, body_digest, method, form, points) values (now(), md5('$type$who')::uuid, md5('$type$who')::uuid, 'POST', 'json', 1) returning id");
    $pg->do(qq{insert into data_point (id, source_id, created, recorded, digest, generator_id, agent_id, properties)
        select $bundle\::bigint << 20 | n, (select id from source where identifier = '$who'), timestamptz '2025-03-09 16:00+00' + n * interval '1 second', now(), md5('$type$who' || n)::uuid,
            (select id from generator where identifier = '$type'), 1, '{"sensor_data": {"observed": [1, 2], "raw_timestamp": [3], "x": [0.5, "?"], "y": null, "light_level": [7]}}'
          from generate_series(1, $points) n});
};
for my $case ([ 'pdk-sensor-accelerometer', 10_000, "p\t3\t1\t0.5\t\t\t", "p\t\t2\t?\t\t\t" ], [ 'pdk-sensor-light', 25_000, "p\t3\t1\t7\t", "p\t\t2\t\t" ]) {
    my ($type, $most, @want) = @$case;
    $recording->($type, 'long',  $most + 1);
    $recording->($type, 'short', 3);
    ($said, $got) = $lab->export({ types => [$type] });
    is_deeply([ sort keys %$got ], [ "$type/long__0.txt", "$type/long__1.txt", "$type/short__0.txt" ], "E22: $type is cut after $most points");
    my @count = map { (() = $got->{$_} =~ /\r\n/g) - 1 } sort keys %$got;
    is_deeply(\@count, [ 2 * $most, 2, 6 ], 'E22: ... with two readings of each point, and the last one in a file of its own');
    is_deeply([ map { s/^(?:[^\t]*\t){5}/p\t/r } (split(/\r\n/, $got->{"$type/short__0.txt"}))[ 1, 2 ] ], \@want, '... and empty cells behind the end of a list');
}

# E26 to E29: raw points.
$lab->store($noon + 86400, map { [ 'late', 'raw', $_, { at => $_ } ] } $noon + 39_600 + 3600, $noon - 86400, $noon, $noon + 60);
($said, $got) = $lab->export({ types => ['raw'], format => 'raw', clock => 'recorded', from => '2025-03-10', to => '2025-03-10' });
is(rows($said), 4, 'E26: by recorded, what came late is in it and nothing else');
is_deeply([ sort keys %$got ], [ map { "late__raw__2025-03-$_.json" } qw(08 09 10) ], 'E28: files are called by the day of created in the zone of the export');
is_deeply([ map { $_->{at} } @{ from_json($got->{'late__raw__2025-03-09.json'}) } ], [ $noon, $noon + 60 ], 'E29: a day is one file, in the order of time');
($said, $got) = $lab->export({ types => ['raw'], format => 'raw', from => '2025-03-09', to => '2025-03-09' });
is_deeply([ keys %$got ], ['late__raw__2025-03-09.json'], 'E27: nothing is from beyond the window');
($said, $got) = $lab->export({ types => ['raw'], format => 'jsonl', from => '2025-03-09', to => '2025-03-09' });
is_deeply([ map { from_json($_)->{Properties}{at} } split(/\n/, $got->{'raw.jsonl'}) ], [ $noon, $noon + 60 ], 'E29: JSON Lines are the other way');
# What is sensitive without a mark is left out of columns and of raw points alike.
$lab->store($noon, [ 'v', 'pdk-web-visit', $noon, { visitId => 'plain', url => 'hush', host => 'hush', title => 'hush', at => { latitude => 98765, 'n*' => 'hush' } } ],
    [ 'v', 'somewhere', $noon, { kind => 'plain', latitude => 98765, longitude => 98765 } ]);
for my $type (qw(pdk-web-visit somewhere)) {
    for my $format (qw(raw tsv jsonl)) {
        for my $sensitive (0, 1) {
            ($said, $got) = $lab->export({ types => [$type], sources => ['v'], format => $format, sensitive => $sensitive ? JSON::PP::true() : JSON::PP::false() });
            my ($text) = map { $got->{$_} } grep { /$type/ } sort keys %$got;
            like($text, qr/plain/, "$type as $format is there");
            $sensitive ? like($text, qr/hush|98765/, '... with sensitive fields') : unlike($text, qr/hush|98765/, '... without sensitive fields');
        }
    }
}
# A zone whose clock once went back over midnight.
$lab->store($noon, map { [ 'nl', 'midnight', 1289098800 + $_ * 60, { n => $_ } ] } -1 .. 130);
($said, $got) = $lab->export({ types => ['midnight'], format => 'raw', zone => 'America/St_Johns' });
is(rows($said), 132, 'a day whose midnight comes twice is exported');
is(keys %$got, () = $said =~ /^entry/mg, '... and no file twice');

# E30: left out of exports is one thing, alerts another.
$lab->store($noon + 60, map { [ $_, 'flags', $noon, { n => 1 } ] } 'plain', 'hidden', 'quiet');
$pg->do(q{update source set unexported = now() where identifier = 'hidden'; update source set paused_until = 'infinity' where identifier = 'quiet'});
($said, $got) = $lab->export({ types => ['flags'] });
is_deeply(cells($got->{'flags.txt'}, 'Source'), [ 'plain', 'quiet' ], 'E30: who is excluded from exports is not in them; who is quiet is');

# E31: a day that is not over.
my ($today, $yesterday) = $pg->list(q{select d::text from unnest(array[0, 1]) n, lateral (select (now() at time zone 'Pacific/Kiritimati')::date - n) t(d)});
for my $clock (qw(created recorded)) {
    ($said) = $lab->export({ types => ['flags'], to => $today, clock => $clock, zone => 'Pacific/Kiritimati' });
    like($said, qr/^refused 1 .*the day $today is not over in Pacific\/Kiritimati: name an earlier last day/, "E31: by $clock, a day that is not over is refused");
    ($said) = $lab->export({ types => ['flags'], to => $yesterday, clock => $clock, zone => 'Pacific/Kiritimati' });
    like($said, qr/^rows \d/m, '... and the one before it is not');
}

# The same definition at the same position: whatever came later, whoever asks, wherever.
my $far = 'pdk-external-engagement-x';
$lab->store($noon + 60, [ 'same', 'pdk-external-x-post', $noon, { event => 'post', media_type => 'IMG' } ], [ 'same', $far, $noon, { outgoing_engagement => 2 } ]);
my $all = { types => [ 'pdk-external-events', 'pdk-external-engagement', 'flags', @old, 'webmunk-extension-log-elements', 'pdk-location' ] };
my $position = $pg->scalar('select max(position)::text::bigint + 1 from bundle');
my ($first, $files) = $lab->export($all, $position);
like($files->{'pdk-external-events.txt'}, qr/\tx\tpdk-external-x-post\timg\t2\t\t\t\r\n|\tx\tpost\timg\t2\t\t\t\r\n/, 'engagement stands beside its event');
is((() = $files->{'pdk-external-engagement.txt'} =~ /\r\n/g), 2, '... and in a file of its own, once');
$lab->store($noon + 90, [ 'same', $far, $noon, { outgoing_engagement => 1, incoming_engagement => 5 } ], [ 'new one', 'webmunk-extension-log-elements', $noon, {} ], [ 'same', 'flags', $noon + 5, {} ]);
local $lab->{env} = { PGTZ => 'Asia/Tokyo', PGOPTIONS => '-c datestyle=German -c extra_float_digits=-5 -c intervalstyle=postgres_verbose', LC_ALL => 'de_DE.UTF-8', TZ => 'Asia/Tokyo' };
my ($second, $again) = $lab->export($all, $position);
is_deeply($again, $files, 'an export at a position is the same after later uploads, with any settings of the session');
is($second, $first, '... to the last count');
($second) = $lab->export({ types => ['flags'], sources => [ 'same', 'new one' ] }, $position);
is(rows($second), 0, 'who joined later is not in it, by name either');
$lab->{env} = {};

# Names that no file can have stay apart.
$lab->store($noon + 60, map { [ 'n', $_, $noon, { is => $_ } ] } 'a/b', 'a:b', 'a_b', 'pdk_pdk-app-event', '../up', 'codebook');
($said, $got) = $lab->export({ types => [ 'a/b', 'a:b', 'a_b', 'pdk_pdk-app-event', '../up', 'codebook', 'pdk-app-event' ] });
is(keys %$got, 7, 'kinds of data whose names differ in what no file name holds have a file each');
is((grep { m{/|\.\.} && !/^_?\.?\._up/ } keys %$got), 0, '... inside of the folder');
done_testing();
