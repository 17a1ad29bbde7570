#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone, so that the order of includes never matters.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Source;

my $build = builddir();
my $top   = srcdir();
my @flags = map { split ' ', WmTest::configured($_) }
    qw(APR_CFLAGS APU_CFLAGS PQ_CFLAGS JANSSON_CFLAGS SODIUM_CFLAGS ZLIB_CFLAGS HTTPD_CPPFLAGS);
my @compiler = split ' ', WmTest::configured('CC') || 'cc';

my @failed;
my @headers = source_files(qr/\.h$/, grep { -d "$top/$_" } qw(lib mod_webmunk jobs bench t));
for my $path (@headers) {
    my $source = spew(workdir() . '/header.c', "#include \"$top/$path\"\ntypedef int translation_unit_is_not_empty;\n");
    my $done = run(@compiler, '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-Wno-unused-function', '-fsyntax-only', "-I$build",
        "-I$build/lib", "-I$top/lib", "-I$top/mod_webmunk", '-D_GNU_SOURCE', @flags, $source);
    push @failed, "$path: $done->{err}" if $done->{code};
}
clean(scalar(@headers) . ' headers compile alone', @failed);
done_testing();
