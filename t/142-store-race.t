#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Runs t/unit/store_race, which prints the TAP, against a private PostgreSQL.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use WmTest;
use WmTest::Postgres;

my $pg      = WmTest::Postgres->start;
my $program = builddir() . '/t/unit/store_race';
-x $program or give_up("$program is missing: make check builds it");
$ENV{DATABASE_URL} = $pg->url;
my $status = system($program);
exit($status == 0 ? 0 : 1);
