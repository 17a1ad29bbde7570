#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Files and functions stay small enough to read in one go.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Source;

my (@long, @longer, @functions);
for my $path (source_files(qr/\.(?:[ch]|js|mjs|pm|t|sh|sql|awk|mustache)$|^quickstart$/)) {
    my $count = () = lines($path);
    push @long,   "$path has $count lines; split it by meaning" if $count > 400;
    push @longer, "$path has $count lines" if $count > 800;
    next unless $path =~ /\.c$/;
    for my $function (c_functions($path)) {
        my $size = $function->{last} - $function->{first} + 1;
        push @functions, "$path:$function->{first}: $function->{name} has $size lines" if $size > 120;
    }
}
diag($_) for @long;
clean('no file has more than 800 lines', @longer);
clean('no function has more than 120 lines', @functions);
ok(scalar(map { c_functions($_) } source_files(qr/\.c$/, 'lib')) > 50, 'functions are found where they are');
done_testing();
