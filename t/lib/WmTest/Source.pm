# SPDX-License-Identifier: Apache-2.0
# What the source guards (t/9NN) share: the files of the tree, and where a C function begins and ends.
package WmTest::Source;
use strict;
use warnings;
use Exporter 'import';
use File::Find;
use Test::More;
use WmTest;

our @EXPORT = qw(source_files lines c_functions code_of clean);

my @folders = qw(lib mod_webmunk jobs sql templates assets conf man docs bench t build-aux m4 changes .ci);
my %generated = map { $_ => 1 } qw(compile config.guess config.sub depcomp install-sh ltmain.sh missing ar-lib test-driver);

# Files of the source tree whose path matches, relative and sorted. What others wrote (npm, autotools, official test
# files) is left out. Without a match the guard fails: it would guard nothing.
sub source_files
{
    my ($pattern, @below) = @_;
    my $top = srcdir();
    my @found = @below ? () : grep { -f "$top/$_" && $_ =~ $pattern } qw(quickstart configure.ac Makefile.am);
    for my $folder (@below ? @below : @folders) {
        next unless -d "$top/$folder";
        find({
            no_chdir => 1,
            wanted   => sub {
                my $path = substr($File::Find::name, length($top) + 1);
                if (-d && $path =~ m{(?:^|/)(?:node_modules|vendor|autom4te\.cache)$|^t/fuzz/corpus$|^t/data$}) {
                    $File::Find::prune = 1;
                    return;
                }
                return if !-f || $path =~ m{~$|/\.|^m4/l|^m4/lt} || ($path =~ m{^build-aux/(.*)} && $generated{$1});
                push @found, $path if $path =~ $pattern;
            },
        }, "$top/$folder");
    }
    @found or fail('there is something to check');
    return sort @found;
}

sub lines
{
    my ($path) = @_;
    my @lines = split(/\n/, slurp(srcdir() . "/$path"), -1);
    pop @lines if @lines && $lines[-1] eq '';
    return @lines;
}

# Functions of a C file in our format (braces in the first column): {name, first, last}.
sub c_functions
{
    my ($path) = @_;
    my @lines = lines($path);
    my @functions;
    for my $i (0 .. $#lines) {
        next unless $lines[$i] eq '{';
        my $head = '';
        for (my $j = $i - 1; $j >= 0 && $lines[$j] =~ /\S/ && $lines[$j] !~ m{^(?:[#/]|\})|;\s*$}; $j--) {
            $head = "$lines[$j] $head";
        }
        my ($name) = $head =~ /(\w+)\s*\(/;
        my $last = $i;
        $last++ while $last < $#lines && $lines[$last] ne '}';
        push @functions, { name => $name // "line $i", first => $i + 1, last => $last + 1 };
    }
    return @functions;
}

# A C file's text with comments blanked, and string contents too unless wanted; line numbers stay.
sub code_of
{
    my ($path, $keep_strings) = @_;
    my $text = slurp(srcdir() . "/$path");
    $text =~ s{(/\*.*?\*/)|(//[^\n]*)|("(?:[^"\\\n]|\\.)*")|('(?:[^'\\\n]|\\.)*')}{
        my $all = $&;
        if (defined $3 && $keep_strings) { $all }
        elsif (defined $3) { '""' }
        elsif (defined $4) { "''" }
        else { $all =~ s/[^\n]//g; $all }
    }gse;
    return $text;
}

# One test for a list of complaints, each with its place.
sub clean
{
    my ($name, @complaints) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(!@complaints, $name) or diag(join("\n", @complaints > 40 ? (@complaints[0 .. 39], '...') : @complaints));
    return;
}

1;
