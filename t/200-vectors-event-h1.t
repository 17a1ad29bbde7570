#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every vector of the wire protocol over HTTP/1.1 on the event MPM.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use WmTest::Vectors;

WmTest::Vectors::check(mpm => 'event');
