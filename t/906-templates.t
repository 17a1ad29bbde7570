#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Templates escape everything, and hold no script or style that the Content-Security-Policy would stop.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Source;

my %complaints;
my @templates = source_files(qr/\.mustache$/, 'templates');
for my $path (@templates) {
    my $text = slurp(srcdir() . "/$path");
    my $see  = sub {
        my ($what, $pattern) = @_;
        while ($text =~ /$pattern/g) {
            my $line = 1 + (substr($text, 0, $-[0]) =~ tr/\n//);
            push @{ $complaints{$what} }, "$path:$line: " . substr($text, $-[0], 60);
        }
    };
    $see->(unescaped => qr/\{\{(?:\{|\s*&)/);
    $see->(script    => qr/<script\b(?![^>]*\bsrc=)/i);
    $see->(style     => qr/<style\b|\sstyle\s*=/i);
    $see->(handler   => qr/<[^>]*\son[a-z]+\s*=/i);
    $see->(address   => qr/(?:href|action|src)\s*=\s*["']?\s*javascript:/i);
    $see->(remote    => qr{<(?:script|link|img)\b[^>]*(?:src|href)=["']?(?:https?:)?//}i);
}
my %names = (
    unescaped => 'nothing is left unescaped',
    script    => 'every script is a file',
    style     => 'every style is in a file',
    handler   => 'no attribute is a script',
    address   => 'no address is a script',
    remote    => 'nothing is loaded from elsewhere',
);
clean("$names{$_} in " . scalar(@templates) . ' templates', @{ $complaints{$_} || [] }) for sort keys %names;
done_testing();
