#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every kind of data of Passive Data Kit that has a layout of its own: a normal point, one whose fields are missing, null or of
# another kind, and how the files are cut and called.
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
my $noon = 1741536000;                 # 2025-03-09 12:00 in New York, 16:00 in UTC
my $no   = JSON::PP::null();
my @p5   = ('Source', 'Created Timestamp', 'Created Date', 'Recorded Timestamp', 'Recorded Date');
my %zone = (L => '-04:00', U => '+00:00', P => '+01:00');    # of the lab, of the world, of the participant

# By type: how it is packed, the zone of its dates, columns after the usual ones; members and the cells they give, and the number of
# defects of a point without any of them. "req" is one for each column that must be there.
my @types = (
    [ 'pdk-app-event', 'file pdk_pdk-app-event', 'L', [ 'Event Name', 'Event Properties' ],
        { event_name => 'opened', event_details => { b => [ 1, 2.50, "\x{e9}" ], a => JSON::PP::true() } }, [ 'opened', '"{""a"": true, ""b"": [1, 2.5, ""\u00e9""]}"' ], 1 ],
    [ 'pdk-device-battery', 'source', 'L', [ qw(Level Scale Plugged Health Voltage Technology Present Temperature) ],
        { level => 81, scale => 100, plugged => 'ac', health => 'good', voltage => 4211, technology => 'Li-ion', present => JSON::PP::true(), temperature => 305 },
        [ 81, 100, 'ac', 'good', 4211, 'Li-ion', 'True', 305 ], 1 ],
    [ 'pdk-foreground-application', 'source', 'L', [ 'Application', 'Duration', 'Screen Active', 'Play Store Category' ],
        { application => 'org.example', duration => 1500, screen_active => JSON::PP::false() }, [ 'org.example', 1500, 'False', '' ], 0 ],
    [ 'pdk-geofences', 'source', 'U', [ 'Observed', 'Fence ID', 'Fence Name', 'Transition', 'Center Latitude', 'Center Longitude', 'Radius', 'Details' ],
        { observed => 1741536000123, transition => 'enter', fence_details => { identifier => 'f1', name => 'home', center_latitude => 41.25, center_longitude => -87.5, radius => 100 } },
        [ 1741536000123, 'f1', 'home', 'enter', 41.25, -87.5, 100, '"{""name"": ""home"", ""radius"": 100, ""identifier"": ""f1"", ""center_latitude"": 41.25, ""center_longitude"": -87.5}"' ], 0 ],
    [ 'pdk-location', 'source', 'U', [ 'Observed', 'Raw Timestamp', qw(Provider Latitude Longitude Accuracy Altitude Speed Bearing) ],
        { observed => 1741536000000, location_timestamp => 1741535999000, provider => 'gps', latitude => 41.88, longitude => -87.63, accuracy => 12.5, altitude => 180, speed => 0.25, bearing => 359.5 },
        [ 1741536000000, 1741535999000, 'gps', 41.88, -87.63, 12.5, 180, 0.25, 359.5 ], 0 ],
    [ 'pdk-notification-events', 'rows', 'L', [ qw(Package Channel Action Reason) ],
        { package => 'org.example', channel => "a\tb", action => 'added', reason => 'app' }, [ 'org.example', "\"a\tb\"", 'added', 'app' ], 0 ],
    [ 'pdk-pedometer', 'source', 'L', [ 'Daily Steps', 'Total Steps', 'Daily Average Pace', 'Total Average Pace', 'Daily Distance', 'Total Distance', 'Daily Floors Ascended',
            'Total Floors Ascended', 'Daily Floors Descended', 'Total Floors Descended', 'Background Recording' ],
        { 'daily-summary-steps' => 1, 'step-count' => 2, 'daily-average-pace' => 3, 'average-pace' => 4, 'daily-summary-distance' => 5, distance => 6,
            'daily-summary-floors-ascended' => 7, 'floors-ascended' => 8, 'daily-summary-floors-descended' => 9, 'floors-descended' => 10, 'from-background' => JSON::PP::true() },
        [ 1 .. 10, 'True' ], 0 ],
    [ 'pdk-screen-state', 'source', 'L', ['Screen State'], { state => 'on' }, ['on'], 1 ],
    [ 'pdk-system-status', 'source', 'L', [ 'Available Storage', 'Other Storage', 'App Storage', 'Total Storage', 'App Runtime', 'System Runtime', 'Pending Points' ],
        { storage_available => 9007199254740993, storage_other => 2, storage_app => 3, storage_total => 4, runtime => 5, system_runtime => 6, pending_points => 7, 'cpu-info' => { n => 1 } },
        [ '9007199254740993', 2 .. 7 ], 0 ],
    [ 'pdk-time-of-day', 'source', 'U', [ 'Sunrise', 'Sunset', 'Is Day' ], { sunrise => 10, sunset => 30, observed => 20 }, [ 10, 30, 1 ], 0 ],
    [ 'pdk-user', 'source', 'short', ['Mode'], { mode => 'study' }, ['study'], 0 ],
    [ 'pdk-web-visit', 'source', 'L', [ 'Visit ID', 'URL', 'Protocol', 'Host', 'Title', 'Transition Type', 'Referrer Visit ID' ],
        { visitId => '12', url => 'https://x.example/', protocol => 'https', host => 'x.example', title => "caf\x{e9}", transition => 'link', referringVisitId => '0' },
        [ 12, 'https://x.example/', 'https', 'x.example', "caf\xc3\xa9", 'link', 0 ], 7 ],
);

