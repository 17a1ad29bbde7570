#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What an archive must not tell: identifiers when there are pseudonyms, and sensitive fields when they are left out. Every byte of
# every entry of every format is looked through.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Export;
use WmTest::Postgres;

my $unzip = need_program('unzip', 'unzip');
my $pg    = WmTest::Postgres->start;
my $dir   = workdir() . '/exports';
my $lab   = WmTest::Export->new($pg);
my %env   = (WEBMUNK_EXPORT_DIR => $dir);

sub command { return webmunkd({ env => {%env} }, $pg, 'export', @_) }

# Identifiers as labs have them, each told by its data in every way there is.
my @who = ('10000001', 'alpha-3', 'ann.lee@example.org', "Čeněk \"7\"", 'bo');
my $hush = 'the secret of the page';
my $time = 1741536000;
for (@who) {
    my $encoded = s/([^A-Za-z0-9._~-])/sprintf('%%%02X', ord $1)/ger;
    utf8::decode(my $who = $_);
    my %tells = ('url*' => "https://x.example/?s=$hush", 'url!' => "https://y.example/$hush", 'page-title*' => $hush, 'element-content*' => "<p>$hush</p>",
        'note' => "who: $who, and", 'who' => $who, 'link' => "https://z.example/?pid=$encoded&x=1", 'deep' => [ { 'secret*' => { a => $hush } , "of $who" => 1 } ]);
    $tells{number} = $who + 0 if $who =~ /^\d+$/;
    $lab->store($time,
        [ $who, 'acme-steps', $time, { %tells } ],
        [ $who, 'webmunk-extension-action', $time, { action => "by $who", %tells } ],
        [ $who, 'webmunk-extension-class-added', $time, { 'class-name' => { who => $who, 'x*' => $hush }, 'tab-id' => $who =~ /^\d+$/ ? $who + 0 : $who, %tells } ],
        [ $who, 'webmunk-extension-log-elements', $time, { %tells, 'pattern-matches' => { "p $who" => [ { 'element-content*' => "$hush $who" } ] } } ],
        [ $who, 'pdk-app-event', $time, { event_name => 'x', event_details => { %tells } } ],
    );
}
my $types = join(',', qw(acme-steps webmunk-extension-action webmunk-extension-class-added webmunk-extension-log-elements pdk-app-event));

sub archive
{
    my (@options) = @_;
    my ($id) = command('create', '--types', $types, @options)->{out} =~ /(\d+)/;
    my $made = command('run', $id);
    is($made->{code}, 0, "an archive: @options") or diag($made->{err});
    my @names = split(/\n/, run($unzip, '-Z1', "$dir/$id.zip")->{out});
    return { map { $_ => run($unzip, '-p', "$dir/$id.zip", s/([\[\]*?])/\\$1/gr)->{out} } @names };
}

my %shown;
for my $format (qw(tsv csv jsonl raw)) {
    my $got = archive('--format', $format, '--pseudonyms', 'new', '--sources', join(',', @who));
    my $all = join("\n", map { "$_\n$got->{$_}" } sort keys %$got);
    my $escaped = $all =~ s/\\u([0-9a-f]{4})/my $c = chr(hex $1); utf8::encode($c); $c/ger =~ s/\\(["\\])/$1/gr =~ s/""/"/gr;
    for my $who (@who) {
        my $encoded = $who =~ s/([^A-Za-z0-9._~-])/sprintf('%%%02X', ord $1)/ger;
        my $word = $who eq 'bo' ? qr/\bbo\b/ : qr/\Q$who\E/i;
        unlike($all, $word, "$format: nothing tells \"$who\"");
        unlike($escaped, $word, '... not behind escapes either');
        unlike($all, qr/\Q$encoded\E/i, '... nor in an address') if $encoded ne $who;
    }
    unlike($all, qr/\Q$hush\E/, "$format: nothing sensitive is told, however deep");
    my $manifest = from_json($got->{'manifest.json'});
    is(@{ $manifest->{sources}{included} }, 5, "$format: all are in it");
    is_deeply([ grep { !/^p-[0-9a-f]{20}$/ } @{ $manifest->{sources}{included} }, @{ $manifest->{definition}{sources} } ], [], '... under pseudonyms');
    like($got->{'codebook.tsv'}, $format eq 'raw' ? qr/^acme-steps\t\tno\tyes\tthe point as it was stored, without members .*\r\n(?!acme-steps)/m : qr/^acme-steps\tProperties\t/m,
        "$format: the code book tells what is in it");
    $shown{$format} = $manifest->{sources}{included};
    my %seen;
    for my $name (grep { !/^(?:manifest|codebook|completeness)/ } keys %$got) { $seen{$_}++ for "$name $got->{$name}" =~ /(p-[0-9a-f]{20})/g }
    is_deeply([ sort keys %seen ], [ sort @{ $shown{$format} } ], "$format: files, their names and the manifest use the same ones");
}
my %all = map { $_ => 1 } map { @$_ } values %shown;
is(keys %all, 20, 'each export has pseudonyms of its own');

# A key that is named again gives the same pseudonyms; without pseudonyms everything is as it came.
my $first = archive('--pseudonyms', 'new');
my $key   = from_json($first->{'manifest.json'})->{definition}{pseudonyms};
my $again = archive('--pseudonyms', $key);
is_deeply(from_json($again->{'manifest.json'})->{sources}, from_json($first->{'manifest.json'})->{sources}, 'a key that is named again gives the same');
is_deeply(from_json($again->{'manifest.json'})->{entries}, from_json($first->{'manifest.json'})->{entries}, '... in the same files');
my $plain = archive('--sensitive');
like($plain->{'webmunk-extension-action.txt'}, qr/\tby alpha-3\r\n/, 'without pseudonyms data stay as they are');
like($plain->{'webmunk-extension-class-added.txt'}, qr/\Q$hush\E/, '... and sensitive fields, when they are wanted');
my $hidden = archive('--pseudonyms', 'new', '--sensitive');
like($hidden->{'webmunk-extension-action.txt'}, qr/\tby p-[0-9a-f]{20}\r\n/, 'with pseudonyms they stand in texts, too');
like($hidden->{'acme-steps.txt'}, qr/pid=p-[0-9a-f]{20}&x=1/, '... and in addresses');
like($hidden->{'acme-steps.txt'}, qr/""number"": ""p-[0-9a-f]{20}""/, '... and for numbers');
done_testing();
