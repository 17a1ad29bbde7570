#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL restarted and crashed, httpd restarted, all under load, on the prefork MPM.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use WmTest::Uploads;

WmTest::Uploads::check(mpm => 'prefork');
