#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The library knows neither of its hosts, handlers know no libpq, SQL stands in sql/ only.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Source;

my $httpd = qr{(?:httpd|http_\w+|ap_\w+|util_\w+|mod_\w+|scoreboard|mpm_common)\.h};
my $curl  = qr{curl/};

# What a file includes, as [line, name].
sub includes
{
    my ($path) = @_;
    my $line = 0;
    return map { $line++; /^\s*#\s*include\s*[<"]([^>"]+)[>"]/ ? [ $line, $1 ] : () } lines($path);
}

sub complaints
{
    my ($forbidden, $allowed, @paths) = @_;
    my @found;
    for my $path (@paths) {
        next if $allowed && $path =~ $allowed;
        push @found, map { "$path:$_->[0] includes $_->[1]" } grep { $_->[1] =~ /^$forbidden/ } includes($path);
    }
    return @found;
}

my @lib      = source_files(qr/\.[ch]$/, 'lib');
my @module   = source_files(qr/\.[ch]$/, 'mod_webmunk');
my @handlers = source_files(qr/\.[ch]$/, 'mod_webmunk/handlers');
my @jobs     = source_files(qr/\.[ch]$/, 'jobs');

ok(scalar(map { includes($_) } @lib) > 100, 'includes are found where they are');
clean('lib includes no header of httpd',        complaints($httpd, undef, @lib));
clean('lib includes no header of curl',         complaints($curl, undef, @lib));
clean('the module includes no header of curl',  complaints($curl, undef, @module));
clean('handlers include no libpq',              complaints(qr/libpq/, undef, @handlers));
clean('jobs include no header of httpd',        complaints($httpd, undef, @jobs));
clean('only jobs/fetch.c includes curl',        complaints($curl, qr{^jobs/fetch\.c$}, @jobs));
clean('lib includes nothing of its hosts',      complaints(qr/.*(?:mod_webmunk|jobs|handlers)\//, undef, @lib));

my @sql;
for my $path (@lib, @module, @jobs) {
    my $line = 0;
    for (split(/\n/, code_of($path, 1))) {
        $line++;
        push @sql, "$path:$line: $_"
            if /"\s*(?:select\s.*\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\(|create\s+table\s|alter\s+table\s)/i;
    }
}
clean('there is no SQL in C', @sql);
done_testing();