sub row { my ($text, $number) = @_; return (split(/\r\n/, $text))[$number] }

# The usual cells of a point created at TIME and received a minute after noon.
sub usual
{
    my ($source, $time, $zone) = @_;
    my $date = sub {
        my @t = gmtime($_[0] + { L => -4, U => 0, P => 1, short => -4 }->{$zone} * 3600);
        return sprintf('2025-03-09T%02d:%02d:%02d', @t[ 2, 1, 0 ]) . ($zone{$zone} // $zone{L});
    };
    return $zone eq 'short' ? ($source, $time, $date->($time)) : ($source, $time, $date->($time), $noon + 60, $date->($noon + 60));
}

for my $case (@types) {
    my ($type, $packing, $zone, $columns, $members, $cells, $missing) = @$case;
    $lab->store($noon + 60,
        [ 'p 1', $type, $noon + 1, $members ],
        [ 'p 1', $type, $noon, {} ],
        [ 'p-1', $type, $noon + 2, { map { $_ => $no } keys %$members } ],
        [ 'p-1', $type, $noon + 3, { map { $_ => [ { x => $no } ] } keys %$members } ]);
    my ($said, $got) = $lab->export({ types => [$type], sources => [ 'p 1', 'p-1' ] });
    my ($file) = $packing =~ /^file (.*)/;
    is_deeply([ sort keys %$got ], $file ? ["$file.txt"] : [ "$type/p-1.txt", "$type/p-1__1.txt" ],
        "$type: " . ($file ? 'one file' : 'a file for each participant, E12: names that meet get a number'));
    my $own   = $got->{ $file ? "$file.txt" : "$type/p-1.txt" };
    my $other = $got->{ $file ? "$file.txt" : "$type/p-1__1.txt" };
    is(row($own, 0), join("\t", @p5[ 0 .. ($zone eq 'short' ? 2 : 4) ], @$columns), '... its columns');
    is(row($own, 1), join("\t", usual('p 1', $noon, $zone), map { '' } @$columns), '... E1: a point without any field has a row, the oldest first');
    is(row($own, 2), join("\t", usual('p 1', $noon + 1, $zone), @$cells), '... a normal point');
    is(() = (row($other, $file ? 3 : 1) // '') =~ /\t/g, @$columns + ($zone eq 'short' ? 2 : 4), '... E1: nulls have a row of as many cells');
    is(() = (row($other, $file ? 4 : 2) // '') =~ /\t/g, @$columns + ($zone eq 'short' ? 2 : 4), '... and so have lists where none is expected');
    my ($counted) = $said =~ /^rows 4 counted 4 defects (\d+)$/m;
    cmp_ok($counted // -1, '>=', $missing, '... and what is missing is counted') or diag($said);
    (undef, $got) = $lab->export({ types => [$type], sources => ['p 1'], from => '2025-03-10' });
    is_deeply([ map { "$_ " . length((split(/\r\n/, $got->{$_}, -1))[1]) } sort keys %$got ], $packing eq 'rows' ? [] : [ $file ? "$file.txt 0" : "$type/p-1.txt 0" ],
        '... E4: without rows there is ' . ($packing eq 'rows' ? 'no file' : 'its own header'));
}

# Types whose rows have times of their own.
my $later = ($noon + 3600) * 1000 + 999;
my $local = '2025-03-09T18:00:00';
for my $case ([ 'pdk-phone-calls', 'call_timestamp', [ 'Type', 'Duration (Seconds)', 'Number', 'Is New' ], [ qw(type duration number is_new) ] ],
    [ 'pdk-text-messages', 'date', [ qw(Direction Person Address Length Body) ], [ qw(direction person address length body) ] ]) {
    my ($type, $clock, $columns, $fields) = @$case;
    $lab->store($noon + 60,
        [ 'p 1', $type, $noon, { $clock => $later, map { $_ => "$_\n2" } @$fields }, { timezone => 'Europe/Berlin' } ],
        [ 'p 1', $type, $noon + 1, {}, { timezone => 'Europe/Berlin' } ],
        [ 'p 1', $type, $noon + 2, { $clock => 'noon', map { $_ => $no } @$fields }, { timezone => 'Europe/Berlin' } ]);
    my ($said, $got) = $lab->export({ types => [$type], sources => ['p 1'] });
    my @rows = split(/\r\n/, $got->{"pdk_$type.txt"});
    is($rows[0], join("\t", @p5, @$columns), "$type: its columns");
    is($rows[1], join("\t", 'p 1', $noon + 3600, "$local+01:00", $noon + 60, '2025-03-09T17:01:00+01:00', map { "\"$_\n2\"" } @$fields),
        '... its time is that of the event, in whole seconds, where the participant is; line ends stay');
    is($rows[2], join("\t", 'p 1', '', '', $noon + 60, '2025-03-09T17:01:00+01:00', map { '' } @$fields), '... E1: without one the cells are empty');
    is($rows[3], $rows[2], '... and so they are with a word');
    my ($defects) = $said =~ /defects (\d+)$/m;
    is($defects, 4 + @$fields, '... which is counted');
}

# A row for each event: E23.
$lab->store($noon + 60,
    [ 'p 1', 'pdk-usage-event-daily-summary', $noon, { events => [ { observed => $later, package => 'a', event_type => 1 }, {}, 'x' ] } ],
    map { [ 'p 1', 'pdk-usage-event-daily-summary', $noon + 1, { events => $_ } ] } $no, 'x', {});
my ($said, $got) = $lab->export({ types => ['pdk-usage-event-daily-summary'] });
my @rows = split(/\r\n/, $got->{'pdk-usage-event-daily-summary/p-1.txt'});
is_deeply(\@rows, [ join("\t", @p5, 'Package', 'Event'), map { join("\t", @$_) } [ 'p 1', $noon + 3600, '2025-03-09T13:00:00.999000-04:00', $noon + 60, '2025-03-09T12:01:00-04:00', 'a', 1 ],
    map { [ 'p 1', '', '', $noon + 60, '2025-03-09T12:01:00-04:00', '', '' ] } 1, 2 ], 'E23: both times of an event are its own; one without has none');
is(keys %$got, 1, '... and participants without rows have no file');

# Is it day?  Only where all three are numbers.
$lab->store($noon + 120, map { [ 'sun', 'pdk-time-of-day', $noon + $_->[0], { sunrise => 10, sunset => 30, observed => $_->[1] } ] } [ 0, 9 ], [ 1, 10 ], [ 2, 11 ], [ 3, 30 ], [ 4, '20' ], [ 5, $no ]);
(undef, $got) = $lab->export({ types => ['pdk-time-of-day'], sources => ['sun'] });
is_deeply([ map { (split(/\t/, $_, -1))[7] } (split(/\r\n/, $got->{'pdk-time-of-day/sun.txt'}))[ 1 .. 6 ] ], [ 0, 0, 1, 0, '', '' ], 'it is day between sunrise and sunset');

# E25: withings, by stream.
my %streams = (
    'intraday-activity' => [qw(intraday_activity_history activity_start activity_duration calories distance elevation_climbed steps swim_strokes pool_laps)],
    'body'              => [qw(measure_date measure_status measure_category measure_type measure_value)],
    'activity-measures' => [qw(date_start timezone steps distance active_calories total_calories elevation soft_activity_duration moderate_activity_duration intense_activity_duration)],
    'sleep-measures'    => [qw(start_date end_date state measurement_device)],
);
$lab->store($noon + 60, map { my $s = $_; ([ 'p 1', 'pdk-withings-device', $noon, { datastream => $s, map { $_ => "$s $_" } @{ $streams{$s} } } ],
    [ 'p 1', 'pdk-withings-device', $noon + 1, { datastream => $s, map { $_ => $no } @{ $streams{$s} } } ]) } sort keys %streams);
($said, $got) = $lab->export({ types => [ map { "pdk-withings-device-$_" } sort keys %streams ] });
for my $stream (sort keys %streams) {
    @rows = split(/\r\n/, $got->{"pdk-withings-device-$stream.txt"});
    is_deeply(\@rows, [ join("\t", @p5, @{ $streams{$stream} }), join("\t", usual('p 1', $noon, 'U'), map { "$stream $_" } @{ $streams{$stream} }),
        join("\t", usual('p 1', $noon + 1, 'U'), map { '' } @{ $streams{$stream} }) ], "E25: the stream $stream has its own points alone");
}
done_testing();
