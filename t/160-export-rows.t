#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The sample points are loaded with the receive times of bundles.tsv, exported, and every entry is compared byte for byte
# with what the reference made of them, after the corrections that the samples' README lists: a function each.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Find qw(find);
use JSON::PP ();
use Test::More;
use WmTest;
use WmTest::Postgres;

my $samples = need_shared('data/export-samples');
my $program = builddir() . '/t/unit/export_rows';
-x $program or give_up("$program is missing: make check builds it");
my $pg = WmTest::Postgres->start;

sub tool
{
    my (@arguments) = @_;
    return run({ env => { DATABASE_URL => $pg->url, EXPORT_SITE => 'https://data.example.com' } }, $program, @arguments);
}

my $runs = 0;

# Export; returns what was said and a hash of the entries.
sub export
{
    my ($definition) = @_;
    my $dir = workdir() . '/out' . ++$runs;
    mkdir $dir or die "mkdir $dir: $!";
    my $done = tool('run', json({ study => 1, zone => 'America/New_York', %$definition }), $dir);
    is($done->{code}, 0, 'the export runs') or diag("$done->{out}$done->{err}");
    my %entries;
    find({ no_chdir => 1, wanted => sub { $entries{ substr($_, length($dir) + 1) } = slurp($_) if -f } }, $dir);
    return ($done->{out}, \%entries);
}

# Python's "excel" dialect with tabs, to rows and back.
sub rows_of
{
    my ($text) = @_;
    my (@rows, @row);
    while ($text =~ /\G(?:"((?:[^"]|"")*)"|([^\t\r\n"]*))(\t|\r\n)/gc) {
        my ($quoted, $plain, $end) = ($1, $2, $3);
        push @row, defined $quoted ? $quoted =~ s/""/"/gr : $plain;
        if ($end eq "\r\n") { push @rows, [@row]; @row = () }
    }
    is(pos($text) // 0, length $text, 'the expected text is in the dialect');
    return \@rows;
}

