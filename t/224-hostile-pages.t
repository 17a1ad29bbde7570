#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Pages over data and addresses that try to do harm: every link of every page leads somewhere, nothing of a device is
# markup, no argument makes an error of the server.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use WmTest;
use WmTest::Browser;
use WmTest::Httpd;
use WmTest::Postgres;

need_module();
my $pg       = WmTest::Postgres->start;
my $password = people($pg, alice => 'manager');
my $httpd    = WmTest::Httpd->start(pg => $pg, children => 1);
my $evil     = q{<script src="x" id='y'>{{evil}}&amp;%3Cevil%3E`</script>};
my $serial   = 0;

sub point
{
    my ($metadata, %members) = @_;
    return { %members, 'passive-data-metadata' =>
            { source => "h$serial", 'generator-id' => 'g', generator => 'g: a/1', timestamp => time, %$metadata } };
}

sub upload
{
    my ($what, @points) = @_;
    $serial++;
    my $answer = $httpd->request('POST', '/data/add-bundle.json', { content => json([ map { $_->() } @points ]),
            headers => { 'content-type' => 'application/json', 'user-agent' => $evil } });
    is($answer->{status}, 201, "stored: $what");
    return;
}

upload('markup everywhere', sub { point({ source => $evil, 'generator-id' => $evil, generator => "$evil: $evil/$evil $evil" },
        $evil => { $evil => $evil }) }, sub { {} });
upload('secondary identifiers of markup',
    sub { point({ source => $evil, 'generator-id' => 'pdk-screen-state' }, state => $evil) });
upload('names that an address could take for its own',
    map { my $name = $_; sub { point({ source => $name, 'generator-id' => $name, generator => $name }) } }
        '/../..', '?&#%', '+ +', ' ', "\x{7f}\r\n\t", "a\x{202e}b", '%00', '.json', 'x.csv');
upload('the longest source', sub { point({ source => join('', map { chr(0x1f600 + $_ % 64) } 1 .. 1024) }) });
upload('long names', sub { point({ 'generator-id' => 'long ' x 4000, generator => ('x' x 30_000) . ': ' . 'y' x 30_000 }) });
upload('times at both ends', map { my $time = $_; sub { point({ source => 'ends', timestamp => $time }) } }
        -99_999_999_999, 99_999_999_999, -1, 0, 1e17, '9999-12-31T23:59:59Z', '0001-01-01');
upload('a large point', sub { point({ source => 'large' }, page => "<b>\x{e9}" x 200_000) });
upload('many members', sub { point({ source => 'members' }, map { ("<i>$_" => $_) } 1 .. 3000) });
upload('deep nesting', sub { my $deep = 1; $deep = [$deep] for 1 .. 400; point({ source => 'deep' }, v => $deep) });
upload('numbers at their ends',
    sub { point({ source => 'numbers', 'generator-id' => 'pdk-device-battery', latitude => '90', longitude => '-180' }, level => 1e308) });

my $browser = WmTest::Browser->signed_in($httpd, 'alice', $password);
my @markup  = (qr/<script src="x"/, qr/<i>1\b/, qr/<b>\x{c3}\x{a9}/, qr/<evil/i);

sub entities
{
    my ($text) = @_;
    my %is = (amp => '&', quot => '"', lt => '<', gt => '>', '#39' => "'", '#96' => '`', '#61' => '=');
    return $text =~ s/&(amp|quot|lt|gt|#39|#96|#61);/$is{$1}/gr;
}

subtest 'every link leads somewhere' => sub {
    my @todo = ('/dashboard/');
    my (%seen, @wrong, @injected);
    while (@todo && keys %seen < 250) {
        my $path = shift @todo;
        next if $seen{$path}++;
        my $answer = $browser->get($path);
        push @wrong, "$answer->{status} $path" if $answer->{status} != 200;
        next unless WmTest::Browser::header($answer, 'content-type') =~ m{text/html};
        for my $pattern (@markup) { push @injected, "$pattern in $path" if $answer->{content} =~ $pattern }
        # httpd refuses longer request lines: the page of a source or generator of more than 8,000 bytes has no address.
        push @todo, grep { length() < 8000 && m{^/dashboard/} && !m{/assets/|/sign-out} }
            map { s/#.*//r } map { m{^\?} ? $path =~ s/\?.*//r . $_ : m{^/} ? $_ : $path =~ s{[^/]*(?:\?.*)?$}{}r . $_ }
            map { entities($_) } $answer->{content} =~ /\s(?:href|hx-get|data-\w+)="((?:\/|\?|[a-z]+(?:\.\w+)?\?)[^"]*)"/g;
    }
    cmp_ok(scalar keys %seen, '>', 60, 'the pages are full of links');
    is_deeply(\@wrong, [], '... and each answers') or diag(join("\n", @wrong));
    is_deeply(\@injected, [], '... without markup of a device');
};

