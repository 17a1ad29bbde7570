#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# HTTP/2 where it differs: a CREATE that cannot be stored is a reset stream, a slow sender has no socket of its own,
# and one stream's trouble is not its neighbour's.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Httpd;
use WmTest::Postgres;
use WmTest::Uploads;

my $pg   = WmTest::Postgres->start;
my $curl = need_program('curl', 'curl');
my $node = need_program('node', 'nodejs');

# curl, whose body comes from a pipe that we hold: (writer, pid, file with what it says).
sub streaming
{
    my ($httpd, $base, $method) = @_;
    my $out = workdir() . '/streaming';
    pipe(my $reader, my $writer) or die "pipe: $!";
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        close $writer;
        open(STDIN,  '<&', $reader);
        open(STDOUT, '>',  $out);
        open(STDERR, '>&', \*STDOUT);
        my @command = ($curl, '-sS', '-i', '-m', 60, '--http2-prior-knowledge', '-X', $method, '-T', '-', '-H', 'expect:', '-H',
            'content-type: application/json', $httpd->url("$base/add-bundle.json"));
        exec {$curl} @command or POSIX::_exit(127);
    }
    close $reader;
    $writer->autoflush(1);
    return ($writer, $pid, $out);
}

for my $mpm (qw(event worker)) {
    my $httpd = WmTest::Httpd->start(mpm => $mpm, pg => $pg, h2 => 1, data => 'WebmunkBodyMax 3M',
        dashboard => "</Location>\n<Location \"/hasty\">\nSetHandler webmunk\nWebmunkBodyTimeout 1s\nWebmunkBodyRate 1M");
    my $upload = sub {
        my ($method, $content) = @_;
        return $httpd->request($method, '/data/add-bundle.json',
            { content => $content, headers => { 'content-type' => 'application/json' } });
    };
    is($upload->('POST', WmTest::Uploads::bundle("$mpm-1"))->{status}, 201, "$mpm: POST is stored");
    is($upload->('CREATE', WmTest::Uploads::bundle("$mpm-2"))->{status}, 201, 'CREATE is stored');
    my $large = WmTest::Uploads::bundle(map { "$mpm-large-$_" } 1 .. 15_000);
    is($upload->('POST', $large)->{status}, 201, 'a body of two megabytes is stored');
    is($pg->scalar(q{select count(*) from webmunk.point where properties ->> 'name' like $1}, "$mpm-%"), 15_002,
        '... whole');

    my %got;
    $got{ $httpd->request('POST', '/data/add-bundle.json',
        { content => 'x' x 1000, headers => { 'content-type' => 'text/plain' } })->{status} }++ for 1 .. 40;
    is_deeply(\%got, { 415 => 40 }, 'what is refused by its type learns so, each time');

    # curl 7.88 forgets the answer when the stream ends before its body does; a large body is not read for that.
    $upload->('POST', 'x' x (3 * 1024 * 1024 + 1));
    ok($httpd->logged('bundle POST 413'), 'a body that is too large is 413');
    my $got = $upload->('CREATE', 'x' x (3 * 1024 * 1024 + 1));
    is($got->{status}, 599, '... and nothing for CREATE');
    like($got->{reason}, qr/HTTP\/2 stream/, '... but a reset stream');

    my ($writer, $pid, $out) = streaming($httpd, '/data', 'POST');
    print {$writer} WmTest::Uploads::bundle("$mpm-3");
    close $writer;
    waitpid($pid, 0);
    like(slurp($out), qr{\AHTTP/2 201}, 'a body without a declared length is stored');

    # curl 7.88 reads its pipe to the end before it looks at an answer; the log tells when that is due.
    for my $method (qw(POST CREATE)) {
        ($writer, $pid, $out) = streaming($httpd, '/hasty', $method);
        print {$writer} '[{"never": ';
        ok($httpd->logged("bundle $method 408"), "a $method whose body does not go on ends when its time is over");
        close $writer;
        waitpid($pid, 0);
    }
    unlike(slurp($out), qr{HTTP/2 \d}, '... and CREATE gets no answer');

    ($writer, $pid, $out) = streaming($httpd, '/hasty', 'POST');
    print {$writer} '[{"never": ';
    kill 'KILL', $pid;
    waitpid($pid, 0);
    close $writer;
    is($upload->('POST', '[]')->{status}, 201, 'a client that vanished leaves the others alone');

    $pg->stop;
    is($upload->('POST', '[]')->{status}, 503, 'without the database POST is 503');
    $got = $upload->('CREATE', '[]');
    is($got->{status}, 599, '... and CREATE a reset stream');
    like($got->{reason}, qr/HTTP\/2 stream/, '... and nothing else');

    my $streams = run($node, srcdir() . '/t/lib/streams.js', $httpd->url, qw(OPTIONS CREATE OPTIONS POST));
    is($streams->{out}, "OPTIONS 200\nCREATE reset\nOPTIONS 200\nPOST 503\n"
        . "OPTIONS 200, CREATE reset, OPTIONS 200, POST 503\n", 'a reset stream is no trouble of its neighbours')
        or diag($streams->{err});
    $pg->up;
    ok(wait_until(sub { $upload->('CREATE', WmTest::Uploads::bundle("$mpm-4"))->{status} == 201 }), 'and all is well again');
    $httpd->log_ok('WM0102', '?[dbd:error]');
}
done_testing();