sub text_of
{
    my ($rows) = @_;
    return join('', map { join("\t", map { /[\t"\r\n]/ ? '"' . s/"/""/gr . '"' : $_ } @$_) . "\r\n" } @$rows);
}

sub column { my ($rows, $name) = @_; my ($at) = grep { $rows->[0][$_] eq $name } 0 .. $#{ $rows->[0] }; return $at }

my %ids;    # of points by source and page, as the reference numbered them in order of arrival

# E14: the header of element-hide is that of element-show.
sub e14_hide_header
{
    my ($entry, $rows) = @_;
    return if $entry !~ /element-hide/;
    splice(@{ $rows->[0] }, 4, 3, 'Tab ID', 'Page ID', 'Visible');
    return;
}

# E11: x! comes before x*.  The points whose page is "both" have both.
sub e11_bang_first
{
    my ($entry, $rows) = @_;
    my $page = column($rows, 'Page ID') // return;
    for my $row (@$rows) { $row->[$page] eq 'both' and s/^star$/bang/ for @$row }
    return;
}

# E13: the URL of clicks and of log-elements, too.
sub e13_url_bang
{
    my ($entry, $rows) = @_;
    return if $entry !~ /element-click|log-elements/;
    my ($page, $url) = (column($rows, 'Page ID'), column($rows, 'URL'));
    for my $row (@$rows) { $row->[$url] = 'https://bang.example/' if $row->[$page] eq 'bang' }
    return;
}

# E15: the markup of a match is the match's own, not the point's.
sub e15_match_html
{
    my ($entry, $rows) = @_;
    return if $entry !~ /log-elements/;
    $_->[-1] eq 'outer bang' and $_->[-1] = '' for @$rows;
    return;
}

# E9: objects are JSON.
sub e9_json_cells
{
    my ($entry, $rows) = @_;
    my %json = ("[1, 'two', None]" => '[1,"two",null]', "{'a': 1.5, 'b': [True]}" => '{"a":1.5,"b":[true]}');
    for my $row (@$rows) { $_ = $json{$_} // $_ for @$row }
    return;
}

# E1: the second match of pattern "m" has no readable size and offset; the reference leaves the row out.
sub e1_row_with_defects
{
    my ($entry, $rows) = @_;
    return if $entry !~ /log-elements/;
    my ($page, $pattern) = (column($rows, 'Page ID'), column($rows, 'Pattern'));
    @$rows = map { $_->[$page] eq 'order' && $_->[$pattern] eq 'm' ? ($_, [@$_[0 .. $pattern], ('') x 5]) : $_ } @$rows;
    return;
}

# 3.1: what the scan once left among the items as its mark is no item.
sub e18_no_watermark
{
    my ($entry, $rows) = @_;
    @$rows = grep { $_->[0] !~ /^\d{4}-\d\d-\d\dT/ } @$rows if $entry eq 'webmunk-asin-details.txt';
    return;
}

# E19: exporting changes no item.  The reference wrote the brand of those that have one, and the time when it did; in
# asinitem.tsv, which is what was stored before, "updated" of all of them is "added".
sub e19_read_only
{
    my ($rows) = @_;
    my ($brand, $added, $updated) = map { column($rows, $_) } 'Brand', 'Date Added', 'Date Updated';
    for my $row (@$rows[ 1 .. $#$rows ]) { $row->[$updated] = $row->[$added] if length $row->[$brand] }
    return;
}

# E21: NaN is no JSON.
sub e21_null { my ($text) = @_; return $text =~ s/(: |^\s*)-?(?:NaN|Infinity)(?=,?$)/$1null/gmr }

# 3.2: members stand as they are stored, and jsonb stores the short names first.
sub members_as_stored
{
    my ($value, $indent) = @_;
    my $scalar = JSON::PP->new->ascii->allow_nonref;
    return $scalar->encode($value) if !ref $value || JSON::PP::is_bool($value);
    my @items = ref $value eq 'ARRAY' ? map { members_as_stored($_, "$indent  ") } @$value
        : map { $scalar->encode($_) . ': ' . members_as_stored($value->{$_}, "$indent  ") }
          sort { length $a <=> length $b || $a cmp $b } keys %$value;
    my ($open, $close) = ref $value eq 'ARRAY' ? ('[', ']') : ('{', '}');
    return @items ? "$open\n" . join(",\n", map { "$indent  $_" } @items) . "\n$indent$close" : "$open$close";
}

# 1.4: rows of one moment are ordered by the newest point.
sub ties_by_id
{
    my ($entry, $rows) = @_;
    my $page = column($rows, 'Page ID') // return;
    my ($header, @data) = @$rows;
    my @place = (0) x @data;
    for (1 .. $#data) { $place[$_] = $place[ $_ - 1 ] + ("@{$data[$_]}[0,1]" ne "@{$data[$_ - 1]}[0,1]") }
    my @order = sort { $place[$a] <=> $place[$b] || id_of($data[$b], $page) <=> id_of($data[$a], $page) || $a <=> $b } 0 .. $#data;
    @$rows = ($header, @data[@order]);
    return;
}
sub id_of { my ($row, $page) = @_; return $ids{"$row->[0] $row->[$page]"} // 0 }

my ($header, @bundles) = split(/\n/, slurp("$samples/input/bundles.tsv"));
for (@bundles) {
    my ($file, $points, $received) = split /\t/;
    my $done = tool('load', $received, "$samples/input/$file");
    like($done->{out}, qr/ points $points quarantined 0$/, "$file is stored") or diag("$done->{out}$done->{err}");
}
for (split(/\n/, slurp("$samples/datapoint.tsv"))) {
    $ids{"$2 $3"} = $1 if /^(\d+)\t([^\t]*)\twebmunk-extension-scroll-position:.*""page-id"": ""([^"]*)""/;
}

for my $folder (qw(created-range created-open-end one-source)) {
    my $job = from_json(slurp("$samples/$folder/job.json"));
    my $p   = $job->{parameters};
    my %day = map { my ($m, $d, $y) = split(m{/}, $p->{"data_$_->[1]"} // ''); $y ? ($_->[0] => "$y-$m-$d") : () } [ from => 'start' ], [ to => 'end' ];
    my ($said, $got) = export({ types => $p->{generators}, sources => $p->{sources}, zone => $job->{time_zone}, %day });
    my ($rows, $counted) = $said =~ /^rows (\d+) counted (\d+)/m;
    is($counted, $rows, "$folder: rows are counted exactly beforehand");
    my %want;
    find({ no_chdir => 1, wanted => sub { $want{ substr($_, length("$samples/$folder/")) } = slurp($_) if /\.txt\z/ } }, "$samples/$folder");
    is_deeply([ sort keys %$got ], [ sort keys %want ], "$folder: the entries are those of the reference");
    for my $entry (sort keys %want) {
        my $expected = rows_of($want{$entry});
        $_->($entry, $expected) for \&e14_hide_header, \&e11_bang_first, \&e13_url_bang, \&e15_match_html, \&e9_json_cells, \&e1_row_with_defects, \&ties_by_id;
        is($got->{$entry}, text_of($expected), "$folder/$entry is what it should be, byte for byte");
    }
}

# Raw points: the same points with the same members, whatever the spacing (E26 to E29).
{
    my $job = from_json(slurp("$samples/raw-created-range/job.json"));
    my $p   = $job->{parameters};
    my %day = map { my ($m, $d, $y) = split(m{/}, $p->{"data_$_->[1]"} // ''); $y ? ($_->[0] => "$y-$m-$d") : () } [ from => 'start' ], [ to => 'end' ];
    my ($said, $got) = export({ types => $p->{generators}, sources => $p->{sources}, format => 'raw', %day });
    my $points = sub { [ sort map { JSON::PP->new->canonical->encode($_) } @{ from_json($_[0]) } ] };
    my @files = map { s/.*\///r } glob("$samples/raw-created-range/*__*.json");
    is_deeply([ sort keys %$got ], [ sort @files ], 'raw entries are called by source, type and day');
    is_deeply($points->($got->{$_} // '[]'), $points->(slurp("$samples/raw-created-range/$_")), "raw: $_ has the same points") for @files;
}

# The catalogue of items: its table and a file for each item that has been looked up (E18 to E21).
{
    $pg->psql('-c', q{\copy webmunk.asin_item (id, asin, brand, added, updated, metadata) from '}
        . "$samples/asinitem.tsv" . q{' (format csv, delimiter E'\t', header)});
    is($pg->scalar('select count(*) from asin_item'), 36, 'the items are there');
    my ($said, $got) = export({ types => ['webmunk-asin-details'], sources => [] });
    like($said, qr/^rows 35 counted 35 defects 0$/m, 'E18: the catalogue is exported whole, without any participant');
    my %want;
    find({ no_chdir => 1, wanted => sub { $want{ substr($_, length("$samples/asin/")) } = slurp($_) if -f } }, "$samples/asin");
    is_deeply([ sort keys %$got ], [ sort keys %want ], 'asin: the entries are those of the reference');
    my $rows = rows_of(delete $want{'webmunk-asin-details.txt'});
    e18_no_watermark('webmunk-asin-details.txt', $rows);
    e19_read_only($rows);
    is($got->{'webmunk-asin-details.txt'}, text_of($rows), 'asin/webmunk-asin-details.txt is what it should be, byte for byte');
    for my $entry (sort keys %want) {
        my $expected = members_as_stored(JSON::PP->new->utf8->decode(e21_null($want{$entry})), '');
        is($got->{$entry}, $expected, "asin/$entry is what it should be, byte for byte");
    }
    is($pg->scalar('select count(*) from asin_item where updated = added and brand is null'), 36, 'E19: exporting changes no item');
    my @files = $said =~ /^entry (.*)$/mg;
    is($files[-1], 'webmunk-asin-details.txt', 'the table stands behind the files');
    is(e21_null(qq({\n  "a": NaN,\n  "b": "NaN"\n})), qq({\n  "a": null,\n  "b": "NaN"\n}), 'E21: only the bare word is corrected');
}
done_testing();
