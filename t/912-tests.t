#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What is there as a test is one of make check and of make dist: each t/NNN-*.t, and each program of t/unit, stands in t/local.mk.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Source;

my $makefile = slurp(srcdir() . '/t/local.mk') =~ s/\\\n/ /gr;

# The words of the variable NAME.
sub listed
{
    my ($name) = @_;
    my ($words) = $makefile =~ /^\Q$name\E\s*=(.*)$/m or fail("t/local.mk has $name");
    return split(' ', $words // '');
}

my (%count, @tests);
$count{$_}++ for listed('perl_tests');
@tests = grep { m{^t/\d{3}-[^/]+\.t$} } source_files(qr/\.t$/, 't');
ok(@tests > 20, 'there are tests');
clean('each is in perl_tests', grep { !$count{$_} } @tests);
clean('... once', grep { $count{$_} > 1 } sort keys %count);
my %there = map { $_ => 1 } @tests;
clean('perl_tests has no other', grep { !$there{$_} } sort keys %count);
clean('each test in t has a number', grep { m{^t/[^/]+\.t$} && !$there{$_} } source_files(qr/\.t$/, 't'));
my %program = map { $_ => 1 } listed('unit_programs'), split(' ', join(' ', $makefile =~ /^check_PROGRAMS \+=(.*)$/mg));
clean('each program of t/unit is built by make check', grep { !$program{ s/\.c$//r } } source_files(qr/\.c$/, 't/unit'));
clean('each target of t/fuzz has its corpus replayed',
    grep { my ($target) = m{fuzz_(\w+)\.c$}; !{ map { $_ => 1 } listed('replay_programs') }->{"t/fuzz/replay_$target"} }
        source_files(qr{/fuzz_\w+\.c$}, 't/fuzz'));
clean('each module of the tests is in make dist', grep { index($makefile, $_) < 0 } source_files(qr/\.pm$/, 't/lib'));
done_testing();
