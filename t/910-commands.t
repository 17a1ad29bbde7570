#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# man/webmunkd.8 describes the commands and options that the program has, and no others.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Source;

my $help = webmunkd(undef, '--help')->{out};
my ($list) = $help =~ /^commands:\n(.*?)^\s*$/ms;
my @commands = ($list // '') =~ /^  (\S+(?: \S+)?)\s{2,}\S/mg;
ok(@commands > 2, 'the program lists its commands');

my $manual = slurp(srcdir() . '/man/webmunkd.8') =~ s/\\-/-/gr;
my ($section) = $manual =~ /^\.SH COMMANDS$(.*?)^\.SH /ms;
my %described;
while ($section =~ /^\.SS (.+?)$(.*?)(?=^\.SS |\z)/msg) {
    my ($command, $text) = ($1, $2);
    my ($name) = $command =~ /^([a-z][a-z-]*(?: [a-z][a-z-]*)*)/;
    $described{$name} = $text;
}
clean('each command has a section', grep { !exists $described{$_} } @commands);
my %known = map { $_ => 1 } @commands;
clean('no section is about a command that does not exist', grep { !$known{$_} } sort keys %described);

my @wrong;
for my $command (@commands) {
    my $own = webmunkd(undef, split(' ', $command), '--help')->{out};
    my %has = map { $_ => 1 } $own =~ /^\s+(--[a-z][a-z-]*)/mg;
    delete @has{qw(--help --version --database)};
    my %said = map { $_ => 1 } ($described{$command} // '') =~ /^\.BR?I? "?(--[a-z][a-z-]*)/mg;
    push @wrong, map { "$command $_ is not described" } grep { !$said{$_} } sort keys %has;
    push @wrong, map { "$command $_ does not exist" } grep { !$has{$_} } sort keys %said;
}
clean('each option of each command is described, and no other', @wrong);
done_testing();