subtest 'arguments of any kind' => sub {
    my @values = ($evil, "'", "' or 1=1 --", '%00', '%ff%fe', '%', '%zz', '-1', '0', '9' x 30, '1e9', 'NaN', 'infinity', '-infinity', '..',
        '2026-11-31', '-4713-01-01', '294277-01-01', '9999-12-31', 'today', 'epoch', '1:', ':1', '1:1', '1:x', '0:9999999999999999999',
        '1:infinity', '1:294277-01-01T00:00:00Z', '-9223372036854775808', '9223372036854775808:1', '1:9223372036854775807',
        'x' x 5000, 'null', '[]', '*', '%25', '_', '\\', 'ends', 'points', 'uploads', 'day', '1,2', "%e2%80%ae");
    my @paths = map { ("/dashboard/$_", "/dashboard/$_.json", "/dashboard/$_.csv") } qw(overview participants unassigned participant);
    my @names = qw(id tab generator day q state group sort after before limit days study from to v);
    my (%seen, @wrong);
    srand(24);
    for my $round (1 .. 600) {
        my %with = map { ($names[ rand @names ] => $values[ rand @values ]) } 1 .. 1 + rand 4;
        $with{id} = 'ends' if rand() < 0.5;
        $with{tab} = (qw(points uploads day generators))[ rand 4 ] if rand() < 0.5;
        my $path = $paths[ rand @paths ] . '?'
            . join('&', map { "$_=" . $with{$_} =~ s/([^%\w.:*\\-])/sprintf('%%%02X', ord $1)/ger } sort keys %with);
        my $answer = $browser->get($path);
        $seen{ $answer->{status} }++;
        push @wrong, "$answer->{status} $path" unless $answer->{status} =~ /^(?:200|303|304|400|404|414)$/;
        push @wrong, "markup in $path" if WmTest::Browser::header($answer, 'content-type') =~ /html/
            && grep { $answer->{content} =~ $_ } @markup;
    }
    is_deeply(\@wrong, [], 'none is an error of the server, none becomes markup') or diag(join("\n", @wrong));
    cmp_ok($seen{$_} // 0, '>', 20, "... and there were answers of $_") for 200, 400;
    my $long = $browser->get('/dashboard/participants?' . join('&', map { "a$_=$_" } 1 .. 1500));
    like($long->{status}, qr/^(?:200|400|414)$/, 'a thousand arguments are answered');
};

subtest 'assets stay in their folder' => sub {
    for my $path ('assets/../../../../etc/passwd', 'assets/%2e%2e/%2e%2e/etc/passwd', 'assets/..%2f..%2fetc%2fpasswd', 'assets//etc/passwd',
        'assets/', 'assets', 'assets/.', 'assets/%00', 'assets/webmunk.css%00.js', 'assets/webmunk.css/', 'assets/..;/', "assets/\\..\\x") {
        my $text = $httpd->raw_request("GET /dashboard/$path HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        unlike($text, qr/root:x:/, "$path gives away nothing");
        like($text, qr{\AHTTP/1.1 (?:30[13]|40[0134]|200 OK\r\n(?:[^\r\n]+\r\n)*?Content-Type: text/css)}i, '... and is answered in order');
    }
};

$httpd->log_ok('?AH00026', '?AH10244', '?AH10508');
done_testing();
